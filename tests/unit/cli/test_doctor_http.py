"""What the doctor says of the node's page, whose port it tries."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.cli.doctor import http_checks
from pi_cam_node.cli.doctor.finding import failed, ok
from pi_cam_node.config import Config
from pi_cam_node.web.http import sockets


def config(**sections: dict[str, Any]) -> Config:
    return Config.model_validate({"node": {"id": "porch"}, "mjpeg_server": {"port": 8080}, **sections})


def test_a_page_that_is_off_needs_no_port() -> None:
    found = http_checks.check_http(config(mjpeg_server={"enable": False}), is_running=False)
    assert found == ok("HTTP", "mjpeg_server.enable is off")


def test_a_free_port_is_tried_and_given_back(mocker: MockerFixture) -> None:
    sock = mocker.Mock(spec=socket.socket)
    mocker.patch.object(sockets, "bound", return_value=[sock])
    assert http_checks.check_http(config(), is_running=False) == ok("HTTP", "port 8080 of 127.0.0.1 is free")
    sock.close.assert_called_once_with()


@pytest.mark.parametrize(
    ("answers", "is_running", "taker"),
    [(False, True, "another program"), (False, None, "another program"), (True, False, "another node")],
)
def test_a_port_that_is_taken_is_told(
    mocker: MockerFixture, taker: str, *, answers: bool, is_running: bool | None
) -> None:
    mocker.patch.object(sockets, "bound", side_effect=OSError(errno.EADDRINUSE, "in use"))
    mocker.patch.object(http_checks, "_answers_as_node", return_value=answers)
    assert http_checks.check_http(config(), is_running=is_running) == failed(
        "HTTP",
        f"http://127.0.0.1:8080/ is taken by {taker}",
        "choose another mjpeg_server.port, or stop that program",
    )


@pytest.mark.parametrize("host", ["::", "0.0.0.0"])
def test_the_node_that_has_its_port_is_as_it_should_be(mocker: MockerFixture, host: str) -> None:
    mocker.patch.object(sockets, "bound", side_effect=OSError(errno.EADDRINUSE, "in use"))
    asked = mocker.patch.object(http_checks, "_answers_as_node", return_value=True)
    assert http_checks.check_http(config(http={"host": host}), is_running=True).state == "ok"
    asked.assert_called_once_with("http://[::1]:8080/" if host == "::" else "http://127.0.0.1:8080/")


def test_an_address_of_another_machine_is_told(mocker: MockerFixture) -> None:
    error = OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    mocker.patch.object(sockets, "bound", side_effect=error)
    found = http_checks.check_http(config(http={"host": "192.0.2.1"}), is_running=False)
    assert found.text == "192.0.2.1 port 8080 cannot be used: Cannot assign requested address"
    assert "http.host" in found.advice


def test_a_certificate_that_is_none_is_told(tmp_path: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("none\n")
    tls = {"enable": True, "cert": str(tmp_path / "cert.pem"), "key": str(tmp_path / "key.pem")}
    found = http_checks.check_http(config(http={"tls": tls}), is_running=False)
    assert (found.state, found.check) == ("failed", "HTTP")
    assert found.text.startswith("http.tls: ")
    assert "PEM" in found.advice
