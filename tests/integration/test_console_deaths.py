"""Failures of the console's environment: broker, node, disk, internet."""

from __future__ import annotations

import asyncio
import json
import resource
import sqlite3
import time
from collections.abc import Awaitable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")
pytest.importorskip("cryptography", reason="the extra console is not installed")

from aiohttp import ClientWebSocketResponse, WSMsgType
from cryptography.hazmat.primitives.asymmetric import ec

from pi_cam_node.console.message_dispatcher import UNHEARD_S
from pi_cam_node.console.push.encryption import encoded, public_bytes
from tests.support.bars import bar
from tests.support.broker import Client, Mosquitto, free_port, wait_until
from tests.support.console_tour import PAGES, announce
from tests.support.running_console import DEADLINE_S, Browser, RunningConsole
from tests.support.running_node import RunningNode
from tests.support.web_push import PushService

RULE = {
    "when": {"camera": "porch", "event": "motion_started"},
    "do": [{"push": ["Anna"], "text": "There is motion"}],
    "again_after": 0,
}


def move(client: Client, name: str, node: str = "porch") -> None:
    at = datetime.now(UTC).isoformat()
    body = f'{{"event_type": "motion_started", "id": "{name}", "at": "{at}", "began_at": "{at}"}}'
    client.publish(f"pi_cam_node/{node}/event/motion_started", body)


def has_stored(console: RunningConsole, sensors: int, nodes: int) -> bool:
    """Tell whether the database has so many sensors and nodes: pages show what changed before it is committed."""
    with closing(sqlite3.connect(f"file:{console.base_dir}/console.db?mode=ro", uri=True)) as db:
        counted = db.execute("SELECT (SELECT count(*) FROM sensor), (SELECT count(*) FROM node)").fetchone()
    return bool(counted == (sensors, nodes))


