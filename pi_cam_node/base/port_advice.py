"""Advice for a port that cannot be bound, shared by all servers."""

from __future__ import annotations

import errno
import socket

# By errno; with the names of the settings of host and port.
_ADVICE = {
    errno.EADDRINUSE: "another program uses the port; change {port}, or find it with: ss -ltnp",
    errno.EADDRNOTAVAIL: "this machine does not have the address (yet); check {host} with: ip address",
    errno.EACCES: "ports below 1024 are the administrator's; choose a higher {port}",
}


def advice(error: OSError | UnicodeError, host: str, port: str) -> str:
    """Return advice for a port that cannot be bound.

    Args:
        error: The error of bind(), or of a file that the server needs.
        host: Name of the setting of the host.
        port: Name of the setting of the port.
    """
    if isinstance(error, socket.gaierror | UnicodeError):
        return f"the name in {host} is not known; an address is safer"
    if error.filename is not None:  # a certificate, a key or a token, which are read before
        return "check that file, and whether the user of this program may use it"
    return _ADVICE.get(error.errno or 0, "check {host} and {port}").format(host=host, port=port)
