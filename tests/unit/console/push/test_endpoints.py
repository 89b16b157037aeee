"""Only known push services are allowed, as a browser could name any host."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

pytest.importorskip("cryptography", reason="the extra console is not installed")

from pi_cam_node.console.push.endpoints import Endpoints, PublicResolver, is_apple
from pi_cam_node.console.push.vapid import NO_SUBJECT, subject_of

ALLOWED = (
    "https://fcm.googleapis.com/fcm/send/abc",
    "https://updates.push.services.mozilla.com/wpush/v2/abc",
    "https://web.push.apple.com/abc",
    "https://wns2-by3p.notify.windows.com/w/?token=abc",
    "https://fcm.googleapis.com:443/x",
)
REFUSED = (
    "http://fcm.googleapis.com/x",
    "https://fcm.googleapis.com.evil.example/x",
    "https://evil.example/fcm.googleapis.com",
    "https://push.apple.com.evil.example/",
    "https://xpush.apple.com/",
    "https://push.apple.com/",
    "https://fcm.googleapis.com@10.0.0.1/",
    "https://user:pass@fcm.googleapis.com/",
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://10.0.0.1/",
    "https://192.168.1.1:8123/api",
    "https://169.254.169.254/latest/meta-data",
    "https://localhost/",
    "https://0.0.0.0/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://fcm.googleapis.com:8443/",
    "https://fcm.googleapis.com:99999/",
    "ftp://fcm.googleapis.com/",
    "file:///etc/passwd",
    "gopher://fcm.googleapis.com/",
    "javascript:alert(1)",
    "//fcm.googleapis.com/x",
    "https:///x",
    "https://",
    "",
    "https://fcm.googleapis.com\\@evil.example/",
    "https://fcm.googleapis.com\n.evil.example/",
    "https://fcm\u3002googleapis.com/",
    "https://fcm.googleapis.com/" + "x" * 3000,
)


@pytest.mark.parametrize("endpoint", ALLOWED)
def test_known_services_are_written_to(endpoint: str) -> None:
    assert Endpoints().fault_of(endpoint) == ""


@pytest.mark.parametrize("endpoint", REFUSED)
def test_everything_else_is_refused(endpoint: str) -> None:
    assert Endpoints().fault_of(endpoint)


def test_a_named_host_is_allowed_with_its_port_and_no_other() -> None:
    endpoints = Endpoints(["127.0.0.1:9000", " push.house "])
    assert endpoints.fault_of("http://127.0.0.1:9000/wpush/1") == ""
    assert endpoints.fault_of("https://push.house/1") == ""
    assert endpoints.fault_of("http://127.0.0.1:9001/wpush/1")
    assert endpoints.fault_of("file://push.house/1")


def test_a_name_that_leads_into_the_house_is_not_followed(mocker: MockerFixture) -> None:
    async def look_up(address: str) -> list[str]:
        async def found(*_args: object, **_more: object) -> list[tuple[object, ...]]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]

        mocker.patch.object(asyncio.get_running_loop(), "getaddrinfo", found)
        return [one["host"] for one in await PublicResolver(Endpoints()).resolve("web.push.apple.com", 443)]

    assert asyncio.run(look_up("17.253.144.10")) == ["17.253.144.10"]
    for address in ("127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "100.64.0.1"):
        with pytest.raises(OSError, match="no public address"):
            asyncio.run(look_up(address))


def test_apples_services_are_known() -> None:
    assert is_apple("https://web.push.apple.com/abc")
    assert not is_apple("https://fcm.googleapis.com/push.apple.com")


def test_who_may_be_written_to(tmp_path: Path) -> None:
    assert subject_of("", tmp_path) == NO_SUBJECT
    (tmp_path / "contact").write_text("mailto:anna@posteo.de\n")
    assert subject_of("", tmp_path) == "mailto:anna@posteo.de"
    assert subject_of("https://anna.dev", tmp_path) == "https://anna.dev"
