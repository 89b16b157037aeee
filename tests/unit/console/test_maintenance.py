"""What the console does and remembers for each node: connections in advance, events, former ids."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pi_cam_node.console.context import ConsoleContext
from pi_cam_node.console.journal import Entry, Journal
from pi_cam_node.console.maintenance import CONNECTED_AFTER_S, Maintenance
from pi_cam_node.console.nodes.node import Node
from pi_cam_node.console.nodes.registry import SILENT_S, Nodes
from pi_cam_node.console.pictures.client import Unreachable
from pi_cam_node.console.sensors.registry import Sensors
from pi_cam_node.console.store import events as event_rows
from pi_cam_node.console.store.database import Database
from pi_cam_node.console.store.nodes import NODES_MAX
from tests.support.fakes.clock import FakeClock


class Client:
    """Notes the nodes that are asked for; the one called ``away`` does not answer."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.together = 0
        self.known: set[str] = set()
        self._now = 0

    async def check(self, node: Node) -> None:
        self._now += 1
        self.known.add(node.id)
        self.together = max(self.together, self._now)
        await asyncio.sleep(0)
        self._now -= 1
        self.asked.append((node.id, node.boot))
        if node.id == "away":
            raise Unreachable("nothing listens there")

    def forget(self, node_id: str) -> None:
        self.known.discard(node_id)


