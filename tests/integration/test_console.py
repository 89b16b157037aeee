"""The console with a real broker: accounts, nodes, events, rules, privacy, stored data."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest
import yaml

pytest.importorskip("jinja2", reason="the extra console is not installed")
pytest.importorskip("cryptography", reason="the extra console is not installed")

from aiohttp import ClientWebSocketResponse, WSMsgType, web
from cryptography.hazmat.primitives.asymmetric import ec

from pi_cam_node.console.accounts.registry import ACCOUNTS_MAX
from pi_cam_node.console.message_dispatcher import CATCH_UP_S
from pi_cam_node.console.push.encryption import encoded, public_bytes
from pi_cam_node.console.push.notify import Notice, NotifySender
from pi_cam_node.console.push.sender import Outcome
from pi_cam_node.console.web import application  # noqa: F401 - declares the routes
from pi_cam_node.console.web.routes import ROUTES
from pi_cam_node.console.web.settings_devices import TESTS_PER_MINUTE
from tests.support.bars import bar
from tests.support.broker import Client, Mosquitto, free_port, port_of, reserved_port
from tests.support.running_console import DEADLINE_S, Browser, RunningConsole
from tests.support.running_node import RunningNode
from tests.support.web_push import PushService, decrypt

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")
DOOR_TOPIC = "zigbee2mqtt/front door"
DOOR = {
    "state_topic": DOOR_TOPIC,
    "value_template": '{{ value_json["contact"] }}',
    "payload_on": False,
    "payload_off": True,
    "device_class": "door",
    "object_id": "front_door",
    "unique_id": "x",
    "device": {"name": "Front door"},
}


@pytest.fixture
def client(broker: Mosquitto) -> Iterator[Client]:
    with broker.client() as made:
        yield made


@pytest.fixture
def console(broker: Mosquitto, tmp_path: Path) -> Iterator[RunningConsole]:
    with RunningConsole(tmp_path / "console", broker.port) as made:
        yield made


def announce(client: Client, node: str = "porch", **info: object) -> None:
    """Retain what a node retains."""
    body = {"name": node.title(), "boot": "b1", "commands": ["save", "pastStack"], **info}
    base = f"pi_cam_node/{node}"
    client.publish(f"{base}/info", json.dumps(body), retain=True)
    client.publish(f"{base}/state/privacy", "OFF", retain=True)
    client.publish(f"{base}/camera/availability", "online", retain=True)
    client.publish(f"{base}/frame", JPEG, retain=True)
    client.publish(f"{base}/availability", "online", retain=True)


def tell(client: Client, kind: str, name: str, at: datetime | None = None, node: str = "porch", **more: object) -> None:
    at = at or datetime.now(UTC)
    body = {"event_type": kind, "id": name, "at": at.isoformat(), "began_at": at.isoformat(), **more}
    client.publish(f"pi_cam_node/{node}/event/{kind}", json.dumps(body))


def rows(console: RunningConsole, asked: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{console.base_dir}/console.db?mode=ro", uri=True)) as db:
        return db.execute(asked).fetchall()


# ------------------------------------------------------------ accounts


def test_set_up_by_a_one_time_link_and_logged_in_over_a_restart(console: RunningConsole) -> None:
    async def visit(browser: Browser) -> None:
        assert (await browser.get("/", Accept="text/html"))[0] == 303
        status, page = await browser.get("/setup?key=guess")
        assert (status, "That is not the one-time link" in page) == (403, True)
        assert (await browser.post("/setup", {"key": "guess", "name": "Eve", "password": "correct horse"}))[0] == 403
        key = console.setup_key
        assert (await browser.post("/setup", {"key": key, "name": "Anna", "password": "short"}))[0] == 422
        form = {"key": key, "name": "Anna", "password": "correct horse", "mail": "anna@example.com"}
        assert (await browser.post("/setup", form))[0] == 422
        assert (await browser.post("/setup", {**form, "mail": "anna@posteo.de"}))[0] == 303
        assert (console.base_dir / "contact").read_text() == "mailto:anna@posteo.de\n"
        assert (await browser.get("/"))[0] == 200
        assert not (console.base_dir / "setup-link").exists()
        assert (await browser.post("/setup", {"key": key, "name": "Eve", "password": "correct horse"}))[0] == 403
        assert console.stop() == 0
        console.start()
        assert (await browser.get("/"))[0] == 200
        assert (await browser.post("/logout"))[0] == 303
        assert (await browser.get("/"))[0] == 401

    console.visit(visit, as_owner=False)


def test_guessing_is_slowed_down_and_another_sites_page_changes_nothing(console: RunningConsole) -> None:
    async def visit(browser: Browser) -> None:
        assert (await browser.post("/mode", {"mode": "away"}, Origin="https://evil.example"))[0] == 403
        assert (await browser.post("/mode", {"mode": "away"}, **{"Sec-Fetch-Site": "cross-site"}))[0] == 403
        assert (await browser.get("/", Host="evil.example"))[0] == 403
        assert (await browser.post("/mode", {"mode": "away"}, Origin=console.url))[0] == 200
        tries = [await browser.post("/login", {"name": "Anna", "password": f"guess {n}"}) for n in range(6)]
        assert [status for status, _ in tries] == [401] * 5 + [429]
        status, page = await browser.post("/login", {"name": "Anna", "password": "correct horse"})
        assert (status, "Too many wrong tries; wait " in page, 'action="/login"' in page) == (429, True, True)
        assert (await browser.post_json("/login", {"name": "Anna", "password": "correct horse"}))[0] == 429
        assert (await browser.get("/"))[0] == 200

    console.visit(visit)


def test_a_refusal_is_a_page_for_people_and_bare_text_for_programs(console: RunningConsole) -> None:
    html = "text/html,application/xhtml+xml"

    async def visit(owner: Browser) -> None:
        for path, said in (
            ("/cameras/nosuch", "There is no such camera."),
            ("/events/999", "There is no such event."),
            ("/nosuch", "Not found"),
        ):
            status, text = await owner.get(path, Accept=html)
            assert (status, said in text, 'href="/"' in text) == (404, True, True), text
            assert "<html" not in (await owner.get(path))[1]
            assert "<html" not in (await owner.get(path, Accept=html, **{"HX-Request": "true"}))[1]
            async with Browser(console) as stranger:
                assert (await stranger.get(path, Accept=html))[0] == 303

    console.visit(visit)


def paths(camera: str) -> Iterator[tuple[str, str, str]]:
    """Yield method, path and right of every route, with this camera and placeholder ids."""
    for route in ROUTES:
        path = route.path.replace("{camera}", camera)
        path = (
            path.replace("{action:keep|release|delete}", "keep").replace("{action}", "save").replace("{part}", "strip")
        )
        path = re.sub(r"\{(id|number)(:[^{}]*(\{[^{}]*\})?[^{}]*)?\}", "1", path)
        path = re.sub(r"\{(key|hash)\}", "x", path).replace("/hls/" + camera + "/{name}", f"/hls/{camera}/main.m3u8")
        yield route.method, re.sub(r"\{name:.*?\}$", "base.css", path), route.need.right


def test_the_list_of_who_did_what_names_who_guesses_behind_a_proxy(broker: Mosquitto, tmp_path: Path) -> None:
    async def visit(owner: Browser) -> None:
        wrong = {"name": "Anna", "password": "wrong"}
        assert (await owner.post("/login", wrong, **{"X-Forwarded-For": "203.0.113.9"}))[0] == 401
        async with asyncio.timeout(DEADLINE_S):
            while "from 203.0.113.9" not in (await owner.get("/settings"))[1]:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)

    behind = {"trusted_proxies": ["127.0.0.1"]}
    with RunningConsole(tmp_path / "console", broker.port, console=behind) as console:
        console.visit(visit)


def test_every_route_is_refused_to_strangers_and_cameras_to_guests(console: RunningConsole, client: Client) -> None:
    announce(client, "porch")
    announce(client, "hall")

    async def status(browser: Browser, method: str, path: str) -> int:
        if method in {"GET", "POST"}:
            return (await (browser.post(path) if method == "POST" else browser.get(path)))[0]
        async with browser.session.request(method, path, allow_redirects=False) as answer:
            return answer.status

    async def visit(owner: Browser) -> None:
        await owner.until("/api/nodes", lambda body: len(body["nodes"]) == 2, "both nodes")
        for body in ({"name": "Gast", "password": "correct horse", "role": "guest", "cameras": ["porch"]},):
            assert (await owner.post_json("/api/accounts", body))[0] == 201
        async with Browser(console) as stranger:
            for method, path, right in paths("porch"):
                found = await status(stranger, method, path)
                assert (found in {401, 403}) or right == "public", f"{method} {path}: {found}"
        async with Browser(console) as guest:
            await guest.log_in("Gast", "correct horse")
            told = await guest.json("/api/nodes")
            assert [node["id"] for node in told["nodes"]] == ["porch"]
            for method, path, right in paths("hall"):
                if "/hall" in path or right == "control":
                    assert await status(guest, method, path) in {403, 404}, f"{method} {path}"
            assert await status(guest, "GET", "/cameras/porch") == 200
            async with guest.session.get("/changes") as heard:
                for node in ("hall", "porch"):
                    client.publish(f"pi_cam_node/{node}/state/motion", "ON", retain=True)
                async with asyncio.timeout(DEADLINE_S):
                    while b"node-" not in (line := await heard.content.readline()):
                        continue
                assert line == b"data: node-porch\n"
            assert await status(guest, "GET", "/sensors") == 403

    console.visit(visit)


def test_a_proxy_asks_whether_a_browser_may(console: RunningConsole, client: Client) -> None:
    announce(client)
    announce(client, "hall")

    async def visit(owner: Browser) -> None:
        await owner.until("/api/nodes", lambda body: len(body["nodes"]) == 2, "the nodes")
        body = {"name": "Gast", "password": "correct horse", "role": "guest", "cameras": ["hall"]}
        assert (await owner.post_json("/api/accounts", body))[0] == 201
        async with Browser(console) as guest:
            asked = {"X-Original-URI": "/hls/porch/1.m4s"}
            assert (await guest.get("/auth/check", **asked))[0] == 401
            await guest.log_in("Gast", "correct horse")
            assert (await guest.get("/auth/check", **asked))[0] == 403
            assert (await guest.get("/auth/check", **{"X-Original-URI": "/hls/hall/1.m4s?x=1"}))[0] == 204
            for trick in ("/hls/hall/..%2fporch/1.m4s", "/hls/hall/../porch/1.m4s", "//hls/porch/1.m4s"):
                assert (await guest.get("/auth/check", **{"X-Original-URI": trick}))[0] == 403
        assert (await owner.get("/auth/check", **asked))[0] == 204
        assert (await owner.get("/auth/check", **{"X-Original-URI": "/hls/none/1.m4s"}))[0] == 403

    console.visit(visit)


def test_figures_are_for_owners_and_for_the_token_which_opens_nothing_else(
    console: RunningConsole, client: Client
) -> None:
    parser = pytest.importorskip("prometheus_client.parser")
    announce(client, "porch")
    file = console.base_dir / "metrics-token"
    known = {"Authorization": f"Bearer {file.read_text().strip()}"}
    assert file.stat().st_mode & 0o777 == 0o600

    async def visit(owner: Browser) -> None:
        await owner.until("/api/nodes", lambda body: body["nodes"] and body["nodes"][0]["private"] is False, "the node")
        for name, role in (("Gast", "guest"), ("Max", "member")):
            body = {"name": name, "password": "correct horse", "role": role, "cameras": ["porch"]}
            assert (await owner.post_json("/api/accounts", body))[0] == 201
            async with Browser(console) as other:
                await other.log_in(name, "correct horse")
                assert (await other.get("/metrics"))[0] == 403
        assert (await owner.get("/metrics"))[0] == 200
        async with Browser(console) as scraper:
            assert (await scraper.get("/metrics", Authorization="Bearer wrong"))[0] == 401
            assert (await scraper.get("/api/nodes", **known))[0] == 401
            assert (await scraper.post("/mode", {"mode": "away"}, **known))[0] == 401
            status, text = await scraper.get("/metrics", **known)
            assert status == 200
            samples = [s for family in parser.text_string_to_metric_families(text) for s in family.samples]
            values = {s.name.removeprefix("pi_cam_node_console_"): s.value for s in samples}
            assert (values["broker_up"], values["database_up"], values["pushes_waiting"]) == (1, 1, 0)
            assert (values["node_up"], values["node_camera_up"], values["node_privacy"]) == (1, 1, 0)
            assert values["http_wrong_credentials_total"] == 1
            assert values["process_resident_memory_bytes"] > 0
            for number in range(4):
                assert (await scraper.get("/metrics", Authorization=f"Bearer {number}"))[0] == 401
            assert (await scraper.get("/metrics", **known))[0] == 429
        assert console.stop() == 0
        file.write_text("short\n")
        console.start()
        assert (await owner.get("/metrics"))[0] == 200
        async with Browser(console) as scraper:
            assert (await scraper.get("/metrics", Authorization="Bearer short"))[0] == 401
        assert "GET /metrics accepts no token" in console.log

    console.visit(visit)


def test_a_wall_tablet_is_paired_by_a_code(console: RunningConsole) -> None:
    async def visit(owner: Browser) -> None:
        async with Browser(console) as wall:
            code = re.search(r'class="code">([A-Z2-9]{6})<', (await wall.get("/pair"))[1])
            assert code is not None
            assert (await wall.get("/kiosk"))[0] == 401
            assert "No device" in (await owner.post("/pair/approve", {"code": "AAAAAA"}))[1]
            assert (await owner.post("/pair/approve", {"code": code[1].lower(), "name": "Kitchen"}))[0] == 200
            assert (await wall.get("/pair"))[0] == 303
            assert (await wall.get("/kiosk"))[0] == 200
            assert (await wall.post("/mode", {"mode": "away"}))[0] == 403

    console.visit(visit)


def test_a_tablet_for_which_there_is_no_account_any_more_is_refused_in_words(console: RunningConsole) -> None:
    async def visit(owner: Browser) -> None:
        statuses = []
        for _ in range(ACCOUNTS_MAX):
            async with Browser(console) as wall:
                code = re.search(r'class="code">([A-Z2-9]{6})<', (await wall.get("/pair"))[1])
                assert code is not None
                status, said = await owner.post("/pair/approve", {"code": code[1], "name": "x" * 40})
                statuses.append(status)
        assert statuses == [200] * (ACCOUNTS_MAX - 1) + [422]
        assert f"There are {ACCOUNTS_MAX} accounts already." in said

    console.visit(visit)


# ------------------------------------------------------------ nodes and pictures


def test_real_nodes_are_there_within_five_seconds_and_seen_live(broker: Mosquitto, tmp_path: Path) -> None:
    """No pairing: two nodes as they come, a console started beside them."""
    nodes = []
    for name in ("porch", "hall"):
        (tmp_path / name).mkdir()
        served = {"enable": True, "port": free_port(), "fps": 5}
        nodes.append(RunningNode(tmp_path / name, broker.port, node={"id": name}, mjpeg_server=served))
    with nodes[0], nodes[1], RunningConsole(tmp_path / "console", broker.port) as console:

        async def visit(browser: Browser) -> None:
            await browser.until(
                "/api/nodes", lambda body: sum(n["camera"] or 0 for n in body["nodes"]) == 2, "two cameras"
            )
            page = (await browser.get("/"))[1]
            assert 'data-camera="porch"' in page
            assert 'data-camera="hall"' in page
            seen: set[str] = set()
            async with browser.session.ws_connect("/live") as socket:
                await socket.send_json({"cameras": {name: {"fps": 5, "width": 160} for name in ("porch", "hall")}})
                async with asyncio.timeout(DEADLINE_S):
                    while seen != {"porch", "hall"}:
                        message = await socket.receive()
                        if message.type is WSMsgType.BINARY:
                            length = message.data[0]
                            seen.add(message.data[1 : 1 + length].decode())
                            assert (
                                abs(int.from_bytes(message.data[1 + length : 9 + length], "big") / 1000 - time.time())
                                < 60
                            )
                            assert message.data[9 + length :][:2] == b"\xff\xd8"
            status, said = await browser.post("/cameras/porch/save")
            assert (status, "Picture taken" in said) == (200, True)
            told = await browser.until("/api/events", lambda body: body, "the event of the picture")
            assert (told[0]["kind"], told[0]["camera"]) == ("picture", "porch")
            status, said = await browser.get(told[0]["thumbnail_url"])
            assert status == 200, said

        console.visit(visit)


def test_a_change_of_a_nodes_setting_goes_over_mqtt_and_is_saved_to_its_file(broker: Mosquitto, tmp_path: Path) -> None:
    with RunningNode(tmp_path, broker.port) as node, RunningConsole(tmp_path / "console", broker.port) as console:

        async def visit(browser: Browser) -> None:
            await browser.until("/api/nodes", lambda body: body["nodes"] and body["nodes"][0]["camera"], "the camera")
            page = (await browser.get("/settings/nodes/porch"))[1]
            assert 'name="night.gain"' in page
            form = {"key": "night.gain", "kind": "float", "night.gain": "7.5"}
            assert "In force" in (await browser.post("/settings/nodes/porch/set", form))[1]
            refused = (await browser.post("/settings/nodes/porch/set", {**form, "night.gain": "9999"}))[1]
            assert "refused" in refused
            form = {"key": "ring.max_bytes", "kind": "int", "ring.max_bytes": "48", "factor": str(1 << 20)}
            assert "In force" in (await browser.post("/settings/nodes/porch/set", form))[1]
            page = (await browser.get("/settings/nodes/porch"))[1]
            assert 'name="ring.max_bytes" type="number" value="48" min="1"' in page
            assert "Saved" in (await browser.post("/settings/nodes/porch/save"))[1]

        console.visit(visit)
        assert "7.5" in node.config.read_text()
        assert str(48 << 20) in node.config.read_text()


def test_a_node_that_is_gone_for_good_is_removed_with_its_events_until_it_comes_back(
    broker: Mosquitto, client: Client, tmp_path: Path
) -> None:
    """Its card stayed for as long as the broker kept its topics."""

    async def nodes(browser: Browser) -> list[str]:
        return [node["id"] for node in (await browser.json("/api/nodes"))["nodes"]]

    async def remove(browser: Browser) -> None:
        await browser.until("/api/events", lambda body: len(body) == 2, "the events")
        async with browser.session.delete("/api/nodes/porch") as answer:
            assert (answer.status, "is online" in await answer.text()) == (409, True)
        client.publish("pi_cam_node/porch/availability", "offline", retain=True)
        await browser.until("/api/nodes", lambda body: not body["nodes"][1]["online"], "the end of the node")
        assert "Gone for good" in (await browser.get("/settings/nodes/porch"))[1]
        assert "Gone for good" not in (await browser.get("/settings/nodes/hall"))[1]
        async with browser.session.delete("/api/nodes/porch") as answer:
            assert answer.status == 204
        assert await nodes(browser) == ["hall"]
        assert (await browser.post("/settings/nodes/porch/remove"))[0] == 404
        await browser.until("/api/events", lambda body: [one["camera"] for one in body] == ["hall"], "the other event")
        assert "porch: removed" in (await browser.get("/settings"))[1]

    async def come_back(browser: Browser) -> None:
        await browser.until("/api/nodes", lambda body: body["nodes"], "the other node")
        assert await nodes(browser) == ["hall"]
        announce(client, "porch", name="Porch again")
        await browser.until(
            "/api/nodes", lambda body: [node["name"] for node in body["nodes"]] == ["Hall", "Porch again"], "the node"
        )

    for camera in ("porch", "hall"):
        announce(client, camera)
    with RunningConsole(tmp_path / "console", broker.port) as console:
        for camera in ("porch", "hall"):
            body = f'{{"event_type": "picture_saved", "id": "{camera}-1", "media": {{"id": "p1"}}}}'
            client.publish(f"pi_cam_node/{camera}/event/picture_saved", body)
        console.visit(remove)
    with RunningConsole(tmp_path / "console", broker.port) as console:
        console.visit(come_back)


async def comes(socket: ClientWebSocketResponse, limit_s: float) -> bool:
    """Tell whether a picture comes in time."""
    try:
        async with asyncio.timeout(limit_s):
            while (await socket.receive()).type is not WSMsgType.BINARY:
                continue
    except TimeoutError:
        return False
    return True


def test_privacy_hides_everything(console: RunningConsole, client: Client) -> None:
    announce(client)

    async def visit(browser: Browser) -> None:
        await browser.until("/api/nodes", lambda body: body["nodes"], "the node")
        async with browser.session.ws_connect("/live") as socket:
            await socket.send_json({"cameras": {"porch": {"fps": 5, "width": 0}}})
            async with asyncio.timeout(DEADLINE_S):
                while (await socket.receive()).type is not WSMsgType.BINARY:
                    continue
            client.publish("pi_cam_node/porch/state/privacy", "ON", retain=True)
            began_s = time.monotonic()
            async with asyncio.timeout(DEADLINE_S):
                while (message := await socket.receive()).type is not WSMsgType.TEXT or not json.loads(message.data)[
                    "blank"
                ]:
                    continue
            assert time.monotonic() - began_s < bar(1.0)
            client.publish("pi_cam_node/porch/frame", JPEG, retain=True)
            assert not await comes(socket, 0.7)
        assert (await browser.get("/media/porch/p1"))[0] == 403
        assert (await browser.get("/hls/porch/main.m3u8"))[0] == 403
        assert (await browser.get("/auth/check", **{"X-Original-URI": "/hls/porch/1.m4s"}))[0] == 403

    console.visit(visit)


def test_a_node_that_cannot_be_reached_shows_what_the_broker_keeps_and_says_why(
    console: RunningConsole, client: Client
) -> None:
    announce(client, url=f"http://127.0.0.1:{free_port()}")

    async def visit(browser: Browser) -> None:
        await browser.until("/api/nodes", lambda body: body["nodes"], "the node")
        texts, pictures = [], 0
        async with browser.session.ws_connect("/live") as socket, asyncio.timeout(DEADLINE_S):
            await socket.send_json({"cameras": {"porch": {"fps": 5, "width": 0}}})
            while not pictures:
                message = await socket.receive()
                pictures += message.type is WSMsgType.BINARY
                if message.type is WSMsgType.TEXT:
                    texts.append(json.loads(message.data)["text"])
        assert "own machine only" in texts[-1]

    console.visit(visit)


def test_odd_messages_of_a_node_and_odd_questions_of_a_visitor_end_no_page(
    console: RunningConsole, client: Client
) -> None:
    latest, earliest = "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"
    odd = {"at": latest, "began_at": earliest, "ended_at": latest, "zones": ["\ud83d"], "pre_roll_s": float("inf")}

    async def visit(browser: Browser) -> None:
        client.publish("homeassistant/binary_sensor/door/config", json.dumps({"name": "\udc00", "stat_t": "door"}))
        announce(client, name="Half \ud83d")
        client.publish(
            "pi_cam_node/porch/event/motion_ended", json.dumps({"event_type": "motion_ended", "id": "e1", **odd})
        )
        await browser.until("/api/events", lambda body: body, "the event")
        number = (await browser.json("/api/events"))[0]["number"]
        pages = (
            "/",
            "/events",
            f"/events/{number}",
            "/recordings",
            "/sensors",
            "/kiosk",
            "/cameras/porch",
            "/settings",
        )
        for path in pages:
            assert (await browser.get(path))[0] == 200, path
        assert (await browser.json("/api/nodes"))["nodes"][0]["name"] == "Half \ufffd"
        for before in ("9" * 30 + "-1", "9" * 15 + "-1", "1-" + "9" * 20, latest, earliest, "\u0663-\u0663", "x" * 300):
            for path in ("/api/events", "/api/media"):
                assert (await browser.get(f"{path}?before={quote(before)}"))[0] in (200, 422), (path, before)
        for path, status, why in (
            ("/api/events?kind=recording", 422, "kind is one of motion, trigger, record, picture, "),
            ("/api/events?before=yesterday", 422, "before is a row's cursor or an ISO time (found 'yesterday')"),
            ("/api/events?camera=nowhere", 404, "there is no such camera"),
            ("/api/events?sensor=nowhere", 404, "there is no such sensor"),
            ("/api/media?kind=motion", 422, "kind is one of film, picture, single, "),
            ("/api/media?before=0-", 422, "before is a row's cursor or an ISO time (found '0-')"),
            ("/api/media?camera=nowhere", 404, "there is no such camera"),
        ):
            refused = await browser.get(path)
            assert (refused[0], why in refused[1]) == (status, True), refused
        for path in ("/api/events?kind=&sensor=&before=&camera=", "/api/media?kind=film&before=&camera=porch"):
            assert (await browser.get(path))[0] == 200, path
        for path in ("/hls/porch/share", f"/events/{number}/share"):
            assert (await browser.post(path, {"for": "30 d"}))[0] == 422
        for limit in ("0", "201", "9" * 30, "\u0663", "x"):
            assert (await browser.get(f"/api/events?limit={quote(limit)}"))[0] == 422, limit
        kind = {"Content-Type": "application/x-www-form-urlencoded; charset=unicode_escape"}
        async with browser.session.post("/login", data=b"name=\\ud800&password=x", headers=kind) as answer:
            assert answer.status == 415
        async with browser.session.ws_connect("/live") as socket:
            await socket.send_str("[" * 16_000)
            assert (await socket.receive()).data == 1008

    console.visit(visit)
    assert "Traceback" not in console.log


def test_an_erased_node_leaves_nothing(console: RunningConsole, client: Client) -> None:
    announce(client)
    tell(client, "picture_saved", "p1", media={"id": "p1"})

    async def visit(browser: Browser) -> None:
        await browser.until("/api/events", lambda body: body, "the event")
        client.publish("pi_cam_node/porch/availability", "", retain=True)
        await browser.until("/api/nodes", lambda body: not body["nodes"], "the node to go")
        await browser.until("/api/events", lambda body: not body, "its events to go")

    console.visit(visit)
    assert rows(console, "SELECT count(*) FROM event WHERE node='porch' OR camera='porch'") == [(0,)]
    assert rows(console, "SELECT count(*) FROM node") == [(0,)]


# ------------------------------------------------------------ events


def test_what_happens_while_the_console_is_away_is_written_down_once(
    broker: Mosquitto, client: Client, tmp_path: Path
) -> None:
    rule = {"when": {"camera": "porch", "event": "motion_started"}, "do": [{"push": ["Anna"]}]}
    with RunningConsole(tmp_path / "console", broker.port, rules=[rule]) as console:
        announce(client)
        console.visit(lambda browser: browser.until("/api/nodes", lambda body: body["nodes"], "the node"))
        console.kill()
        long_ago = datetime.now(UTC) - timedelta(seconds=90)
        for number in range(20):
            tell(client, "picture_saved", f"p{number}", media={"id": f"p{number}"})
        tell(client, "motion_started", "m1", long_ago, zones=["door"])
        tell(client, "motion_ended", "m1", long_ago)
        console.start()
        told = console.visit(
            lambda browser: browser.until("/api/events?limit=200", lambda body: len(body) == 21, "all 21")
        )
        assert len({event["id"] for event in told}) == 21
        assert rows(console, "SELECT count(*) FROM delivery") == [(0,)]
        assert "rule:" not in console.log
        tell(client, "motion_started", "m2")
        console.visit(lambda browser: browser.until("/api/events?limit=200", lambda body: len(body) == 22, "one more"))
        assert console.log.count("rule:") == 1


def test_the_broker_that_goes_is_said_and_comes_back(
    console: RunningConsole, broker: Mosquitto, client: Client
) -> None:
    announce(client)

    async def visit(browser: Browser) -> None:
        await browser.until("/api/nodes", lambda body: body["nodes"], "the node")
        broker.kill()
        await browser.until("/api/nodes", lambda body: not body["broker"], "the loss")
        status, page = await browser.get("/")
        assert (status, "The broker has been unreachable since" in page, " disabled>Take picture" in page) == (
            200,
            True,
            True,
        )
        assert (await browser.get("/healthz"))[0] == 503
        broker.start()
        await browser.until("/api/nodes", lambda body: body["broker"], "the return")
        assert "The broker has been unreachable" not in (await browser.get("/"))[1]

    console.visit(visit)


# ------------------------------------------------------------ sensors, rules, pushes


def test_a_sensor_added_by_hand_can_be_removed_and_one_that_is_announced_cannot(
    broker: Mosquitto, client: Client, tmp_path: Path
) -> None:
    client.publish("homeassistant/binary_sensor/0x1/contact/config", json.dumps(DOOR), retain=True)

    async def visit(browser: Browser) -> None:
        assert (await browser.post("/sensors", {"name": "Shed", "topic": "shed/door"}))[0] == 200
        client.publish("shed/door", "ON", retain=True)
        await shown(browser, "/sensors/shed", '<li><span class="badge">on</span>')
        assert (await browser.post("/sensors/shed", {"name": "", "room": "Garden"}))[0] == 200
        page = (await browser.get("/sensors/shed"))[1]
        assert "<h1>Shed</h1>" in page
        assert 'hx-post="/sensors/shed/remove"' in page
        assert (await browser.post("/sensors/shed/remove"))[0] == 200
        assert (await browser.get("/sensors/shed"))[0] == 404
        assert "Shed" not in (await browser.get("/sensors"))[1]
        assert (await browser.post("/sensors", {"name": "Shed", "topic": "other/door"}))[0] == 200
        assert '<li><span class="badge">' not in (await browser.get("/sensors/shed"))[1], "changes of the one before"
        page = await shown(browser, "/sensors/front_door", "What it became")
        assert "/remove" not in page
        assert (await browser.post("/sensors/front_door/remove"))[0] == 422
        assert (await browser.get("/sensors/front_door"))[0] == 200

    with RunningConsole(tmp_path / "console", broker.port) as console:
        console.visit(visit)


def test_a_door_that_opens_brings_a_picture_of_before_and_a_push(
    broker: Mosquitto, client: Client, tmp_path: Path
) -> None:
    service = PushService()
    rule = {
        "name": "Front door",
        "when": {"sensor": "front_door", "becomes": "open"},
        "do": [{"past": "porch", "at": 1}, {"push": ["Anna"], "text": "The door is open"}],
        "again_after": 1,
    }
    served = {"enable": True, "port": free_port()}
    hosts = {"PI_CAM_NODE_CONSOLE_PUSH_HOSTS": f"127.0.0.1:{service.port}"}
    client.publish("homeassistant/binary_sensor/0x1/contact/config", json.dumps(DOOR), retain=True)
    client.publish(DOOR_TOPIC, '{"contact": false}', retain=True)
    phone, auth = ec.generate_private_key(ec.SECP256R1()), b"0123456789abcdef"

    async def visit(browser: Browser) -> None:
        runner = await service.start()
        await browser.until("/api/nodes", lambda body: body["nodes"] and body["nodes"][0]["camera"], "the camera")
        endpoint = f"http://127.0.0.1:{service.port}/wpush/phone"
        keys = {"p256dh": encoded(public_bytes(phone)), "auth": encoded(auth)}
        refused = {"endpoint": "https://evil.example/x", "keys": keys}
        assert (await browser.post_json("/api/push/subscribe", refused))[0] == 422
        told = {"endpoint": endpoint, "keys": keys, "label": "Phone"}
        assert (await browser.post_json("/api/push/subscribe", told))[0] == 201
        assert (await browser.post_json("/api/push/subscribe", told))[0] == 200
        device = re.search(r'/settings/devices/([0-9a-f]+)/test"', (await browser.get("/settings/devices"))[1])
        assert device is not None
        await asyncio.sleep(2.5)
        assert service.sent == [], "retained open at connect is no event"
        client.publish(DOOR_TOPIC, '{"contact": true}')
        await asyncio.sleep(0.3)
        client.publish(DOOR_TOPIC, '{"contact": false}')
        await until(lambda: len(service.sent) == 1, "the push")
        headers, body = service.sent[0]
        assert headers["Content-Encoding"] == "aes128gcm"
        assert headers["Authorization"].startswith("vapid t=")
        shown = json.loads(decrypt(body, phone, auth))["notification"]
        assert (shown["title"], shown["body"]) == ("The door is open", "porch · Front door")
        if "image" not in shown:  # a push waits only so long for its picture, and comes again with it
            await until(lambda: len(service.sent) == 2, "the push with its picture")
            again = json.loads(decrypt(service.sent[1][1], phone, auth))["notification"]
            assert again["tag"] == shown["tag"]
            shown = again
        async with Browser(browser.console) as nobody:
            picture = shown["image"].removeprefix(browser.console.url)
            assert (await nobody.get(picture))[0] == 200
            assert (await nobody.get(picture.replace("/porch/", "/hall/")))[0] == 403
            assert (await nobody.get(picture.partition("?")[0]))[0] == 401
        event = (await browser.json("/api/events"))[0]
        assert (event["kind"], event["sensor"], event["rule"]) == ("rule", "front_door", "Front door")
        page = (await browser.get(f"/events/{event['number']}"))[1]
        assert "sent to Phone (Anna)" in page
        assert "a picture of before</p>" in page, "what was done, in words"
        tests = [await browser.post(f"/settings/devices/{device[1]}/test") for _ in range(TESTS_PER_MINUTE)]
        assert (tests[0][0], tests[-1][0]) == (200, 422)
        assert "Wait a minute" in tests[-1][1]
        await gone(browser, service)
        await runner.cleanup()

    async def gone(browser: Browser, service: PushService) -> None:
        """A device with an ended subscription gets no more pushes, and its owner is notified."""
        service.status, before = 410, len(service.sent)
        await asyncio.sleep(1.2)
        client.publish(DOOR_TOPIC, '{"contact": true}')
        client.publish(DOOR_TOPIC, '{"contact": false}')
        await until(lambda: len(service.sent) > before, "another push")
        async with asyncio.timeout(DEADLINE_S):
            while "gets nothing any more" not in (await browser.get("/settings/devices"))[1]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    with (
        RunningNode(tmp_path, broker.port, mjpeg_server=served),
        RunningConsole(tmp_path / "console", broker.port, hosts, rules=[rule]) as console,
    ):
        console.visit(visit)


class Ntfy:
    """Minimal ntfy server: stores messages, responds as set by the test."""

    def __init__(self) -> None:
        self._socket = reserved_port()
        self.address = f"ntfy://127.0.0.1:{port_of(self._socket)}/house"
        self.published: list[tuple[dict[str, str], bytes]] = []
        self.status = 200

    async def start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", "/{topic:.*}", self._take)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.SockSite(runner, self._socket).start()
        return runner

    async def _take(self, request: web.Request) -> web.Response:
        self.published.append(({**request.headers, **request.query}, await request.read()))
        return web.json_response({} if self.status == 200 else {"error": "the disk is full"}, status=self.status)


@pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")
def test_another_channel_is_told_and_its_failure_is_shown_in_words(
    broker: Mosquitto, client: Client, tmp_path: Path
) -> None:
    pytest.importorskip("apprise", reason="the extra notify is not installed")
    ntfy = Ntfy()
    rule = {
        "when": {"camera": "porch", "event": "motion_started"},
        "do": [{"push": ["Anna"], "text": "There is motion"}],
        "again_after": 0,
    }

    async def visit(owner: Browser) -> None:
        runner = await ntfy.start()
        notice = Notice("Door", "Porch", "https://house.example/events/1", JPEG)
        assert await NotifySender().send(ntfy.address, notice) == Outcome("sent")
        assert any(body == JPEG for _, body in ntfy.published)
        assert "https://house.example/events/1" in repr(ntfy.published)
        await owner.until("/api/nodes", lambda body: body["nodes"], "the node")
        account = re.search(r'<option value="([^"]+)">Anna</option>', (await owner.get("/settings/devices"))[1])
        assert account is not None
        form = {"url": ntfy.address, "account": account[1], "label": "Pocket"}
        status, said = await owner.post("/settings/channels", {**form, "url": "dbus://"})
        assert (status, "none of the channels" in said) == (422, True)
        assert (await owner.post("/settings/channels", form))[0] == 201
        assert (await owner.post("/settings/channels", form))[0] == 422
        assert ntfy.address not in (await owner.get("/settings/devices"))[1], "it may hold a password"
        tell(client, "motion_started", "m1")
        assert "sent to Pocket (Anna)" in await shown(owner, "/events/1", "sent to")
        assert "There is motion" in repr(ntfy.published)
        ntfy.status = 507
        tell(client, "motion_started", "m2")
        page = await shown(owner, "/events/2", "507")
        assert re.search(r"waiting to be sent to Pocket \(Anna\) \(\d tries\): .*507", page)
        await runner.cleanup()

    announce(client)
    with RunningConsole(tmp_path / "console", broker.port, rules=[rule]) as console:
        console.visit(visit)


async def shown(browser: Browser, path: str, words: str) -> str:
    """Return a page as soon as these words are on it."""
    page = ""
    async with asyncio.timeout(DEADLINE_S):
        while words not in page:
            await asyncio.sleep(0.1)
            page = (await browser.get(path))[1]
    return page


async def until(condition: Any, what: str, limit_s: float = DEADLINE_S) -> None:
    try:
        async with asyncio.timeout(limit_s):
            while not condition():  # noqa: ASYNC110 - plain to read
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"waited {limit_s:g} s for {what}") from None


def test_a_rule_made_by_clicking_is_in_force_and_in_the_file(console: RunningConsole, client: Client) -> None:
    announce(client)
    client.publish("homeassistant/binary_sensor/0x1/contact/config", json.dumps(DOOR), retain=True)
    before = console.config.read_text()

    async def visit(browser: Browser) -> None:
        await browser.until("/api/nodes", lambda body: body["nodes"], "the node")
        form = {
            "name": "Door",
            "when": "sensor:front_door",
            "becomes": "open",
            "action": "past",
            "at": "2",
            "cameras": "porch",
        }
        assert (await browser.post("/settings/rules", form))[0] == 200
        assert (
            "When Front door becomes open: picture 2 s before from Porch" in (await browser.get("/settings/rules"))[1]
        )
        await asyncio.sleep(CATCH_UP_S)  # what comes sooner after the connection may be of before it, and fires nothing
        client.publish(DOOR_TOPIC, '{"contact": true}')
        client.publish(DOOR_TOPIC, '{"contact": false}')
        await browser.until("/api/events", lambda body: body and body[0]["rule"] == "Door", "the rule to fire")
        assert (await browser.post("/settings/rules/0/remove", {"version": "1-other"}))[0] == 409
        more = [browser.post("/settings/rules", {**form, "name": f"Door {number}"}) for number in range(5)]
        assert [status for status, _ in await asyncio.gather(*more)] == [200] * 5
        names = {rule["name"] for rule in yaml.safe_load(console.config.read_text())["rules"]}
        assert names == {"Door", *(f"Door {number}" for number in range(5))}
        while found := re.search(r'name="version" value="([^"]+)"', (await browser.get("/settings/rules"))[1]):
            assert (await browser.post("/settings/rules/0/remove", {"version": found[1]}))[0] == 200

    console.visit(visit)
    assert console.config.read_text().replace("rules: []\n", "") == before
    assert "rules: []" in console.config.read_text()


def test_a_camera_of_its_own_machine_is_run_watched_over_and_ended(broker: Mosquitto, tmp_path: Path) -> None:
    cameras = [{"id": "gate", "source": "synthetic", "name": "Gate"}]
    with RunningConsole(tmp_path / "console", broker.port, cameras=cameras) as console:

        def children() -> list[psutil.Process]:
            alive = [one for one in psutil.Process(console.pid).children() if one.status() != psutil.STATUS_ZOMBIE]
            return [one for one in alive if "run" in one.cmdline()]

        async def visit(browser: Browser) -> None:
            is_there = "the camera"
            await browser.until("/api/nodes", lambda body: body["nodes"] and body["nodes"][0]["camera"], is_there)
            (first,) = children()
            first.kill()
            await until(lambda: children() and children()[0].pid != first.pid, "another one")
            await browser.until("/api/nodes", lambda body: body["nodes"][0]["camera"], is_there)
            assert "gate" in (await browser.get("/settings"))[1]

        console.visit(visit)
        (second,) = children()
        assert "node.gate" in console.log
        assert console.stop() == 0
        assert not second.is_running()
        assert (console.base_dir / "nodes" / "gate" / "config.yaml").is_file()
