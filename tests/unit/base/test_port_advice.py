"""Advice for ports that cannot be bound."""

from __future__ import annotations

import errno
import socket

import pytest

from pi_cam_node.base.port_advice import advice


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.EADDRINUSE, "x"), "another program uses the port; change a.port, or find it with: ss -ltnp"),
        (
            OSError(errno.EADDRNOTAVAIL, "x"),
            "this machine does not have the address (yet); check a.host with: ip address",
        ),
        (PermissionError(errno.EACCES, "x"), "ports below 1024 are the administrator's; choose a higher a.port"),
        (
            PermissionError(errno.EACCES, "x", "/etc/token"),
            "check that file, and whether the user of this program may use it",
        ),
        (socket.gaierror(-2, "x"), "the name in a.host is not known; an address is safer"),
        ("\udce9".encode, "the name in a.host is not known; an address is safer"),
        (OSError(errno.EIO, "x"), "check a.host and a.port"),
    ],
)
def test_advice_names_the_setting(error: object, told: str) -> None:
    if callable(error):
        with pytest.raises(UnicodeError) as raised:
            error()
        error = raised.value
    assert isinstance(error, OSError | UnicodeError)
    assert advice(error, "a.host", "a.port") == told
