"""Access to the web server over real sockets: strangers, browsers, floods."""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import http.client
import json
import logging
import os
import re
import socket
import ssl
import stat
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.core import events as e
from pi_cam_node.core.inputs import BrokerConnected, BrokerLost
from pi_cam_node.web.application import routes
from pi_cam_node.web.http import connection, middleware
from pi_cam_node.web.server import WebServer
from tests.support.bars import bar
from tests.support.broker import wait_until
from tests.support.certificates import Authority
from tests.support.frames import IMAGES
from tests.support.web_server import RunningWebServer

SLOWHTTP = Path(__file__).parents[2].parent / "shared/tools/faults/slowhttp.py"
TOKEN = "a-token-of-the-house"

# Every way in and the right it needs. Whoever adds a route says here too what it asks for.
RIGHTS = {
    "GET /": "view",
    "DELETE /media/{id}": "control",
    "GET /api/config": "view",
    "GET /api/events": "view",
    "GET /api/media": "view",
    "GET /api/openapi.json": "view",
    "GET /api/state": "view",
    "GET /healthz": "public",
    "GET /hls/address": "view",
    "GET /hls/master.m3u8": "view, signed",
    "GET /hls/{file}": "view, signed",
    "GET /hls/{variant}.m3u8": "view, signed",
    "GET /login": "public",
    "GET /media/{id}": "view, signed",
    "GET /media/{id}/thumbnail": "view, signed",
    "GET /metrics": "view",
    "GET /past.jpg": "view",
    "GET /shortstream": "view",
    "GET /snapshot.jpg": "view",
    "GET /static/vendor/{name}": "public",
    "GET /static/{name}": "public",
    "GET /stream": "view",
    "POST /api/commands/{verb}": "control",
    "POST /login": "public",
    "POST /logout": "public",
}
PUBLIC = sorted(name for name, right in RIGHTS.items() if right == "public")
CLOSED = sorted(set(RIGHTS) - set(PUBLIC))
BEHIND_PROXY = {"trusted_proxies": ["127.0.0.1"], "allowed_hosts": ["cam.example"]}
# Without a body, and before a broker is there: 503 is what /healthz says then, and no refusal.
ANSWERS_OF_PUBLIC = {
    "GET /healthz": 503,
    "GET /login": 200,
    "GET /static/vendor/{name}": 200,
    "GET /static/{name}": 200,
    "POST /login": 415,
    "POST /logout": 200,
}


# What is promised of HTTP holds over TLS as well.
OVER_BOTH = {
    name: pytest.mark.parametrize(name, ["http", "https"], indirect=True) for name in ("open_server", "guarded_server")
}


@pytest.fixture
def open_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningWebServer]:
    """A server on loopback that asks for no credential."""
    with RunningWebServer(tmp_path, tls=getattr(request, "param", "http") == "https") as serving:
        yield serving


@pytest.fixture
def guarded_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningWebServer]:
    """A server that wants a token."""
    with guarded(tmp_path, tls=getattr(request, "param", "http") == "https") as serving:
        yield serving


def guarded(folder: Path, *, tls: bool = False, **http: Any) -> RunningWebServer:
    return RunningWebServer(folder, tls=tls, http={"token_file": token_file(folder), **http})


def token_file(folder: Path) -> str:
    path = folder / "token"
    path.write_text(TOKEN)
    path.chmod(0o600)
    return str(path)


def concrete(name: str) -> tuple[str, str]:
    method, path = name.split(" ")
    path = path.replace("vendor/{name}", "vendor/hls.light.min.js").replace("{id}", "nothing")
    return method, path.replace("{name}", "app.js").replace("{verb}", "health")


