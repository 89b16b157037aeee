"""Commands, states and settings over HTTP, with a real core behind them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from pydantic import TypeAdapter

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.base.errors import Busy, DeadlinePassed, NodeError
from pi_cam_node.config import Config, settings
from pi_cam_node.core.commands.all import registry
from pi_cam_node.core.commands.reply_data import MediaItem
from pi_cam_node.core.events import BrightnessMeasured
from pi_cam_node.core.frame_hub import FrameHub
from pi_cam_node.core.history import MediaRow
from pi_cam_node.web.api import routes
from pi_cam_node.web.api.models import Reply
from pi_cam_node.web.auth.signed_links import SignedLinks
from pi_cam_node.web.context import Answered, State, WebContext
from pi_cam_node.web.routes import CONTEXT
from tests.support.broker import wait_until
from tests.support.frames import IMAGES
from tests.support.pictures import ID
from tests.support.web_server import Got, MemoryPictures, RunningWebServer

KEYS = ["id", "verb", "ok", "code", "message", "data", "stage", "received", "took_ms", "node", "boot"]
OTHER = "20261119T010203004Z-3f2a91c0-000007-stack-2"


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[RunningWebServer]:
    with RunningWebServer(tmp_path) as serving:
        yield serving


def command(serving: RunningWebServer, verb: str, body: bytes | str = b"", kind: str = "application/json") -> Got:
    raw = body.encode() if isinstance(body, str) else body
    return serving.request("POST", f"/api/commands/{verb}", {"Content-Type": kind} if kind else {}, raw)


# ------------------------------------------------------------------ commands


def test_a_command_is_answered_with_the_reply_of_the_contract(serving: RunningWebServer) -> None:
    got = command(serving, "health")
    assert got.status == 200
    assert got.headers["Content-Type"] == "application/json; charset=utf-8"
    assert list(got.json) == KEYS
    assert (got.json["verb"], got.json["ok"], got.json["code"], got.json["stage"]) == ("health", True, "ok", "final")
    assert got.json["message"] == "RSS=61.5MiB SWAP=0.0%"
    assert got.json["data"]["rss_mib"] == 61.5


def test_save_waits_for_a_fresh_frame(serving: RunningWebServer) -> None:
    with serving.filming():
        wait_until(lambda: serving.core is not None and serving.core.camera_online, "a frame")
        got = command(serving, "save", '{"formats":["png"],"id":"mine"}')
        assert got.status == 200, got.body
        assert got.json["id"] == "mine"
        assert got.json["data"]["paths"] == ["/captures/single-0001.png"]
        again = command(serving, "save", '{"formats":["png"],"id":"mine"}')
        assert again.json["data"] == got.json["data"]
    assert len(serving.archive.saved) == 1


def test_a_setting_is_changed_and_told_back(serving: RunningWebServer) -> None:
    got = command(serving, "set", '{"key":"night.gain","value":8}')
    assert got.json["message"] == "OK: changed night.gain from 6 to 8"

    def told() -> Any:
        return next(s["value"] for s in serving.get("/api/config").json["settings"] if s["key"] == "night.gain")

    wait_until(lambda: told() == 8, "the new value")


@pytest.mark.parametrize(
    ("verb", "body", "status", "code"),
    [
        ("nonsense", "", 404, "unknown_verb"),
        ("save%20jpg", "", 404, "unknown_verb"),
        ("%ff%00", "", 404, "unknown_verb"),
        ("healthy", "", 404, "unknown_verb"),
        ("get", '{"key":"no.such"}', 404, "unknown_key"),
        ("set", '{"key":"night.gain","value":1000}', 422, "out_of_range"),
        ("set", '{"key":"night.gain","value":null}', 422, "out_of_range"),
        ("set", '{"key":"mqtt.port","value":1}', 409, "read_only"),
        ("set", '{"key":"night.gain"}', 400, "bad_request"),
        ("set", "", 400, "bad_request"),
        ("health", '{"what":1}', 400, "bad_request"),
        ("health", '{"id":"a","id":"b"}', 400, "bad_request"),
        ("health", '{"id":NaN}', 400, "bad_request"),
        ("health", "{", 400, "bad_request"),
        ("health", b'{"id":"\xff"}', 400, "bad_request"),
        ("health", "[]", 400, "bad_request"),
        ("save", '"jpg"', 400, "bad_request"),
        ("save", "jpg", 400, "bad_request"),
        ("save", "null", 400, "bad_request"),
        ("health", '{"a":' * 5000, 400, "bad_request"),
        ("health", '{"expires":1}', 410, "expired"),
        ("save", "{}", 503, "camera_down"),
        ("pastStack", "{}", 404, "no_frames"),
        ("night_level", "", 404, "no_frames"),
    ],
)
def test_a_refusal_has_its_code_and_its_status(
    serving: RunningWebServer, verb: str, body: bytes | str, status: int, code: str
) -> None:
    got = command(serving, verb, body)
    assert (got.status, got.json["code"]) == (status, code), got.body
    assert got.json["ok"] is False
    assert got.json["stage"] == "final"
    assert got.json["message"]
    assert ("Retry-After" in got.headers) == (status == 503)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_that_a_page_may_send_unasked_is_refused(serving: RunningWebServer, kind: str) -> None:
    got = command(serving, "set", '{"key":"night.gain","value":8}', kind)
    assert got.status in (400, 415)
    assert serving.core is not None
    assert serving.core.config.night.gain == 6


def test_a_body_may_be_missing_and_blank(serving: RunningWebServer) -> None:
    assert command(serving, "health", kind="").status == 200
    assert command(serving, "health", " \r\n ").status == 200


def test_a_body_beyond_measure_is_refused(serving: RunningWebServer) -> None:
    assert command(serving, "save", b"{" + b" " * 70_000).status in (400, 413)
    assert command(serving, "health").status == 200


def test_a_command_is_not_asked_for_by_get(serving: RunningWebServer) -> None:
    assert serving.get("/api/commands/restart").status == 405


@pytest.mark.parametrize("verb", sorted(set(registry()) - {"restart"}))
def test_every_command_of_the_registry_is_there(serving: RunningWebServer, verb: str) -> None:
    assert command(serving, verb, "{}").json["code"] != "unknown_verb"


# ------------------------------------------------------------------ a node that is busy or does not answer


class Node:
    """An application whose node fails as set by the test."""

    def __init__(self, error: NodeError | None = None, media: Sequence[dict[str, object]] = ()) -> None:
        self.error = error
        self.pictures = MemoryPictures()
        self.state = State(Config(), media=list(media))
        self.asked: list[tuple[str, bytes]] = []

    async def ask(self, verb: str, payload: bytes) -> Answered:
        self.asked.append((verb, payload))
        if self.error is not None:
            raise self.error
        return Answered({"ok": True, "code": "ok", "data": {"odd": float("nan"), "path": Path("/x"), "name": "\udcff"}})

    def talk(self, method: str, path: str, **options: Any) -> Got:
        async def run() -> Got:
            clock = SystemClock()
            app = web.Application()
            info = {"id": "porch", "name": "Porch", "version": "1"}
            app[CONTEXT] = WebContext(
                FrameHub(), self.pictures, self.ask, SignedLinks(clock), self.state, clock, IMAGES, info
            )
            app.router.add_route("POST", "/api/commands/{verb}", routes.command)
            app.router.add_route("GET", "/api/state", routes.state)
            async with TestServer(app) as server, ClientSession() as session:
                url = server.make_url(path)
                async with session.request(method, url, **options) as response:
                    return Got(response.status, response.headers, await response.read())

        return asyncio.run(run())


@pytest.mark.parametrize(
    ("error", "status"), [(Busy("ERROR: too many requests are waiting"), 503), (DeadlinePassed("ERROR: no reply"), 504)]
)
def test_what_keeps_the_node_from_answering_is_said_like_a_reply(error: NodeError, status: int) -> None:
    got = Node(error).talk("POST", "/api/commands/save")
    assert got.status == status
    assert got.json == {
        "verb": "save", "ok": False, "code": error.code, "message": error.text, "data": {}, "stage": "final",
        "node": "porch",
    }  # fmt: skip


def test_arguments_reach_the_node_as_they_came() -> None:
    node = Node()
    node.talk("POST", "/api/commands/save", json={"formats": ["jpg"]})
    node.talk("POST", "/api/commands/save")
    assert node.asked == [("save", b'{"formats": ["jpg"]}'), ("save", b"")]


def test_a_reply_is_json_that_every_reader_takes() -> None:
    got = Node().talk("POST", "/api/commands/health")
    assert got.json["data"] == {"odd": None, "path": "/x", "name": "?"}


# ------------------------------------------------------------------ states


def test_the_state_tells_what_is(serving: RunningWebServer) -> None:
    serving.tell(BrightnessMeasured(128.04, 42.123))
    with serving.filming():
        wait_until(lambda: serving.get("/api/state").json["states"]["camera"] == "online", "the camera")
    told = serving.get("/api/state").json
    keys = {
        "at",
        "node",
        "broker",
        "broker_away_because",
        "settings_changed",
        "states",
        "telemetry",
        "brightness",
        "media",
    }
    assert set(told) == keys
    assert told["node"] == {"id": "porch", "name": "Porch", "version": "0.0.0"}
    assert told["broker"] is False
    assert told["states"]["brightness"] > 0
    assert [len(point) for point in told["brightness"]] == [2] * len(told["brightness"])


def test_pictures_come_with_links_that_open_them(serving: RunningWebServer, tmp_path: Path) -> None:
    path = tmp_path / f"{ID}.jpg"
    path.write_bytes(serving.frame().jpeg)
    serving.pictures.files[ID] = path
    [told] = serving.get("/api/state").json["media"]
    assert (told["id"], told["kind"], told["first_at"]) == (ID, "single", "2026-11-20T19:45:01.123Z")
    assert serving.get(told["url"]).body == path.read_bytes()
    assert serving.get(told["thumbnail_url"]).headers["Content-Type"] == "image/jpeg"


def test_what_is_told_of_pictures_is_what_is_kept() -> None:
    facts: list[dict[str, object]] = [{"id": ID, "kind": "single", "bytes": 7}, {"id": "gone", "kind": "single"}]
    node = Node(media=facts)
    node.pictures.files = {OTHER: Path("/x"), ID: Path("/y")}
    told = node.talk("GET", "/api/state").json["media"]
    assert [one["id"] for one in told] == [ID, OTHER]
    assert told[0]["bytes"] == 7
    assert (told[1]["kind"], told[1]["first_at"]) == ("stack", "2026-11-19T01:02:03.004Z")
    assert told[1]["url"].startswith(f"/media/{OTHER}?")


def test_pictures_are_told_before_the_folder_was_looked_at() -> None:
    node = Node(media=[{"id": ID, "kind": "single"}])
    assert [one["id"] for one in node.talk("GET", "/api/state").json["media"]] == [ID]


# ------------------------------------------------------------------ settings


def test_every_setting_is_told_with_what_a_control_needs(serving: RunningWebServer) -> None:
    told = {one["key"]: one for one in serving.get("/api/config").json["settings"]}
    assert list(told) == list(settings.catalogue())
    gain = told["night.gain"]
    assert (gain["value"], gain["type"], gain["minimum"], gain["maximum"], gain["live"]) == (6, "float", 1, 64, True)
    assert told["camera.width"]["unit"] == "px"
    assert told["night.override"]["choices"] == ["auto", "day", "night"]
    assert all(one["title"] and one["doc"] and one["section"] for one in told.values())


def test_secrets_are_masked_wherever_settings_are_told(tmp_path: Path) -> None:
    secret = "canary-7f3a"
    sections: dict[str, Any] = {
        "mqtt": {"username": "porch", "password": secret},
        "camera": {"source": f"rtsp://me:{secret}@camera.example/live"},
    }
    with RunningWebServer(tmp_path, **sections) as serving:
        serving.show()
        for path in ("/api/config", "/api/state", "/api/openapi.json"):
            assert secret.encode() not in serving.get(path).body
        for verb, body in (
            ("dump_config", "{}"),
            ("get", '{"key":"mqtt.password"}'),
            ("get", '{"key":"camera.source"}'),
        ):
            got = command(serving, verb, body)
            assert got.status == 200
            assert secret.encode() not in got.body


# ------------------------------------------------------------------ the description


def test_a_picture_that_is_gone_is_told_from_one_whose_disk_is_away(serving: RunningWebServer) -> None:
    for path in ("/media/p1", "/media/p1/thumbnail"):
        serving.pictures.is_away = False
        assert serving.get(path).status == 404
        serving.pictures.is_away = True
        refused = serving.get(path)
        assert (refused.status, refused.body) == (503, b"the disk of the pictures is unavailable\n")


def test_lists_are_bare_arrays_with_the_parameters_of_their_commands(serving: RunningWebServer) -> None:
    at = datetime(2026, 11, 20, 19, 45, tzinfo=UTC)
    for number in range(3):
        row = MediaRow(f"p{number}", "single", at + timedelta(seconds=number), f"/captures/p{number}.jpg", 100)
        serving.archive.rows[row.id] = row
    got = serving.get("/api/media?limit=2")
    assert (got.status, [row["id"] for row in got.json]) == (200, ["p2", "p1"])
    assert TypeAdapter(MediaItem).validate_python(got.json[0])["bytes"] == 100
    assert [row["id"] for row in serving.get("/api/media?before=p1").json] == ["p0"]
    assert serving.get("/api/media?before=p9").status == 404
    assert serving.get("/api/media?limit=0").status == 422
    assert serving.get("/api/media?limit=x").status == 400
    assert serving.get("/api/media?nothing=1").status == 400
    for path in ("/api/events?kind=clip", "/api/media?kind=motion"):
        refused = serving.get(path)
        assert refused.status == 400
        assert ("trigger, record" if "events" in path else "clip, timelapse") in refused.json["message"]
    twice = serving.get("/api/media?kind=clip&kind=recording")
    assert (twice.status, twice.json["message"]) == (400, "ERROR: kind: it is there twice; give it once")
    assert serving.get("/api/events").json == []


def test_a_moment_of_the_ring_is_shown_and_nothing_saved(serving: RunningWebServer) -> None:
    with serving.filming():
        wait_until(lambda: serving.core is not None and serving.core.ring.seconds > 1, "a second in the ring", 20)
        now, before = serving.get("/past.jpg"), serving.get("/past.jpg?at=0.9")
    assert (now.status, before.status, now.body[:2]) == (200, 200, b"\xff\xd8")
    assert int(now.headers["X-Frame-Id"]) > int(before.headers["X-Frame-Id"])
    assert serving.get("/past.jpg?at=3600").status == 404
    assert serving.get("/past.jpg?at=x").status == 400
    assert serving.archive.saved == []


def test_a_picture_is_deleted_unless_it_is_kept(serving: RunningWebServer) -> None:
    at = datetime(2026, 11, 20, 19, 45, tzinfo=UTC)
    serving.archive.rows = {"a": MediaRow("a", "single", at, "/captures/a.jpg", 1, kept=True)}
    assert serving.request("DELETE", "/media/a").status == 403
    assert serving.post("/api/commands/keep", {"media_id": "a", "off": True}).json["ok"]
    got = serving.request("DELETE", "/media/a")
    assert (got.status, Reply.model_validate(got.json).message) == (200, "OK: deleted a")
    assert serving.request("DELETE", "/media/a").status == 404
    assert serving.post("/api/commands/delete", {"media_id": "a"}).status == 404


def test_a_ticket_opens_the_pictures_and_no_command(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a-token-of-good-length")
    token.chmod(0o600)
    with RunningWebServer(tmp_path, http={"token_file": str(token)}) as serving:
        known = {"Authorization": "Bearer a-token-of-good-length"}
        reply = serving.post("/api/commands/ticket", {"ttl_s": 60}, **known).json
        ticket = {"Authorization": f"Bearer {reply['data']['ticket']}"}
        assert reply["data"]["right"] == "view"
        assert serving.get("/api/media", **ticket).status == 200
        assert serving.post("/api/commands/health", **ticket).status == 403
        assert serving.request("DELETE", "/media/a", ticket).status == 403
        assert serving.get("/api/media", Authorization="Bearer no-ticket").status == 401


def test_the_description_is_served_whole(serving: RunningWebServer) -> None:
    got = serving.get("/api/openapi.json")
    assert got.json["openapi"] == "3.1.0"
    assert {f"/api/commands/{verb}" for verb in registry()} <= set(got.json["paths"])
    assert json.loads(got.body)["components"]["securitySchemes"]["session"]["name"] == "session_porch"
