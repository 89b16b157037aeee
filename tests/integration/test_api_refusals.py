"""Refusals over HTTP: JSON in the form of a reply for the API, plain text for pages and pictures; misspelt queries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.web.api import routes
from pi_cam_node.web.api.models import Refusal
from pi_cam_node.web.context import media_path
from tests.support.frames import IMAGES
from tests.support.pictures import ID
from tests.support.web_server import Got, RunningWebServer

TOKEN = "a-token-of-the-house"
AS_OWNER = {"Authorization": f"Bearer {TOKEN}"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[RunningWebServer]:
    with RunningWebServer(tmp_path) as server:
        yield server


def guarded(folder: Path, **http: object) -> RunningWebServer:
    path = folder / "token"
    path.write_text(TOKEN)
    path.chmod(0o600)
    return RunningWebServer(folder, http={"token_file": str(path), **http})


def refusal_in(got: Got) -> Refusal:
    assert got.headers["Content-Type"] == "application/json; charset=utf-8"
    assert got.headers["Cache-Control"] == "no-store"
    return Refusal.model_validate(got.json)


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status", "code", "words"),
    [
        ("GET", "/api/nothing", {}, b"", 404, "bad_request", "/api/openapi.json"),
        ("GET", "/api/state/", {}, b"", 404, "bad_request", "/api/openapi.json"),
        ("POST", "/api/state", {}, b"", 405, "bad_request", "use GET or HEAD"),
        ("GET", "/api/commands/save", {}, b"", 405, "bad_request", "use POST"),
        ("POST", "/api/commands/save", JSON, b"{" + b" " * 70_000, 413, "bad_request", "65536 bytes"),
        ("POST", "/api/commands/save", {"Content-Type": "text/plain"}, b"{}", 415, "bad_request", "application/json"),
        ("POST", "/api/commands/save", {**JSON, "Origin": "http://evil.example"}, b"{}", 403, "forbidden", "site"),
        ("DELETE", media_path(ID), {"Origin": "http://evil.example"}, b"", 403, "forbidden", "site"),
        ("GET", "/api/state", {"Host": "evil.example"}, b"", 403, "forbidden", "allowed_hosts"),
        ("GET", "/api/media?limit=1&limit=2", {}, b"", 400, "bad_request", "limit: it is there twice"),
        ("GET", "/api/media?limt=1", {}, b"", 400, "bad_request", "limt: unknown parameter"),
    ],
)  # fmt: skip
def test_the_api_refuses_with_json(
    serving: RunningWebServer,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    status: int,
    code: str,
    words: str,
) -> None:
    got = serving.request(method, path, headers, body)
    refusal = refusal_in(got)
    assert (got.status, refusal.code) == (status, code)
    assert refusal.message.startswith("ERROR: ")
    assert words in refusal.message
    assert refusal.verb == ("save" if (method, path) == ("POST", "/api/commands/save") else "")
    assert refusal.node == "porch"


def test_who_is_not_known_is_told_so_with_json_by_the_api(tmp_path: Path) -> None:
    with guarded(tmp_path) as server:
        for method, path in (("GET", "/api/state"), ("GET", "/api/nothing"), ("POST", "/api/commands/save")):
            got = server.request(method, path)
            assert (got.status, refusal_in(got).code) == (401, "forbidden")
            assert "WWW-Authenticate" in got.headers
        statuses = [server.get("/api/state", Authorization="Bearer wrong").status for _ in range(30)]
        got = server.get("/api/state", Authorization="Bearer wrong")
        assert 429 in statuses
        assert (got.status, refusal_in(got).code) == (429, "busy")
        assert "Retry-After" in got.headers


def test_a_fault_of_the_node_is_told_with_json_by_the_api(serving: RunningWebServer, mocker: MockerFixture) -> None:
    mocker.patch.object(routes, "pictures_of", side_effect=ZeroDivisionError)
    connection = serving.request("GET", "/api/config")
    assert connection.status == 200
    mocker.patch("tests.support.contract.check_answer")  # no status 500 is documented
    got = serving.get("/api/state")
    assert (got.status, refusal_in(got).code) == (500, "internal")
    assert "ZeroDivisionError" not in got.body.decode()


def test_the_api_below_a_path_refuses_with_json_too(tmp_path: Path) -> None:
    proxied = {"public_url": "https://cam.example/cam", "trusted_proxies": ["127.0.0.1"]}
    with guarded(tmp_path, **proxied) as server:
        got = server.request("GET", "/cam/api/nothing", AS_OWNER)
        assert (got.status, refusal_in(got).code) == (404, "bad_request")
        assert server.request("GET", "/cam/nothing", AS_OWNER).headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("POST", "/", 405),
        ("GET", media_path(ID), 404),
        ("GET", "/snapshot.jpg?width=x", 400),
        ("GET", "/hls/other.m3u8", 501),
        ("GET", "/static/nothing", 404),
    ],
)
def test_pages_and_pictures_refuse_with_plain_text(
    serving: RunningWebServer, method: str, path: str, status: int
) -> None:
    got = serving.request(method, path)
    assert (got.status, got.headers["Content-Type"]) == (status, "text/plain; charset=utf-8")


# ------------------------------------------------------------------ query parameters


@pytest.mark.parametrize(
    ("path", "name", "words"),
    [
        ("/snapshot.jpg?widht=320", "widht", "fresh and width"),
        ("/snapshot.jpg?width=320&width=160", "width", "twice"),
        ("/past.jpg?ago=2", "ago", "/past.jpg takes at"),
        ("/past.jpg?at=1&at=2", "at", "twice"),
        ("/shortstream?count=3", "count", "/shortstream takes n"),
        ("/shortstream?n=1&n=2", "n", "twice"),
        ("/stream?fsp=1", "fsp", "/stream takes fps"),
        ("/stream?%00=1", "\0", "unknown"),
        (f"{media_path(ID)}?fromat=png", "fromat", "takes format"),
        (f"{media_path(ID)}?{'x' * 3000}=1", "x" * 40, "unknown"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_parameter_that_is_misspelt_or_repeated_is_named(
    serving: RunningWebServer, method: str, path: str, name: str, words: str
) -> None:
    serving.show()
    got = serving.request(method, path)
    assert got.status == 400
    if method == "GET":
        assert got.body.decode().startswith(f"{name}: ")
        assert words in got.body.decode()
        assert len(got.body) < 200


@pytest.mark.parametrize("query", ["t=1795203901", "_=1795203901123", "rand=0.8231764512&width=64"])
def test_what_a_dashboard_appends_to_get_past_caches_does_no_harm(serving: RunningWebServer, query: str) -> None:
    serving.show()
    assert serving.get(f"/snapshot.jpg?{query}").status == 200


def test_a_signed_link_carries_parameters_of_its_own(tmp_path: Path) -> None:
    with guarded(tmp_path) as server:
        path = tmp_path / f"{ID}.jpg"
        path.write_bytes(IMAGES.resize(server.frame().jpeg, (64, 48), 80))
        server.pictures.files[ID] = path
        link = server.web.context.links.sign(media_path(ID))
        assert server.get(f"{link}&format=jpg").status == 200
        assert server.get(f"{link}&fromat=jpg").status == 400


@pytest.mark.parametrize(
    "path", ["/shortstream?n=0", "/shortstream?n=1", "/shortstream", "/past.jpg", "/past.jpg?at=x"]
)
@pytest.mark.parametrize("is_filmed", [False, True])
def test_a_head_has_the_status_of_a_get(serving: RunningWebServer, path: str, *, is_filmed: bool) -> None:
    if is_filmed:
        serving.show(3)
        with serving.filming():
            assert serving.request("HEAD", path).status == serving.get(path).status
    else:
        assert serving.request("HEAD", path).status == serving.get(path).status
        assert serving.request("HEAD", path).body == b""
