"""A damaged database of the console is set aside and rebuilt from nodes, while all pages work."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")
pytest.importorskip("cryptography", reason="the extra console is not installed")

from tests.support.broker import Client, Mosquitto, wait_until
from tests.support.console_tour import PAGES
from tests.support.running_console import Browser, RunningConsole
from tests.support.running_node import RunningNode

NODES, EVENTS_EACH = ("porch", "hall"), 2
PAGE_BYTES = 4096


def damage(console: RunningConsole, *names: str) -> None:
    """Overwrite the root pages of tables and indexes, in the file and, by a checkpoint before, not in its log."""
    file = console.base_dir / "console.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        asked = f"SELECT rootpage FROM sqlite_master WHERE name IN ({','.join('?' * len(names))})"
        pages = [page for (page,) in db.execute(asked, names)]
    assert len(pages) == len(names)
    with file.open("r+b") as raw:
        for page in pages:
            raw.seek((page - 1) * PAGE_BYTES)
            raw.write(b"\xff" * PAGE_BYTES)


def make_events(client: Client, count: int) -> None:
    """Trigger each node until it has this many events; a trigger during an event would only prolong it."""
    for node in NODES:
        camera = f"pi_cam_node/{node}/camera/availability"
        wait_until(lambda t=camera: client.latest(t) == b"online", camera)  # type: ignore[misc]
        while len(events_of(client, node)) < count:
            before = len(events_of(client, node))
            client.publish(f"pi_cam_node/{node}/cmd/trigger", '{"name": "bell", "seconds": 1}')
            with suppress(AssertionError):  # the last event went on
                wait_until(lambda n=node, b=before: len(events_of(client, n)) > b, "another event", 2.0)  # type: ignore[misc]
            time.sleep(1.5)


def events_of(client: Client, node: str) -> set[str]:
    """Return the ids of the events published by a node."""
    topic = f"pi_cam_node/{node}/event/triggered"
    with client._changed:
        return {json.loads(message.payload)["id"] for message in client.received if message.topic == topic}


def of_nodes(told: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return sorted((event["node"], event["id"]) for event in told if event["kind"] == "trigger")


@pytest.mark.parametrize("while_running", [False, True], ids=["at the start", "while it runs"])
def test_it_is_rebuilt_from_two_nodes(broker: Mosquitto, tmp_path: Path, *, while_running: bool) -> None:
    nodes = []
    for name in NODES:
        (tmp_path / name).mkdir()
        nodes.append(RunningNode(tmp_path / name, broker.port, node={"id": name}))
    wanted = len(NODES) * EVENTS_EACH

    async def visit(owner: Browser) -> None:
        path = "/api/events?kind=trigger&limit=200"
        before = of_nodes(await owner.until(path, lambda told: len(told) == wanted, "the events"))
        assert (await owner.post("/mode", {"mode": "away"}))[0] == 200
        if not while_running:
            assert console.stop() == 0
        damage(console, "event", "event_at", "event_camera", "event_camera_kind", "event_kind")
        if not while_running:
            console.start()
        for page in PAGES:  # the first that reads an event meets the damage
            assert (await owner.get(page))[0] == 200, page
        assert of_nodes(await owner.until(path, lambda told: len(told) == wanted, "the events again")) == before
        assert "set aside" in (await owner.get("/settings"))[1]
        assert '"true">Away' in (await owner.get("/parts/mode"))[1], "what people made is taken over"
        assert "cannot be used" not in (await owner.get("/parts/health"))[1]
        await asyncio.to_thread(make_events, client, 2 * EVENTS_EACH)
        more = await owner.until(path, lambda told: len(told) == 2 * wanted, "those that came since")
        assert len(set(of_nodes(more))) == 2 * wanted

    with nodes[0], nodes[1], broker.client() as client:
        client.subscribe("pi_cam_node/#")
        with RunningConsole(tmp_path / "console", broker.port) as console:
            make_events(client, EVENTS_EACH)
            console.visit(visit)
            assert len(list(console.base_dir.glob("console.db.damaged-*[0-9]"))) == 1
            if while_running:
                assert console.stop() == 0
                console.start()
                told = console.visit(lambda owner: owner.json("/api/events?kind=trigger&limit=200"))
                assert len(of_nodes(told)) == 2 * wanted
