"""Requests that a page of another site can make in a browser that is logged in to the node."""

from __future__ import annotations

import http.client
import itertools
import json
from collections import Counter
from collections.abc import Callable

import pytest

from tests.faults.conftest import TOKEN
from tests.support.broker import wait_until
from tests.support.web_server import RunningWebServer

pytestmark = [pytest.mark.faults, pytest.mark.short, pytest.mark.promise("H6")]

KINDS = ("application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None)
METHODS = ("POST", "PUT", "DELETE", "PATCH")
SITES = (None, "same-origin", "none", "same-site", "cross-site")
BODY = json.dumps({"key": "night.gain", "value": 8}).encode()


def asked(server: RunningWebServer, method: str, path: str, headers: dict[str, str | None], body: bytes = b"") -> int:
    """Return the status of a request with exactly these headers."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def session_of(server: RunningWebServer) -> str:
    got = server.post("/login", {"token": TOKEN}, Origin=server.origin)
    assert got.status in (200, 204, 303), got
    return got.headers["Set-Cookie"].partition(";")[0]


def gain(server: RunningWebServer) -> float:
    assert server.core is not None
    return server.core.config.night.gain


def test_nothing_foreign_changes_anything_whatever_its_shape(
    server: RunningWebServer, figure: Callable[[str], None]
) -> None:
    own, cookie = f"127.0.0.1:{server.port}", session_of(server)
    other = f"http://{own}" if server.origin.startswith("https") else f"https://{own}"
    hosts = (own, f"localhost:{server.port}", "evil.example", f"{own}.evil.example", "192.0.2.11", "")
    origins = (server.origin, None, "null", "http://evil.example", other, f"http://{own}.evil.example")
    before, answers = gain(server), Counter[int]()
    path = "/api/commands/set"
    for host, origin, site, kind, method in itertools.product(hosts, origins, SITES, KINDS, METHODS):
        is_own = host == own and origin == server.origin and site in (None, "same-origin", "none")
        if is_own and kind == "application/json" and method == "POST":
            continue
        headers = {"Host": host, "Cookie": cookie, "Origin": origin, "Sec-Fetch-Site": site, "Content-Type": kind}
        status = asked(server, method, path, headers, BODY)
        answers[status] += 1
        assert status in ((405, 415) if is_own else (400, 403)), (status, headers)
    assert gain(server) == before
    headers = {"Host": own, "Cookie": cookie, "Origin": server.origin, "Content-Type": "application/json"}
    assert asked(server, "POST", path, headers, BODY) == 200, "what is our own goes through"
    wait_until(lambda: gain(server) == 8, "the new gain")
    figure(f"{answers.total()} foreign or malformed shapes of one request: {answers[403]} x 403, none in force")


def test_nothing_is_changed_by_looking(server: RunningWebServer) -> None:
    before, cookie = gain(server), session_of(server)
    for method, path in itertools.product(
        ("GET", "HEAD"),
        ("/api/commands/set?key=night.gain&value=8", "/api/commands/set", "/logout", "/api/commands/save"),
    ):
        status = asked(server, method, path, {"Host": f"127.0.0.1:{server.port}", "Cookie": cookie})
        assert status == 405, (method, path)
    assert gain(server) == before
    assert server.archive.saved == []