async def picture_of(socket: ClientWebSocketResponse, camera: str) -> None:
    """Wait for the next picture of a camera."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            message = await socket.receive()
            assert message.type in {WSMsgType.BINARY, WSMsgType.TEXT}, "the live view was closed"
            if message.type is WSMsgType.BINARY and message.data[1 : 1 + message.data[0]] == camera.encode():
                return


async def while_watching(socket: ClientWebSocketResponse, work: Awaitable[object]) -> None:
    """Wait for something and take what the live view sends: it is closed for a browser that answers no ping."""
    waiting = asyncio.ensure_future(work)
    while not waiting.done():
        with suppress(TimeoutError):
            await socket.receive(timeout=0.5)
    await waiting


async def longest_pause_s(socket: ClientWebSocketResponse, camera: str, over_s: float) -> float:
    """Return the longest wait for a picture of a camera within some seconds."""
    end_s, last_s, longest_s = time.monotonic() + over_s, time.monotonic(), 0.0
    while time.monotonic() < end_s:
        await picture_of(socket, camera)
        longest_s, last_s = max(longest_s, time.monotonic() - last_s), time.monotonic()
    return longest_s


async def subscribe(owner: Browser, service: PushService) -> None:
    phone = ec.generate_private_key(ec.SECP256R1())
    keys = {"p256dh": encoded(public_bytes(phone)), "auth": encoded(b"0123456789abcdef")}
    told = {"endpoint": f"http://127.0.0.1:{service.port}/wpush/phone", "keys": keys, "label": "Phone"}
    assert (await owner.post_json("/api/push/subscribe", told))[0] == 201


async def page_says(owner: Browser, path: str, words: str) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while words not in (await owner.get(path))[1]:  # noqa: ASYNC110 - it is another process that changes
            await asyncio.sleep(0.05)


@contextmanager
def nodes(folder: Path, port: int) -> Iterator[dict[str, RunningNode]]:
    with ExitStack() as stack:
        made = {}
        for name in ("porch", "hall"):
            (folder / name).mkdir()
            served = {"enable": True, "port": free_port(), "fps": 5}
            node = RunningNode(folder / name, port, node={"id": name}, mjpeg_server=served)
            made[name] = stack.enter_context(node)
        yield made


def test_live_pictures_go_on_without_the_broker_and_one_node_dies_alone(broker: Mosquitto, tmp_path: Path) -> None:
    async def visit(owner: Browser) -> None:
        await owner.until("/api/nodes", lambda body: sum(n["camera"] or 0 for n in body["nodes"]) == 2, "two cameras")
        async with owner.session.ws_connect("/live", max_msg_size=0) as socket:
            await socket.send_json({"cameras": {name: {"fps": 5, "width": 160} for name in made}})
            for name in made:
                await picture_of(socket, name)
            broker.kill()
            await owner.until("/api/nodes", lambda body: not body["broker"], "the loss of the broker")
            assert await longest_pause_s(socket, "hall", 3.0) < bar(1.0)
            for path in PAGES:
                assert (await owner.get(path))[0] == 200, path
            broker.start()
            await while_watching(socket, asyncio.to_thread(wait_for_nodes))
            await while_watching(socket, owner.until("/api/nodes", lambda body: body["broker"], "the broker again"))
            made["porch"].process.kill()
            made["porch"].process.wait()
            assert await longest_pause_s(socket, "hall", 3.0) < bar(1.0), "the other one is not held up"
            is_gone = owner.until(
                "/api/nodes", lambda body: [n["online"] for n in body["nodes"]] == [True, False], "it"
            )
            await while_watching(socket, is_gone)
            assert "Offline" in (await owner.get("/parts/tile/porch"))[1]
            assert "disabled>Take picture" in (await owner.get("/parts/tile/porch"))[1]
            assert "disabled>Take picture" not in (await owner.get("/parts/tile/hall"))[1]
            made["porch"].start()
            await picture_of(socket, "porch")

    def wait_for_nodes() -> None:
        """Wait until both nodes are there again: this broker has forgotten them."""
        with broker.client() as client:
            client.subscribe("pi_cam_node/#")
            for name in made:
                topic = f"pi_cam_node/{name}/availability"
                wait_until(lambda t=topic: client.latest(t) == b"online", topic)  # type: ignore[misc]

    with nodes(tmp_path, broker.port) as made, RunningConsole(tmp_path / "console", broker.port) as console:
        console.visit(visit)


def test_a_node_that_stood_still_is_offline_and_live_again_as_soon_as_it_goes_on(
    broker: Mosquitto, tmp_path: Path
) -> None:
    async def visit(owner: Browser) -> None:
        def is_online(online: bool) -> Awaitable[Any]:
            return owner.until("/api/nodes", lambda body: [n["online"] for n in body["nodes"]] == [online], "porch")

        await is_online(True)
        async with owner.session.ws_connect("/live", max_msg_size=0) as socket:
            await socket.send_json({"cameras": {"porch": {"fps": 5, "width": 160}}})
            await picture_of(socket, "porch")
            own = psutil.Process(node.process.pid)
            family = [own, *own.children(recursive=True)]
            for process in family:
                process.suspend()
            await while_watching(socket, is_online(False))
            for process in family:
                process.resume()
            await while_watching(socket, is_online(True))
            began_s = time.monotonic()
            await picture_of(socket, "porch")
            assert time.monotonic() - began_s < bar(10.0)

    served = {"enable": True, "port": free_port(), "fps": 5}
    with (
        RunningNode(tmp_path, broker.port, mjpeg_server=served, mqtt={"keepalive_s": 5}) as node,
        RunningConsole(tmp_path / "console", broker.port) as console,
    ):
        console.visit(visit)


def test_a_node_that_died_while_the_broker_was_away_is_offline_then(broker: Mosquitto, tmp_path: Path) -> None:
    """This broker loses everything, including the node's last will."""

    async def visit(owner: Browser) -> None:
        def is_online(body: dict[str, Any]) -> list[bool]:
            return [node["online"] for node in body["nodes"]]

        await owner.until("/api/nodes", lambda body: is_online(body) == [True, True], "both nodes")
        broker.kill()
        await owner.until("/api/nodes", lambda body: not body["broker"], "the loss")
        broker.start()
        with broker.client() as client:
            announce(client, "hall")
            await owner.until("/api/nodes", lambda body: is_online(body) == [True, False], "porch", 2 * UNHEARD_S)
            announce(client, "porch")
            await owner.until("/api/nodes", lambda body: is_online(body) == [True, True], "its return")

    with broker.client() as client:
        for name in ("hall", "porch"):
            announce(client, name)
        with RunningConsole(tmp_path / "console", broker.port) as console:
            console.visit(visit)


DOOR_TOPIC = "homeassistant/binary_sensor/door/config"
DOOR = {"state_topic": "door/state", "device_class": "door", "unique_id": "door", "name": "Back door"}