class Listing:
    """The broker's side of nodes that list events: pages of 200, newest first."""

    def __init__(self, count: int) -> None:
        at = datetime(2026, 11, 20, 19, 45, tzinfo=UTC)
        self.events = [
            {"id": f"e{number}", "at": (at - timedelta(seconds=number)).isoformat(), "kind": "motion"}
            for number in range(count)
        ]
        self.asked: list[object] = []

    async def ask(self, _node: str, verb: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        assert verb == "events"
        self.asked.append(arguments.get("before"))
        ids = [one["id"] for one in self.events]
        begin = ids.index(arguments["before"]) + 1 if "before" in arguments else 0
        page = self.events[begin : begin + arguments["limit"]]
        return {"ok": True, "data": {"events": page, "more": begin + len(page) < len(ids)}}


def test_a_node_is_asked_for_older_events_as_long_as_those_are_new(tmp_path: Path) -> None:
    listing, nothing = Listing(500), SimpleNamespace(tell=lambda _part: None, put=lambda _entry: None)

    async def run() -> list[int]:
        database, nodes = Database(tmp_path, FakeClock()), Nodes(FakeClock())
        database.open()
        context = SimpleNamespace(
            nodes=nodes, changes=nothing, journal=nothing, database=database, requests=listing, now_ms=lambda: 0
        )
        maintenance, counts = Maintenance(cast("ConsoleContext", context)), []
        for boot in ("b1", "b2"):
            info = {"boot": boot, "commands": ["events"]}
            nodes.apply("porch", "info", json.dumps(info).encode(), retained=True)
            nodes.apply("porch", "availability", b"online", retained=True)
            await asyncio.gather(*maintenance._tasks)
            counts.append(await database.read(lambda db: db.execute("SELECT count(*) FROM event").fetchone()[0]))
        database.close()
        return counts

    assert asyncio.run(run()) == [500, 500]
    assert listing.asked == [None, "e199", "e399", None]


def test_each_run_of_a_node_is_connected_to_once_and_one_after_the_other() -> None:
    client, waits = Client(), list[float]()

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    def tell(nodes: Nodes, node: str, **info: Any) -> None:
        nodes.apply(node, "info", json.dumps(info).encode(), retained=True)
        nodes.apply(node, "availability", b"online", retained=True)

    async def run() -> None:
        nodes = Nodes(FakeClock())
        nothing = SimpleNamespace(tell=lambda _part: None, put=lambda _entry: None)
        context = SimpleNamespace(
            nodes=nodes, client=client, changes=nothing, journal=nothing, database=SimpleNamespace(), now_ms=lambda: 0
        )
        maintenance = Maintenance(cast("ConsoleContext", context), sleep)
        tell(nodes, "away", boot="b1", url="http://192.0.2.1:8080")
        tell(nodes, "porch", boot="b1", url="http://192.0.2.2:8080")
        tell(nodes, "porch", boot="b1", url="http://192.0.2.2:8080", name="Porch")
        tell(nodes, "mute", boot="b1")
        await asyncio.gather(*maintenance._tasks)
        tell(nodes, "porch", boot="b2", url="http://192.0.2.2:8080")
        await asyncio.gather(*maintenance._tasks)
        for number in range(100):  # nor does a node that tells a new address all the time cost more than one wait
            tell(nodes, "porch", boot="b3", url=f"http://192.0.2.2:{8000 + number}")
        assert len(maintenance._tasks) == 1
        await asyncio.gather(*maintenance._tasks)
        nodes.apply("porch", "availability", b"", retained=False)
        tell(nodes, "porch", boot="b2", url="http://192.0.2.2:8080")
        await asyncio.gather(*maintenance._tasks)

    asyncio.run(run())
    assert client.asked == [("away", "b1"), ("porch", "b1"), ("porch", "b2"), ("porch", "b3"), ("porch", "b2")]
    assert client.together == 1
    assert waits == [CONNECTED_AFTER_S] * 5


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_node_takes_the_rows_of_a_former_id_once_though_it_tells_it_at_each_start(
    tmp_path: Path, is_restarted: bool
) -> None:
    """Another camera may have that id by then."""

    async def run() -> list[tuple[str, str]]:
        database = Database(tmp_path, FakeClock())
        database.open()

        def begun() -> tuple[Nodes, Journal, Maintenance]:
            nodes, journal = Nodes(FakeClock()), Journal(database)
            context = SimpleNamespace(
                nodes=nodes, journal=journal, database=database, changes=SimpleNamespace(tell=lambda _part: None),
                now_ms=lambda: 5, accounts=SimpleNamespace(load=sleep_not), pause=SimpleNamespace(begin=print),
                dispatcher=SimpleNamespace(
                    by_name=SimpleNamespace(restore=list), topics=SimpleNamespace(listens_to=lambda _node: True)
                ),
                sensors=Sensors("ha", "base"), client=Client(),
            )  # fmt: skip
            return nodes, journal, Maintenance(cast("ConsoleContext", context))

        async def sleep_not() -> None:
            return

        async def happens(nodes: Nodes, journal: Journal, node: str, event: str, **info: object) -> None:
            nodes.apply(node, "info", json.dumps(info).encode(), retained=True)
            row = event_rows.EventRow(node, event, 1, "motion", node)
            journal.put(Entry(lambda db: event_rows.put(db, row)))
            await journal.flush()

        nodes, journal, _ = begun()
        await happens(nodes, journal, "porch", "e1", boot="b1")
        await happens(nodes, journal, "door", "e2", boot="b2", formerly=["porch", "BAD", 7])
        await happens(nodes, journal, "porch", "e3", boot="b3")
        if is_restarted:
            nodes, journal, maintenance = begun()
            await maintenance.load()
        await happens(nodes, journal, "door", "e4", boot="b4", formerly=["porch"])
        found = await database.read(lambda db: db.execute("SELECT id, node FROM event ORDER BY id").fetchall())
        database.close()
        return found

    assert asyncio.run(run()) == [("e1", "door"), ("e2", "door"), ("e3", "porch"), ("e4", "door")]


def test_nodes_that_made_room_for_others_are_not_remembered(tmp_path: Path) -> None:
    """Whoever may write below the base topic makes up as many as there is time for."""
    client, clock = Client(), FakeClock()

    async def no_wait(_seconds: float) -> None:
        return

    async def run() -> None:
        database, nodes = Database(tmp_path, FakeClock()), Nodes(clock)
        database.open()
        journal = Journal(database)
        context = SimpleNamespace(
            nodes=nodes, client=client, journal=journal, database=database, requests=Listing(0),
            changes=SimpleNamespace(tell=lambda _part: None), now_ms=lambda: 5,
        )  # fmt: skip
        maintenance = Maintenance(cast("ConsoleContext", context), no_wait)
        for number in range(3 * NODES_MAX):
            if number % NODES_MAX == 0:
                clock.advance(SILENT_S + 1)
            info = {"boot": "b", "url": "http://192.0.2.1", "commands": ["events"], "formerly": [f"old{number}"]}
            nodes.apply(f"junk{number}", "availability", b"online", retained=False)
            nodes.apply(f"junk{number}", "info", json.dumps(info).encode(), retained=False)
            await asyncio.gather(*maintenance._tasks)
        await journal.flush()
        known = {node.id for node in nodes}
        assert len(known) == NODES_MAX
        for remembered in (client.known, maintenance._connected, maintenance._reconciled, maintenance._former):
            assert set(remembered) == known
        assert {row[0] for row in await database.read(lambda db: db.execute("SELECT id FROM node").fetchall())} == known
        database.close()

    asyncio.run(run())
