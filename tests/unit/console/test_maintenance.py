"""What the console does and remembers for each node: connections in advance, events, former ids."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
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


class House:
    """Maintenance with a database; waits of renames end when `wait_is_over` is set.

    Args:
        database: An open database.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.nodes, self.journal = Nodes(FakeClock()), Journal(database)
        self.wait_is_over = asyncio.Event()
        self.wait_is_over.set()
        context = SimpleNamespace(
            nodes=self.nodes, journal=self.journal, database=database, changes=SimpleNamespace(tell=lambda _part: None),
            now_ms=lambda: 5, accounts=SimpleNamespace(load=self._nothing), pause=SimpleNamespace(begin=print),
            dispatcher=SimpleNamespace(
                by_name=SimpleNamespace(restore=list), topics=SimpleNamespace(listens_to=lambda _node: True)
            ),
            sensors=Sensors("ha", "base"), client=Client(),
        )  # fmt: skip
        self.maintenance = Maintenance(cast("ConsoleContext", context), self._sleep)

    async def _nothing(self) -> None:
        return

    async def _sleep(self, _seconds: float) -> None:
        await self.wait_is_over.wait()

    async def says(self, node: str, part: str, payload: str, *, retained: bool = True) -> None:
        """Deliver a message of a node."""
        self.nodes.apply(node, part, payload.encode(), retained=retained)
        for _ in range(9):
            await asyncio.sleep(0)
        await self.journal.flush()

    async def happens(self, node: str, event: str, **info: object) -> None:
        """Deliver the ``info`` of a node, then store an event of it."""
        await self.says(node, "info", json.dumps(info))
        row = event_rows.EventRow(node, event, 1, "motion", node)
        self.journal.put(Entry(lambda db: event_rows.put(db, row)))
        await self.journal.flush()

    async def events(self) -> list[tuple[str, str]]:
        """Return id and node of every stored event."""
        return await self.database.read(lambda db: db.execute("SELECT id, node FROM event ORDER BY id").fetchall())


def in_a_house(tmp_path: Path, run: Callable[[House], Awaitable[list[tuple[str, str]]]]) -> list[tuple[str, str]]:
    """Return what a function returns that is called with a house."""

    async def begun() -> list[tuple[str, str]]:
        database = Database(tmp_path, FakeClock())
        database.open()
        try:
            return await run(House(database))
        finally:
            database.close()

    return asyncio.run(begun())


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_node_takes_the_rows_of_a_former_id_once_though_it_tells_it_at_each_start(
    tmp_path: Path, is_restarted: bool
) -> None:
    """Another camera may have that id by then."""

    async def run(house: House) -> list[tuple[str, str]]:
        await house.happens("porch", "e1", boot="b1")
        await house.happens("door", "e2", boot="b2", formerly=["porch", "BAD", 7])
        await house.happens("porch", "e3", boot="b3")
        if is_restarted:
            house = House(house.database)
            await house.maintenance.load()
        await house.happens("door", "e4", boot="b4", formerly=["porch"])
        return await house.events()

    assert in_a_house(tmp_path, run) == [("e1", "door"), ("e2", "door"), ("e3", "porch"), ("e4", "door")]


@pytest.mark.parametrize("availability", ["online", "offline"])
@pytest.mark.parametrize("is_late", [False, True], ids=["", "its topics are emptied much later"])
def test_a_node_takes_no_rows_of_one_that_is_at_the_broker(tmp_path: Path, availability: str, is_late: bool) -> None:
    """Its own login suffices to claim the id of another node, and with its own topics it could delete the rows."""

    async def run(house: House) -> list[tuple[str, str]]:
        await house.happens("porch", "e1", boot="b1")
        await house.says("porch", "availability", availability)
        await house.happens("door", "e2", boot="b2", formerly=["porch"])
        if is_late:
            await house.says("porch", "availability", "", retained=False)
        return await house.events()

    assert in_a_house(tmp_path, run) == ([("e2", "door")] if is_late else [("e1", "porch"), ("e2", "door")])


def test_a_renamed_node_takes_its_rows_when_it_has_emptied_its_former_topics(tmp_path: Path) -> None:
    async def run(house: House) -> list[tuple[str, str]]:
        await house.happens("porch", "e1", boot="b1")
        await house.says("porch", "availability", "offline")
        house.wait_is_over.clear()
        await house.happens("door", "e2", boot="b2", formerly=["porch"])
        await house.says("porch", "availability", "", retained=False)
        house.wait_is_over.set()
        await house.says("door", "availability", "online")
        return await house.events()

    assert in_a_house(tmp_path, run) == [("e1", "door"), ("e2", "door")]


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
        for remembered in (
            client.known,
            maintenance._connected,
            maintenance._reconciled,
            maintenance._renames._settled,
        ):
            assert set(remembered) == known
        assert {row[0] for row in await database.read(lambda db: db.execute("SELECT id FROM node").fetchall())} == known
        database.close()

    asyncio.run(run())


@pytest.mark.parametrize(("written", "waits"), [(0, 60), (5000, 1), (1000, 5)])
def test_rows_are_counted_each_hour_or_when_many_were_written(written: int, waits: int) -> None:
    journal, waited = SimpleNamespace(written=0), list[float]()

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        journal.written += written

    async def read(_ask: object) -> int:
        if waited:
            raise asyncio.CancelledError
        return 0

    context = SimpleNamespace(
        nodes=Nodes(FakeClock()), journal=journal, database=SimpleNamespace(run=read),
        sensors=Sensors("ha", "base"), now_ms=lambda: 5,
    )  # fmt: skip
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(Maintenance(cast("ConsoleContext", context), sleep).run())
    assert waited == [60.0] * waits
