"""The node's database: events, films, and messages that wait for the broker.

**Use by the recorder:** take `pi_cam_node.core.ports.EventStore`. Save the whole row of an event when it begins and
again when it ends (``save_event``), likewise of a film (``save_recording``: ``open`` before its first byte, then
``closed``). Neither blocks nor fails; ``flush`` waits until it is on disk. At start ask ``recordings("open")``: those
were cut off, so repair the file and save the row as ``repaired``, or as ``lost``. Write ``EventRow.facts()`` as
``event`` into the side-car of the film: what is lost with a damaged database is read from there.

One thread writes (`pi_cam_node.storage.events.writer`); readers have connections of their own.
"""

from __future__ import annotations

import itertools
import logging
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeVar

from pi_cam_node.base.clock import Clock
from pi_cam_node.core.history import EventRow, Page, Query, RecordingRow, RecordingState, Waiting
from pi_cam_node.core.recent_events import RecentEvents
from pi_cam_node.storage.events import rows, schema
from pi_cam_node.storage.events.writer import DatabaseWriter, Key, Known

_log = logging.getLogger(__name__)

# How long a reader waits for rows that were saved just before.
READ_FLUSH_S = 1.0
# How long an acknowledged message may stay stored, to be dropped together with other writes. A kill in that time tells
# it once more.
SENT_WITHIN_S = 1.0

Found = TypeVar("Found")


class EventDatabase:
    """Implements `pi_cam_node.core.ports.EventStore` and `Outbox`; without a place for a file, in memory.

    Attributes:
        loop: The thread that writes.
    """

    def __init__(
        self,
        path: Path | None,
        clock: Clock,
        known: Known = lambda: (),
        restore: Callable[[Sequence[Waiting]], None] = lambda _messages: None,
    ) -> None:
        """Open nothing yet; see `DatabaseWriter` for the arguments.

        Args:
            path: See there.
            clock: See there.
            known: See there.
            restore: Takes the messages of an earlier run, oldest first, once they are read. Thread: the writer's.
        """
        self._clock = clock
        self._recent = RecentEvents()
        self._numbers = itertools.count(1)
        self._rows: OrderedDict[object, int] = OrderedDict()
        self._restore = restore
        self._writer = DatabaseWriter(path, clock, known, self._begin_run, self._note_written)
        self.loop = self._writer.loop

    def start(self) -> None:
        """Start the thread. Once."""
        self.loop.start()

    def stop(self, deadline_s: float) -> None:
        """Write what waits, and close the file."""
        self._writer.stop(deadline_s)

    def forget(self) -> list[Path]:
        """Write nothing any more; return the files, to be removed by the caller."""
        return self._writer.forget()

    def flush(self, deadline_s: float) -> bool:
        """Wait until what was saved so far is on disk; return whether it is."""
        return self._writer.flush(deadline_s)

    # ------------------------------------------------------------ writing

    def save_event(self, row: EventRow) -> None:
        """Store an event that began, changed or ended."""
        self._recent.save_event(row)
        self._writer.put(("event", row.id), partial(rows.save_event, row=row))

    def save_recording(self, row: RecordingRow) -> None:
        """Store a film that was begun, closed or repaired."""
        self._recent.save_recording(row)
        self._writer.put(("recording", row.id), partial(rows.save_recording, row=row))

    def forget_recording(self, recording_id: str) -> None:
        """Drop the row of a film whose file is gone."""
        self._recent.forget_recording(recording_id)
        self._writer.put(("recording", recording_id), partial(rows.forget_recording, recording_id=recording_id))

    def put(self, topic: str, body: bytes) -> int:
        """Store a message that waits for the broker; return its number in this run, which is less than 0."""
        at, number = self._clock.utcnow(), -next(self._numbers)

        def save(connection: sqlite3.Connection) -> None:
            self._rows[number] = rows.save_waiting(connection, at, topic, body)
            if len(self._rows) > 2 * rows.OUTBOX_MAX:
                self._rows.popitem(last=False)

        self._writer.put(("outbox", number), save)
        return number

    def sent(self, numbers: Sequence[int]) -> None:
        """Drop messages that the broker has acknowledged, of this run or an earlier one."""
        for number in numbers:
            if not self._writer.cancel(("outbox", number)):  # the usual one is on disk before its acknowledgement comes
                # Beside a save under way and not in its place: where that is rolled back its row number is another's.
                self._writer.put(("sent", number), partial(self._forget, number=number), within_s=SENT_WITHIN_S)

    def _begin_run(self, connection: sqlite3.Connection) -> None:
        """Bring the rows of an earlier run up to date, and tell its messages that wait."""
        connection.execute("BEGIN IMMEDIATE")
        rows.end_interrupted(connection)
        rows.find_lost(connection)
        connection.execute("COMMIT")
        self._restore(rows.waiting(connection))

    def _note_written(self, keys: Iterable[Key]) -> None:
        """Drop the numbers of messages that are gone for good; before that, a write that fails is tried again."""
        for kind, number in keys:
            if kind == "sent":
                self._rows.pop(number, None)

    def _forget(self, connection: sqlite3.Connection, number: int) -> None:
        row = self._rows.get(number) if number < 0 else number
        if row is not None:
            rows.forget_waiting(connection, row)

    # ------------------------------------------------------------ reading

    def events(self, query: Query) -> Page[EventRow]:
        """Return events; those of this run from memory where the database cannot be read.

        Raises:
            LookupError: ``before`` is an id that no event has.
        """
        return self._read(lambda connection: rows.events(connection, query), lambda: self._recent.events(query))

    def recordings(self, *states: RecordingState) -> Sequence[RecordingRow]:
        """Return films in these states, oldest first."""
        return self._read(
            lambda connection: rows.recordings(connection, states), lambda: list(self._recent.recordings(*states))
        )

    def waiting(self) -> Sequence[Waiting]:
        """Return messages that wait for the broker, oldest first."""
        nothing: list[Waiting] = []
        return self._read(rows.waiting, lambda: nothing)

    def _read(self, ask: Callable[[sqlite3.Connection], Found], otherwise: Callable[[], Found]) -> Found:
        path = self._writer.path
        if path is None or not path.exists():
            return otherwise()
        self.flush(READ_FLUSH_S)
        try:
            with closing(schema.open_reader(path)) as connection:
                return ask(connection)
        except sqlite3.Error as error:
            _log.warning("%s cannot be read: %s", path, error)
            return otherwise()