def test_a_console_that_starts_at_a_broker_that_forgot_everything_knows_nodes_and_sensors(
    broker: Mosquitto, tmp_path: Path
) -> None:
    def online(body: dict[str, Any]) -> dict[str, bool]:
        return {node["id"]: node["online"] for node in body["nodes"]}

    async def before(owner: Browser) -> None:
        with broker.client() as client:
            for name in ("hall", "porch"):
                announce(client, name)
            client.publish(DOOR_TOPIC, json.dumps(DOOR), retain=True)
            client.publish("door/state", "ON", retain=True)
            await owner.until("/api/nodes", lambda body: online(body) == {"hall": True, "porch": True}, "both")
            await page_says(owner, "/parts/sensors", "Back door")
            client.publish("pi_cam_node/porch/availability", "offline", retain=True)
            await owner.until("/api/nodes", lambda body: online(body) == {"hall": True, "porch": False}, "one")

    async def after(owner: Browser) -> None:
        assert online(await owner.json("/api/nodes")) == {"hall": False, "porch": False}
        tile = (await owner.get("/parts/tile/porch"))[1]
        assert "Offline" in tile
        assert f'last heard <time datetime="{datetime.now(UTC):%Y-%m-}' in tile
        assert "Porch" in (await owner.get("/"))[1]
        await page_says(owner, "/sensors", "Back door")
        with broker.client() as client:
            announce(client, "hall")
            await owner.until("/api/nodes", lambda body: online(body) == {"hall": True, "porch": False}, "one back")
            client.publish("door/state", "OFF")
            await page_says(owner, "/sensors/door", "closed")
            client.publish("pi_cam_node/porch/availability", "", retain=True)
            began_s = time.monotonic()
            await owner.until("/api/nodes", lambda body: online(body) == {"hall": True}, "the erased one to go")
            assert time.monotonic() - began_s < bar(1.0)
            client.publish(DOOR_TOPIC, "", retain=True)
            await page_says(owner, "/sensors", "No sensors yet")

    async def in_the_end(owner: Browser) -> None:
        assert online(await owner.json("/api/nodes")) == {"hall": False}
        assert "No sensors yet" in (await owner.get("/sensors"))[1]

    with RunningConsole(tmp_path / "console", broker.port) as console:
        console.visit(before)
        wait_until(lambda: has_stored(console, sensors=1, nodes=2), "all to be stored")
        for visit in (after, in_the_end):
            console.kill()
            broker.kill()
            broker.start()
            console.start()
            console.visit(visit)
            wait_until(lambda: has_stored(console, sensors=0, nodes=1), "what went to be forgotten")


def test_without_room_on_the_disk_live_view_pages_and_rules_go_on(broker: Mosquitto, tmp_path: Path) -> None:
    """The system refuses every byte of a file beyond its first page, as a full disk would."""

    async def visit(owner: Browser) -> None:
        await owner.until("/api/nodes", lambda body: body["nodes"], "the node")
        process = psutil.Process(console.pid)
        _, hard = process.rlimit(resource.RLIMIT_FSIZE)
        process.rlimit(resource.RLIMIT_FSIZE, (4096, hard))
        move(client, "m1")
        await page_says(owner, "/", "The database cannot be used")
        for path in PAGES:
            assert (await owner.get(path))[0] == 200, path
        async with owner.session.ws_connect("/live") as socket:
            await socket.send_json({"cameras": {"porch": {"fps": 5, "width": 0}}})
            await picture_of(socket, "porch")
        async with Browser(console) as another:
            status, said = await another.post("/login", {"name": "Anna", "password": "correct horse"})
            assert (status, "database cannot be used" in said) == (503, True), "no new sessions, in words"
        assert (await owner.get("/healthz"))[0] == 503
        assert "rule:" in console.log
        process.rlimit(resource.RLIMIT_FSIZE, (hard, hard))
        move(client, "m2")
        await owner.until("/api/events", lambda told: any(one["id"] == "m2" for one in told), "the next event")
        assert "cannot be used" not in (await owner.get("/"))[1]
        assert (await owner.get("/healthz"))[0] == 200

    with broker.client() as client:
        announce(client, "porch")
        with RunningConsole(tmp_path / "console", broker.port, rules=[RULE]) as console:
            console.visit(visit)


def test_a_push_waits_for_the_internet_and_says_so(broker: Mosquitto, tmp_path: Path) -> None:
    service = PushService()  # its port is open, but there are no responses
    hosts = {"PI_CAM_NODE_CONSOLE_PUSH_HOSTS": f"127.0.0.1:{service.port}"}

    async def visit(owner: Browser) -> None:
        await owner.until("/api/nodes", lambda body: body["nodes"], "the node")
        await subscribe(owner, service)
        move(client, "m1")
        await owner.until("/api/events", lambda told: told, "the event")
        await page_says(owner, "/events/1", "is waiting to be sent to Phone (Anna)")
        runner = await service.start()
        await page_says(owner, "/events/1", ">sent to Phone (Anna)")
        assert len(service.sent) == 1
        await runner.cleanup()

    with broker.client() as client:
        announce(client, "porch")
        with RunningConsole(tmp_path / "console", broker.port, hosts, rules=[RULE]) as console:
            console.visit(visit)
