"""Origins that the console takes for its own, and the one that its links begin with."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")

from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.console.web.gate import ConsoleGate
from pi_cam_node.web.auth.allowed_hosts import AllowedHosts
from pi_cam_node.web.auth.lockout import Lockout
from pi_cam_node.web.auth.proxies import Proxies
from pi_cam_node.web.http.routes import Need

PUBLIC = "https://cam.example.org:8443"


def gate(public_url: str = PUBLIC) -> ConsoleGate:
    return ConsoleGate(
        accounts=cast("Any", SimpleNamespace(session=lambda _name: None)),
        links=cast("Any", None),
        lockout=Lockout(SystemClock()),
        proxies=Proxies(["127.0.0.0/8"]),
        hosts=AllowedHosts(["cam.example.org"]),
        cookie="console",
        public_url=public_url,
    )


def posted(origin: str, host: str = "cam.example.org", scheme: str = "https", peer: str = "127.0.0.1") -> web.Request:
    forwarded = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Host": host, "X-Forwarded-Proto": scheme}
    transport = SimpleNamespace(get_extra_info=lambda name, default=None: (peer, 1) if name == "peername" else None)
    told = {"Host": host, "Origin": origin, **forwarded}
    return make_mocked_request("POST", "/login", headers=told, transport=cast("Any", transport))


@pytest.mark.parametrize("scheme", ["https", "http"], ids=["told", "a proxy that does not tell the scheme"])
def test_a_page_of_the_public_address_is_the_consoles_own_where_the_proxy_leaves_out_its_port(scheme: str) -> None:
    """``proxy_set_header Host $host`` does: nobody could log in."""
    request = posted(PUBLIC, scheme=scheme)
    gate().admit(request, Need("public"))
    assert gate().origin(request) == PUBLIC


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://cam.example.org:9443", "http://cam.example.org:8443"]
)
def test_other_pages_are_refused_and_the_remedy_named(origin: str) -> None:
    with pytest.raises(web.HTTPForbidden) as refused:
        gate().admit(posted(origin), Need("public"))
    assert "console.public_url" in (refused.value.text or "")


def test_at_another_address_the_links_begin_with_that_one() -> None:
    request = posted("http://192.0.2.1:8090", "192.0.2.1:8090", "http")
    for public_url in ("", PUBLIC):
        gate(public_url).admit(request, Need("public"))
        assert gate(public_url).origin(request) == "http://192.0.2.1:8090"


def test_a_proxy_that_is_not_named_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """All who come through it share five wrong passwords a minute."""
    checked = gate()
    for last in (2, 2, *range(3, 20)):
        checked.admit(posted(PUBLIC, peer=f"172.18.0.{last}"), Need("public"))
    checked.admit(posted("http://172.18.0.1:8090", "172.18.0.1:8090", "http"), Need("public"))
    told = [record.message.partition(" is a proxy that console.trusted_proxies")[0] for record in caplog.records]
    assert told == [f"172.18.0.{last}" for last in range(2, 10)]
