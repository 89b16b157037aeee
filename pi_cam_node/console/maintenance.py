"""Maintenance: loads the stored state at start, follows nodes that connect, leave or are renamed, deletes old rows."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

from pi_cam_node.base.errors import NodeError
from pi_cam_node.console.context import ConsoleContext
from pi_cam_node.console.journal import Entry
from pi_cam_node.console.nodes.node import Node
from pi_cam_node.console.pictures.client import Unreachable
from pi_cam_node.console.push.pause import until_ms_in, words_of
from pi_cam_node.console.renames import Renames
from pi_cam_node.console.sensors import announced, by_hand
from pi_cam_node.console.store import audit, retention
from pi_cam_node.console.store import events as event_rows
from pi_cam_node.console.store import nodes as node_rows
from pi_cam_node.console.store import sensors as sensor_rows
from pi_cam_node.console.store.events import EventRow

_log = logging.getLogger(__name__)

HOUSEKEEPING_S, LOOK_S, MANY_WRITTEN = 3600.0, 60.0, 5000
# Nodes and sensors last heard within this time are restored at start.
RESTORED_MS = 7 * 86_400_000
# Events of a node that are compared with the database when the node comes online: per page, and the most pages while
# some are new.
RECONCILED, RECONCILED_PAGES = 200, 50
# A node that has just started is given time to open its camera first.
CONNECTED_AFTER_S = 5.0


class Maintenance:
    """Maintenance tasks. Thread: the loop's.

    Args:
        context: The console.
        sleep: Sleeps for some seconds; replaced in tests.
    """

    def __init__(self, context: ConsoleContext, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._context = context
        self._sleep = sleep
        # Boot id and address under which each node was last connected to.
        self._connected: dict[str, tuple[str, str]] = {}
        self._to_connect: set[str] = set()
        self._connecting = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        # Boot id under which the events of each node were last fetched.
        self._reconciled: dict[str, str] = {}
        self._renames = Renames(context.nodes, context.journal, sleep, self._start)
        context.nodes.on_change(self._node_changed)
        context.database.on_set_aside = lambda: self._start(self._rebuild())

    async def load(self) -> None:
        """Load the stored state.

        Raises:
            StoreUnavailable: It cannot be read.
        """
        context = self._context
        await context.accounts.load()
        context.mode = await context.database.read(audit.mode)
        context.pause.begin(until_ms_in(await context.database.read(lambda db: audit.last(db, "pushes"))))
        since_ms = context.now_ms() - RESTORED_MS
        kept = await context.database.read(node_rows.with_rows)
        for node, info, seen_ms in await context.database.read(lambda db: node_rows.seen_since(db, since_ms)):
            if context.dispatcher.topics.listens_to(node):
                context.nodes.restore(node, info, seen_ms, has_rows=node in kept)
        told = await context.database.read(lambda db: node_rows.seen_since(db, 0))
        self._renames.restore({node: info for node, info, _ in told})
        context.nodes.restore_removed(await context.database.read(node_rows.hidden))
        context.dispatcher.by_name.restore(await context.database.read(node_rows.ids))
        context.sensors.restore(await context.database.read(sensor_rows.last_states))
        context.sensors.restore_announced(await context.database.read(lambda db: announced.load(db, since_ms)))
        await by_hand.apply(context.sensors, context.database)

    async def run(self) -> None:
        """Run the periodic clean-up until cancelled."""
        while True:
            try:
                gone = 0
                while more := await self._context.database.run(lambda db: retention.expire(db, self._context.now_ms())):
                    gone += more
                if gone:
                    _log.info("%d rows were too old, or too many of one node or sensor, and are deleted", gone)
                await self._touch()
            except NodeError as error:
                _log.warning("old events could not be deleted: %s", error)
            await self._idle()

    async def _idle(self) -> None:
        """Wait for an hour, or until much was written."""
        journal, until_s = self._context.journal, HOUSEKEEPING_S
        before = journal.written
        while until_s > 0 and journal.written - before < MANY_WRITTEN:
            await self._sleep(LOOK_S)
            until_s -= LOOK_S

    # ------------------------------------------------------------ nodes

    def _node_changed(self, node: Node, part: str) -> None:
        context = self._context
        if part == "gone":
            if not context.nodes.is_removed(node.id):
                self._renames.gone(node.id)
            self._erase(node)
        elif part == "dropped":
            self._forget(node.id)
            context.journal.put(Entry(lambda db: node_rows.drop(db, node.id)))
        elif part == "info":
            self._note(node)
            self._renames.told(node)
        if part == "availability":
            seen_ms = node.last_seen_ms
            context.journal.put(Entry(lambda db: node_rows.touch(db, node.id, seen_ms)))
        if part in {"info", "availability"} and node.online:
            self._begin_reconciling(node)
            self._begin_connecting(node)
        if part not in {"frame", "telemetry", "config"}:
            context.changes.tell(f"node-{node.id}")
        if part in {"availability", "gone", "dropped"} or (part == "info" and node.online is not None):
            context.changes.tell("nodes")
        if part in {"state", "gone"} and node.is_private:
            context.changes.tell("events")

    async def _touch(self) -> None:
        """Note when nodes and sensors were last heard.

        Raises:
            StoreUnavailable: It is not kept.
        """
        seen = [(node.id, node.last_seen_ms) for node in self._context.nodes]
        heard, now_ms = self._context.sensors.heard(), self._context.now_ms()

        def touch(db: sqlite3.Connection) -> None:
            for node_id, seen_ms in seen:
                node_rows.touch(db, node_id, seen_ms)
            announced.touch(db, heard, now_ms)

        await self._context.database.run(touch)

    def _note(self, node: Node) -> None:
        name, info, now_ms = node.name, dict(node.info), self._context.now_ms()
        self._context.journal.put(Entry(lambda db: node_rows.put(db, node.id, name, info, now_ms)))

    def _erase(self, node: Node) -> None:
        """Delete all rows of a node that was erased, renamed or removed; a removal is stored."""
        context, is_removed, now_ms = self._context, self._context.nodes.is_removed(node.id), self._context.now_ms()

        def erase(db: sqlite3.Connection) -> None:
            node_rows.erase(db, node.id)
            if is_removed:
                node_rows.hide(db, node.id, now_ms)

        self._forget(node.id)
        context.journal.put(Entry(erase, lambda _kept: context.changes.tell("events")))
        why = "removed" if is_removed else "erased or renamed"
        _log.warning("node %s was %s; nothing is kept under this id", node.id, why)

    def _forget(self, node_id: str) -> None:
        """Drop what is remembered of a node: any client of the broker can make up more and more of them."""
        self._context.client.forget(node_id)
        self._renames.forget(node_id)
        for remembered in (self._connected, self._reconciled):
            remembered.pop(node_id, None)

    async def _rebuild(self) -> None:
        """Fill a new database, after the old one was damaged, from memory and from the nodes' lists."""
        context = self._context
        try:
            await context.accounts.keep_all()
        except NodeError as error:
            _log.warning("accounts could not be stored: %s", error)
        context.note("", "mode", context.mode)
        context.note("", "pushes", words_of(context.pause.until_ms))
        self._reconciled.clear()
        now_ms = context.now_ms()
        for removed in context.nodes.removed:
            context.journal.put(Entry(lambda db, removed=removed: node_rows.hide(db, removed, now_ms)))  # type: ignore[misc]
        for node in context.nodes:
            self._note(node)
            if node.online:
                self._begin_reconciling(node)
        for part in ("events", "health"):
            context.changes.tell(part)

    def _begin_reconciling(self, node: Node) -> None:
        if "events" not in node.commands or self._reconciled.get(node.id) == node.boot:
            return
        self._reconciled[node.id] = node.boot
        self._start(self._reconcile(node))

    def _begin_connecting(self, node: Node) -> None:
        if node.url and node.id not in self._to_connect and self._connected.get(node.id) != (node.boot, node.url):
            self._to_connect.add(node.id)
            self._start(self._connect(node))

    async def _connect(self, node: Node) -> None:
        """Fetch a node's ticket and wake its HTTP server, before a browser waits for the first picture.

        A node imports its HTTP server at the first request, which takes seconds on a small board.
        """
        try:
            while self._connected.get(node.id) != (node.boot, node.url):
                await self._sleep(CONNECTED_AFTER_S)
                if self._context.nodes.get(node.id) is not node:
                    return
                self._connected[node.id] = (node.boot, node.url)
                async with self._connecting:  # one after the other: all nodes may have come at once
                    await self._context.client.check(node)
        except Unreachable as error:
            _log.debug("%s cannot be reached: %s", node.id, error)
        finally:
            self._to_connect.discard(node.id)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reconcile(self, node: Node) -> None:
        """Store events from the node's list that the console missed."""
        arguments = dict[str, object](limit=RECONCILED)
        try:
            for _ in range(RECONCILED_PAGES):
                reply = await self._context.requests.ask(node.id, "events", arguments)
                rows, more = listed_rows(node.id, reply.get("data"))
                news = await self._context.database.run(lambda db, rows=rows: _put_all(db, rows))  # type: ignore[misc]
                if rows:
                    self._context.nodes.note_rows(node.id)
                if news:
                    self._context.changes.tell("events")
                if not (news and more):
                    return
                arguments = {"limit": RECONCILED, "before": rows[-1].id}
            _log.warning("%s has more events than are fetched at once", node.id)
        except NodeError as error:
            _log.info("the events of %s could not be compared: %s", node.id, error)
            self._reconciled.pop(node.id, None)


def _put_all(db: sqlite3.Connection, rows: Sequence[EventRow]) -> int:
    """Store rows; return how many are new."""
    return sum(is_new for _, is_new in (event_rows.put(db, row) for row in rows))


def listed_rows(node: str, data: object) -> tuple[list[EventRow], bool]:
    """Return the events in a node's reply to ``events``, and whether the node has older ones."""
    body: Mapping[str, Any] = data if isinstance(data, Mapping) else {}
    told = body.get("events")
    found = (listed_row(node, one) for one in (told if isinstance(told, list) else ()))
    rows = [row for row in found if row is not None]
    return rows, bool(rows) and body.get("more") is True


def listed_row(node: str, told: object) -> EventRow | None:
    """Return one event of a node's reply as a row; ``None`` if it is malformed."""
    head = event_rows.head_of(told)
    if head is None:
        return None
    name, at_ms, body = head
    picture = body.get("picture_id")
    return EventRow(
        node,
        name,
        at_ms,
        str(body.get("kind") or "record")[:32],
        node,
        media=str(picture)[:200] if picture else None,
        data={key: body[key] for key in ("ended_at", "zones", "cause", "recording_id", "ended_by") if key in body},
    )