def raw(port: int, request: bytes, timeout_s: float = 15.0) -> bytes:
    """Return all that the server says to some bytes before it hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout_s) as sock:
        sock.sendall(request)
        said = b""
        try:
            while chunk := sock.recv(65536):
                said += chunk
        except ConnectionResetError:  # it hung up while we were still talking
            return said
        return said


# ------------------------------------------------------------ rights


@pytest.mark.promise("H5")
def test_every_route_has_the_right_that_is_written_here(figure: Callable[[str], None]) -> None:
    declared = {f"{r.method} {r.path}": r.need.right + (", signed" if r.need.signed else "") for r in routes()}
    figure(f"{len(declared)} routes, each with its right; {len(CLOSED)} closed: 401 without a credential, 4 ways each")
    assert declared == RIGHTS


@pytest.mark.parametrize("name", CLOSED)
@OVER_BOTH["guarded_server"]
@pytest.mark.promise("H5")
def test_nobody_gets_in_without_a_credential(guarded_server: RunningWebServer, name: str) -> None:
    method, path = concrete(name)
    assert guarded_server.request(method, path).status == 401
    assert guarded_server.request(method, path, {"Authorization": "Bearer wrong"}).status == 401
    assert guarded_server.request(method, path, {"Cookie": "session_porch=made-up"}).status == 401
    assert guarded_server.request(method, path + "?expires=99999999&signature=AAAA").status in (401, 403)


@pytest.mark.parametrize("name", sorted(set(CLOSED) - {"GET /stream"}))
def test_the_token_gets_in_everywhere(guarded_server: RunningWebServer, name: str) -> None:
    guarded_server.show()
    method, path = concrete(name)
    got = guarded_server.request(method, path, {"Authorization": f"Bearer {TOKEN}"})
    assert got.status not in (401, 403, 405, 429, 500)


@pytest.mark.parametrize("name", PUBLIC)
def test_what_is_public_asks_for_no_credential(guarded_server: RunningWebServer, name: str) -> None:
    method, path = concrete(name)
    assert guarded_server.request(method, path).status == ANSWERS_OF_PUBLIC[name]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"])
@OVER_BOTH["guarded_server"]
@pytest.mark.promise("H5")
def test_what_does_not_exist_is_not_told_from_what_is_closed(guarded_server: RunningWebServer, method: str) -> None:
    assert guarded_server.request(method, "/no/such/thing").status == 401
    known = {"Authorization": f"Bearer {TOKEN}"}
    assert guarded_server.request(method, "/no/such/thing", known).status == 404
    if method not in ("GET", "HEAD"):
        assert guarded_server.request(method, "/stream").status == 401
        assert guarded_server.request(method, "/stream", known).status == 405


@pytest.mark.parametrize(
    "path",
    ["//stream", "/stream/", "/./stream", "/x/../stream", "/%73tream", "/STREAM", "/static/../stream", "/static/..%2f"],
)
@OVER_BOTH["guarded_server"]
@pytest.mark.promise("H5")
def test_no_spelling_of_a_path_goes_round_the_guard(guarded_server: RunningWebServer, path: str) -> None:
    answer = raw(guarded_server.port, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert answer.split(b" ")[1] in (b"400", b"401", b"404")
    assert b"multipart" not in answer


@pytest.mark.parametrize("is_clock_set", [True, False])
def test_links_open_what_they_name_and_outlive_a_restart_where_the_clock_is_set(
    tmp_path: Path, mocker: MockerFixture, is_clock_set: bool
) -> None:
    mocker.patch("pi_cam_node.web.server.clock_is_set", return_value=is_clock_set)
    with guarded(tmp_path) as first:
        link = first.web.signed("/media/nothing")
        assert link is not None
        path = link.removeprefix(first.url)
        assert first.get(path).status == 404  # in, and not there
        assert first.get(path.replace("nothing", "another")).status == 403
        assert first.get(path.replace("/media/nothing", "/stream")).status == 401
    with guarded(tmp_path) as second:
        assert second.get(path).status == (404 if is_clock_set else 403)


# ------------------------------------------------------------ logging in


def test_a_person_logs_in_with_the_form_looks_changes_and_logs_out(guarded_server: RunningWebServer) -> None:
    origin = {"Origin": guarded_server.url, "Sec-Fetch-Site": "same-origin"}
    form = {"Content-Type": "application/x-www-form-urlencoded", **origin}
    assert guarded_server.request("POST", "/login", form, b"token=wrong").status == 401
    got = guarded_server.request("POST", "/login", form, f"token={TOKEN}".encode())
    assert (got.status, got.headers["Location"]) == (303, "./")
    cookie = got.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    session = {"Cookie": cookie.partition(";")[0]}
    assert TOKEN not in cookie
    assert guarded_server.request("GET", "/metrics", session).status == 200
    assert guarded_server.request("POST", "/nothing", {**session, **origin}).status == 404
    assert guarded_server.request("POST", "/nothing", session).status == 403
    assert guarded_server.request("POST", "/nothing", {**session, "Origin": "http://evil.example"}).status == 403
    assert guarded_server.request("POST", "/logout", {**session, **form}).status == 303
    assert guarded_server.request("GET", "/metrics", session).status == 401


def test_a_login_link_logs_a_browser_in_once(guarded_server: RunningWebServer) -> None:
    link = guarded_server.web.context.links.sign("/login", 60)
    assert guarded_server.request("HEAD", link).status == 200, "a look-ahead uses nothing up"
    got = guarded_server.get(link)
    assert (got.status, got.headers["Location"]) == (303, "./")
    session = {"Cookie": got.headers["Set-Cookie"].partition(";")[0]}
    assert guarded_server.request("GET", "/metrics", session).status == 200
    assert guarded_server.get(link).status == 200, "the second time it is the page to log in"
    assert "Set-Cookie" not in guarded_server.get(link).headers
    other = guarded_server.web.context.links.sign("/media/a", 60).replace("/media/a", "/login")
    assert "Set-Cookie" not in guarded_server.get(other).headers


def test_a_program_logs_in_with_json(guarded_server: RunningWebServer) -> None:
    assert guarded_server.post("/login", {"token": "wrong"}).status == 401
    odd_bodies: list[object] = [[], {}, {"token": 1}, {"token": None}, {"token": [TOKEN]}]
    for odd in odd_bodies:
        assert guarded_server.post("/login", odd).status == 400
    assert guarded_server.request("POST", "/login", {"Content-Type": "application/json"}, b"{").status == 400
    assert guarded_server.request("POST", "/login", {"Content-Type": "application/json"}, b"[" * 50_000).status == 400
    assert guarded_server.request("POST", "/login", {"Content-Type": "text/plain"}, TOKEN.encode()).status == 415
    assert guarded_server.post("/login", {"token": TOKEN}).json == {"ok": True}


def test_a_browser_is_sent_to_the_login_and_a_program_is_told_how(guarded_server: RunningWebServer) -> None:
    got = guarded_server.get("/", Accept="text/html")
    assert (got.status, got.headers["Location"]) == (303, "login")
    told = guarded_server.get("/stream").headers["WWW-Authenticate"]
    assert told.startswith("Basic")  # the last of the two


@pytest.mark.parametrize("body", [gzip.compress(bytes(40 << 20), 9), b"abc"], ids=["40 MiB", "no gzip"])
def test_a_packed_body_is_refused_and_never_unpacked(
    guarded_server: RunningWebServer, caplog: pytest.LogCaptureFixture, body: bytes
) -> None:
    guarded_server.get("/login")  # what the first request loads is not what is measured
    head = f"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n"
    request = f"{head}Content-Type: application/json\r\nConnection: close\r\n\r\n".encode() + body
    tracemalloc.start()
    try:
        answer = raw(guarded_server.port, request)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert answer.startswith(b"HTTP/1.1 415 ")
    assert len(answer) < 1024
    assert peak_bytes < 4 << 20
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@OVER_BOTH["guarded_server"]
@pytest.mark.promise("H7")
def test_guesses_are_limited_whatever_the_door(guarded_server: RunningWebServer) -> None:
    basic = base64.b64encode(b"admin:admin").decode()
    statuses = [
        guarded_server.get("/stream", Authorization="Bearer wrong").status,
        guarded_server.get("/stream", Authorization=f"Basic {basic}").status,
        guarded_server.post("/login", {"token": "wrong"}).status,
        guarded_server.get("/api/state", Authorization="Bearer ").status,
        guarded_server.get("/nothing", Authorization="Bearer wrong").status,
    ]
    assert statuses == [401] * 5
    got = guarded_server.get("/metrics", Authorization=f"Bearer {TOKEN}", X_Forwarded_For="203.0.113.5")
    assert got.status == 429
    assert 50 <= int(got.headers["Retry-After"]) <= 60
    assert guarded_server.post("/login", {"token": TOKEN}).status == 429
    assert guarded_server.get("/healthz").status == 503


# ------------------------------------------------------------ who listens where


@pytest.mark.promise("H8", "B11")
def test_beyond_this_machine_a_token_is_made_and_asked_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    made = []
    for name in ("one", "two"):
        with RunningWebServer(tmp_path / name, http={"host": "0.0.0.0"}) as serving:
            path = tmp_path / name / "captures/.http_token"
            token = path.read_text().strip()
            made.append(token)
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert serving.get("/metrics").status == 401
            assert serving.get("/metrics", Authorization=f"Bearer {token}").status == 200
    assert made[0] != made[1]
    assert str(path) in caplog.text
    assert not any(token in caplog.text for token in made)
    assert "not encrypted" in caplog.text


def test_this_machine_alone_has_no_address_for_others(open_server: RunningWebServer) -> None:
    assert open_server.web.url is None
    link = open_server.web.signed("/media/a")
    assert link is not None
    assert link.startswith(f"{open_server.url}/media/a?")
    assert not (Path(open_server.config.export.base_dir) / ".http_token").exists()


@pytest.mark.parametrize(("allowed", "host"), [([], r"[0-9.]+"), (["cam.example"], r"cam\.example")])
def test_others_are_told_an_address_that_serves(tmp_path: Path, allowed: list[str], host: str) -> None:
    with RunningWebServer(tmp_path, http={"host": "0.0.0.0", "allowed_hosts": allowed}) as serving:
        wait_until(lambda: serving.web.signed("/") is not None, "the server to say where it is")
        assert serving.web.url is None or re.fullmatch(rf"http://{host}:{serving.port}", serving.web.url)
        assert serving.web.url is not None or not allowed


def test_behind_a_proxy_on_this_machine_a_token_is_asked_for(tmp_path: Path) -> None:
    with RunningWebServer(
        tmp_path, http={"trusted_proxies": ["127.0.0.1"], "allowed_hosts": ["cam.example"]}
    ) as serving:
        assert serving.get("/metrics").status == 401
        forwarded = {"X_Forwarded_Proto": "https", "X_Forwarded_Host": "cam.example", "X_Forwarded_For": "192.0.2.7"}
        token = (tmp_path / "captures/.http_token").read_text().strip()
        got = serving.post("/login", {"token": token}, Origin="https://cam.example", **forwarded)
        assert got.status == 200
        assert "Secure" in got.headers["Set-Cookie"]
        assert serving.get("/metrics", **{**forwarded, "X_Forwarded_Host": "evil.example"}).status == 403


def test_nothing_listens_where_it_is_switched_off(tmp_path: Path) -> None:
    serving = RunningWebServer(tmp_path, mjpeg_server={"enable": False})
    serving.web.start()
    serving.tell(e.RingMeasured(1.0))
    serving.tell(BrokerConnected("5", 1))
    assert serving.web.url is None
    assert serving.web.signed("/media/a") is None
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", serving.port), 1)
    serving.web.close(1)


def test_a_port_that_is_taken_is_said_once_and_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    serving = RunningWebServer(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", serving.port))
        taken.listen()
        with serving:
            wait_until(lambda: "another program uses the port" in caplog.text, "the complaint")
            serving.tell(e.RingMeasured(12.0))
            assert serving.web.signed("/media/a") is None
            taken.close()
            wait_until(lambda: serving.web.signed("/media/a") is not None, "the server to have its port")
            assert serving.get("/healthz").status == 503
            wait_until(lambda: serving.web.context.state.states.get("ring_seconds") == 12.0, "what was said meanwhile")
    assert caplog.text.count("another program uses the port") == 1


@pytest.mark.parametrize(
    ("http", "complaint"),
    [
        ({"host": "203.0.113.77"}, "this machine does not have the address"),
        ({"host": "0.0.0.0", "token_file": "short"}, "must be a token"),
        ({"tls": {"enable": True, "cert": "/nothing.crt", "key": "/nothing.key"}}, "No such file"),
    ],
)
def test_what_keeps_it_from_serving_is_said_and_nothing_is_open_meanwhile(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, http: dict[str, Any], complaint: str
) -> None:
    if "token_file" in http:
        path = tmp_path / "short"
        path.write_text("short")
        http = {**http, "token_file": str(path)}
    serving = RunningWebServer(tmp_path, http=http)
    serving.web.start()
    wait_until(lambda: complaint in caplog.text, "the complaint")
    assert serving.web.url is None
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", serving.port), 1)
    serving.web.close(60)
    assert not serving.web.loop.is_alive


def trusting(authority: Authority) -> ssl.SSLContext:
    """Return what checks certificate and name, without the strictness of Python 3.13: the test's CA is poor."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority.ca)
    return context


def test_tls_is_spoken_where_it_is_asked_for(tmp_path: Path, authority: Authority) -> None:
    cert, key = authority.issue("localhost")
    tls = {"enable": True, "cert": str(cert), "key": str(key)}
    with RunningWebServer(tmp_path, http={"token_file": token_file(tmp_path), "tls": tls}) as serving:
        context = trusting(authority)
        with (
            socket.create_connection(("127.0.0.1", serving.port), 5) as sock,
            context.wrap_socket(sock, server_hostname="localhost") as wrapped,
        ):
            assert serving.web.tls_sha256 == hashlib.sha256(wrapped.getpeercert(binary_form=True) or b"").hexdigest()
            body = json.dumps({"token": TOKEN})
            wrapped.sendall(
                f"POST /login HTTP/1.1\r\nHost: localhost:{serving.port}\r\nOrigin: https://localhost:{serving.port}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
            )
            answer = wrapped.recv(65536).decode()
        assert answer.startswith("HTTP/1.1 200")
        assert "Secure" in answer
        assert b"HTTP" not in raw(serving.port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")


def test_connections_that_never_begin_tls_make_room(tmp_path: Path, authority: Authority) -> None:
    cert, key = authority.issue("localhost")
    tls = {"enable": True, "cert": str(cert), "key": str(key)}
    context = trusting(authority)
    with RunningWebServer(tmp_path, http={"tls": tls}) as serving, contextlib.ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(socket.create_connection(("127.0.0.1", serving.port), 5))
        for _ in range(5):
            connection_ = http.client.HTTPSConnection("localhost", serving.port, timeout=60, context=context)
            connection_.request("GET", "/metrics")
            body = connection_.getresponse().read().decode()
            connection_.close()
        told = re.search(r"^pi_cam_node_http_connections (\d+)", body, re.MULTILINE)
        assert told is not None
        assert int(told[1]) <= 16 + serving.config.http.max_viewers


def test_tls_that_breaks_within_a_request_is_a_client_that_went(
    tmp_path: Path, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    cert, key = authority.issue("localhost")
    tls = {"enable": True, "cert": str(cert), "key": str(key)}
    with RunningWebServer(tmp_path, http={"tls": tls}) as serving:
        plain = socket.create_connection(("127.0.0.1", serving.port), 5)
        with trusting(authority).wrap_socket(plain, server_hostname="localhost") as connected:
            head = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            connected.sendall(head + b"Content-Length: 20\r\n\r\n{")
            time.sleep(0.2)  # the request waits for the rest of its body
            os.write(connected.fileno(), b"no record of TLS at all")
            with contextlib.suppress(OSError):
                while connected.recv(65536):
                    pass
        time.sleep(0.2)  # the server's thread ends the request
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_tls_connection_takes_little_memory(tmp_path: Path, authority: Authority) -> None:
    cert, key = authority.issue("localhost")
    tls = {"enable": True, "cert": str(cert), "key": str(key)}
    context, count = trusting(authority), 8
    with RunningWebServer(tmp_path, http={"tls": tls}) as serving, contextlib.ExitStack() as stack:

        def open_one() -> None:
            plain = stack.enter_context(socket.create_connection(("127.0.0.1", serving.port), 5))
            connected = stack.enter_context(context.wrap_socket(plain, server_hostname="localhost"))
            connected.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert connected.recv(65536)

        open_one()  # what the first one loads is not what is measured
        tracemalloc.start()
        try:
            for _ in range(count):
                open_one()
            each_bytes = tracemalloc.get_traced_memory()[0] / count
        finally:
            tracemalloc.stop()
    assert each_bytes < 128 * 1024


# ------------------------------------------------------------ what everybody gets to see


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/nothing", "/login", "/api/state"])
@pytest.mark.parametrize("host", ["localhost", "evil.example"])
@OVER_BOTH["guarded_server"]
@pytest.mark.promise("H6")
def test_every_answer_is_hardened_refusals_too(guarded_server: RunningWebServer, path: str, host: str) -> None:
    headers = guarded_server.get(path, Host=host).headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Server" not in headers
    assert headers["Cache-Control"] in ("no-store", "no-cache")
    assert headers["Cross-Origin-Resource-Policy"] == "same-site"


def test_a_dashboard_elsewhere_may_show_the_live_picture(guarded_server: RunningWebServer) -> None:
    guarded_server.show()
    answer = guarded_server.get("/snapshot.jpg", Authorization=f"Bearer {TOKEN}")
    assert (answer.status, answer.headers["Cross-Origin-Resource-Policy"]) == (200, "cross-origin")


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET /healthz HTTP/9.9\r\n\r\n",
        b"NONSENSE\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 9000 + b"\r\n\r\n",
    ],
)
def test_no_answer_tells_what_answers_and_noise_is_no_news(
    open_server: RunningWebServer, request_: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    answer = raw(open_server.port, request_).lower()
    assert answer.startswith(b"http/")
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []
    for word in (b"aiohttp", b"python", b"traceback", b"/site-packages"):
        assert word not in answer


def test_health_says_one_word(open_server: RunningWebServer) -> None:
    assert (open_server.get("/healthz").status, open_server.get("/healthz").body) == (503, b"not ok")
    open_server.tell(BrokerConnected("5", 1))
    assert open_server.get("/healthz").status == 503
    open_server.tell(e.CameraChanged(online=True, reason="", at=SystemClock().utcnow()))
    wait_until(lambda: open_server.get("/healthz").status == 200, "the node to be well")
    assert open_server.get("/healthz").body == b"ok"
    open_server.tell(BrokerLost(""))
    wait_until(lambda: open_server.get("/healthz").status == 503, "the broker's loss to be said")


def test_metrics_are_what_prometheus_reads(guarded_server: RunningWebServer) -> None:
    parser = pytest.importorskip("prometheus_client.parser")
    guarded_server.tell(
        e.TelemetryTaken({"rss_mib": 61.5, "temperature_c": None, "throttled": "none", "frames_dropped": 3}),
        e.BrightnessMeasured(41.0, None),
        e.ModeChanged("night", "dark", SystemClock().utcnow()),
    )
    guarded_server.get("/metrics", Authorization="Bearer wrong")
    known = {"Authorization": f"Bearer {TOKEN}"}
    wait_until(lambda: b"_night 1.0" in guarded_server.get("/metrics", **known).body, "the figures")
    got = guarded_server.get("/metrics", **known)
    assert got.headers["Content-Type"].startswith("text/plain; version=")
    samples = {s.name: s for family in parser.text_string_to_metric_families(got.body.decode()) for s in family.samples}
    values = {name.removeprefix("pi_cam_node_"): sample.value for name, sample in samples.items()}
    assert values["resident_memory_bytes"] == 61.5 * 1024 * 1024
    assert values["frames_dropped_total"] == 3
    assert values["brightness"] == 41
    assert values["camera_up"] == 0
    assert values["http_wrong_credentials_total"] == 1
    assert "temperature_celsius" not in values
    assert "illuminance_lux" not in values
    assert samples["pi_cam_node_node_info"].labels == {"id": "porch", "name": "Porch", "version": "0.0.0"}


# ------------------------------------------------------------ sizes and deadlines


@OVER_BOTH["open_server"]
@pytest.mark.promise("H4")
def test_a_head_is_bounded_as_a_whole(open_server: RunningWebServer) -> None:
    many = b"".join(b"X-%d: %s\r\n" % (n, b"a" * 100) for n in range(100))
    answer = raw(open_server.port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + many + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 431")
    assert open_server.get("/healthz").status == 503


@pytest.mark.parametrize("framing", [b"Content-Length: 100000", b"Transfer-Encoding: chunked"])
@OVER_BOTH["open_server"]
@pytest.mark.promise("H4")
def test_a_body_is_bounded(open_server: RunningWebServer, framing: bytes, caplog: pytest.LogCaptureFixture) -> None:
    head = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + framing + b"\r\n\r\n"
    body = b"186a0\r\n" + b"a" * 100_000 if b"chunked" in framing else b"a" * 100_000
    answer = raw(open_server.port, head + body)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 413")
    assert open_server.get("/healthz").status == 503
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
@OVER_BOTH["open_server"]
@pytest.mark.promise("H6")
def test_the_api_takes_nothing_that_a_form_can_send(open_server: RunningWebServer, content_type: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    assert open_server.request("POST", "/api/commands/health", headers, b'{"a": 1}').status == 415
    assert open_server.post("/api/commands/health").json["ok"]


@OVER_BOTH["open_server"]
@pytest.mark.promise("H1")
def test_silence_and_dribbling_are_ended(open_server: RunningWebServer, mocker: MockerFixture) -> None:
    mocker.patch.object(connection, "HEAD_DEADLINE_S", 0.5)
    mocker.patch.object(middleware, "BODY_DEADLINE_S", 0.5)
    assert raw(open_server.port, b"") == b""
    assert raw(open_server.port, b"GET /healthz HTTP/1.1\r\nX-a:").startswith(b"HTTP/1.1 408")
    slow = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
    assert raw(open_server.port, slow).startswith(b"HTTP/1.1 408")
    kept = raw(open_server.port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HT")
    assert kept.startswith(b"HTTP/1.1 503")


def test_several_requests_go_over_one_connection(open_server: RunningWebServer) -> None:
    one = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = raw(open_server.port, one * 5 + one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert answer.count(b"not ok") == 6


@pytest.mark.promise("H1")
def test_floods_from_our_own_address_do_not_keep_others_out(open_server: RunningWebServer) -> None:
    """All attacks at once: slowhttp probes before, during and after each for twelve seconds."""
    if not SLOWHTTP.is_file():
        pytest.skip("../shared/tools is not here")
    open_server.tell(BrokerConnected("5", 1))
    with open_server.filming():
        wait_until(lambda: open_server.get("/healthz").status == 200, "the node to be well")
        command = [sys.executable, str(SLOWHTTP), "--url", open_server.url, "--probe", "/healthz"]
        command += ["--n", "80", "--s", "2"]
        attacks = ("slowloris", "slowbody", "slowread", "idle", "garbage")
        running = [subprocess.Popen([*command, "--attack", attack], stdout=subprocess.PIPE) for attack in attacks]
        told = [json.loads(process.communicate(timeout=60)[0]) for process in running]
    for one in told:
        # A probe counts as failed after three seconds, which a machine busy with other tests may take once.
        assert one["during"]["probes"] >= 5
        assert one["during"]["failed"] <= one["during"]["probes"] // 5, told
        assert one["after"]["failed"] <= 1, told


def test_only_answers_that_are_not_public_keep_a_place(guarded_server: RunningWebServer, mocker: MockerFixture) -> None:
    kept: list[str] = []
    mocker.patch.object(connection.Connection, "request_allowed", lambda one: kept.append(one.address))
    for name in PUBLIC:
        guarded_server.request(*concrete(name))
    guarded_server.get("/api/state")
    assert not kept
    assert guarded_server.get("/api/state", Authorization=f"Bearer {TOKEN}").status == 200
    assert kept == ["127.0.0.1"]


def test_the_end_waits_for_nobody(tmp_path: Path) -> None:
    with RunningWebServer(tmp_path) as serving:
        serving.show()
        with socket.create_connection(("127.0.0.1", serving.port), 5) as sock:
            sock.sendall(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert sock.recv(100)
            began_s = time.monotonic()
            serving.web.close(60)
            assert time.monotonic() - began_s < bar(4)
            assert not serving.web.loop.is_alive


def test_a_server_that_never_began_ends_too(tmp_path: Path) -> None:
    serving = RunningWebServer(tmp_path)
    web = WebServer(serving.config, serving.inbox, serving.hub, serving.pictures, serving.clock, IMAGES, {})
    web.on_event(e.RingMeasured(1.0))
    for server in (web, serving.web):
        server.close(1)
        server.on_event(e.RingMeasured(2.0))
        assert server.url is None


def test_a_stop_waits_for_no_connection_that_asks_for_nothing(
    tmp_path: Path, mocker: MockerFixture, caplog: pytest.LogCaptureFixture
) -> None:
    with RunningWebServer(tmp_path) as serving, contextlib.ExitStack() as closing:
        serving.get("/healthz")
        mocker.patch("pi_cam_node.web.http.engine.SHUTDOWN_S", 60.0)
        address = ("127.0.0.1", serving.port)
        silent = closing.enter_context(socket.create_connection(address, 15))
        answered = closing.enter_context(socket.create_connection(address, 15))
        answered.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert answered.recv(65536).startswith(b"HTTP/1.1 ")
        serving.web.close(15)
        assert not serving.web.loop.is_alive
        assert silent.recv(1) == answered.recv(1) == b""
        assert "did not end" not in caplog.text
