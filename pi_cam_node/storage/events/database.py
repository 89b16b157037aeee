"""The node's database: events, films, and messages that wait for the broker.

**Use by the recorder** (`pi_cam_node.core.ports.EventStore`): save the whole row of an event when it begins and when it
ends (``save_event``), likewise of a film (``save_recording``: ``open`` before its first byte, then ``closed``). Neither
blocks nor fails; ``flush`` waits until rows are on disk. At start ``recordings("open")`` returns interrupted films:
repair the file and save the row as ``repaired``, or as ``lost``. ``EventRow.facts()`` is stored as ``event`` in the
film's side-car, from which a damaged database is rebuilt.

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
from pi_cam_node.base.database_check import is_damage
from pi_cam_node.core.history import EventRow, Page, Query, RecordingRow, RecordingState, Waiting
from pi_cam_node.core.recent_events import RecentEvents
from pi_cam_node.storage.events import rows, schema
from pi_cam_node.storage.events.writer import DatabaseWriter, Key, Known

_log = logging.getLogger(__name__)

# How long a reader waits for pending rows.
READ_FLUSH_S = 1.0
# How long the deletion of an acknowledged message may be delayed, to share a transaction. If the process is killed
# before, the message is sent again.
SENT_WITHIN_S = 1.0

Found = TypeVar("Found")


class EventDatabase:
    """Implements `pi_cam_node.core.ports.EventStore` and `Outbox`; in memory if there is no path for a file.

    Attributes:
        loop: The thread that writes.
    """

    def __init__(
        self,
        path: Path | None,
        clock: Clock,
        known: Known = lambda: (),
        restore: Callable[[Sequence[Waiting]], None] = lambda _messages: None,
        on_trouble: Callable[[str], object] = lambda _words: None,
    ) -> None:
        """Create the database without opening a file; see `DatabaseWriter` for the arguments.

        Args:
            path: See `DatabaseWriter`.
            clock: See `DatabaseWriter`.
            known: See `DatabaseWriter`.
            restore: Called with the messages of an earlier run, oldest first. Thread: the writer's.
            on_trouble: See `DatabaseWriter`.
        """
        self._clock = clock
        self._recent = RecentEvents()
        self._numbers = itertools.count(1)
        self._rows: OrderedDict[object, int] = OrderedDict()
        self._restore = restore
        self._known, self._has_begun = known, False
        self._writer = DatabaseWriter(
            path, clock, self._all_known, self._begin_run, self._note_written, on_trouble=on_trouble
        )
        self.loop = self._writer.loop

    def start(self) -> None:
        """Start the thread. Once."""
        self.loop.start()

    def stop(self, deadline_s: float) -> None:
        """Write pending rows, and close the file."""
        self._writer.stop(deadline_s)

    def forget(self) -> list[Path]:
        """Stop writing; return the files, to be removed by the caller."""
        return self._writer.forget()

    def flush(self, deadline_s: float) -> bool:
        """Wait until all saved rows are on disk; return whether they are."""
        return self._writer.flush(deadline_s)

    # ------------------------------------------------------------ writing

    def save_event(self, row: EventRow) -> None:
        """Store the row of an event."""
        self._recent.save_event(row)
        self._writer.put(("event", row.id), partial(rows.save_event, row=row))

    def save_recording(self, row: RecordingRow) -> None:
        """Store the row of a film."""
        self._recent.save_recording(row)
        self._writer.put(("recording", row.id), partial(rows.save_recording, row=row))

    def forget_recording(self, recording_id: str) -> None:
        """Delete the row of a film whose file is gone."""
        self._recent.forget_recording(recording_id)
        self._writer.put(("recording", recording_id), partial(rows.forget_recording, recording_id=recording_id))

    def put(self, topic: str, body: bytes) -> int:
        """Store a pending message for the broker; return its number in this run, which is negative."""
        at, number = self._clock.utcnow(), -next(self._numbers)

        def save(connection: sqlite3.Connection) -> None:
            self._rows[number] = rows.save_waiting(connection, at, topic, body)
            if len(self._rows) > 2 * rows.OUTBOX_MAX:
                self._rows.popitem(last=False)

        self._writer.put(("outbox", number), save)
        return number

    def sent(self, numbers: Sequence[int]) -> None:
        """Delete messages that the broker has acknowledged, of this run or an earlier one."""
        for number in numbers:
            if not self._writer.cancel(("outbox", number)):  # usually it is on disk before its acknowledgement
                # With its own key, so that it does not replace a running save: if that is rolled back, its row number
                # is reused.
                self._writer.put(("sent", number), partial(self._forget, number=number), within_s=SENT_WITHIN_S)

    def _all_known(self) -> Iterable[EventRow | RecordingRow]:
        """Yield the rows for a new file: the newest of this run, and those known from other sources."""
        self._rows.clear()  # numbers of messages in another file
        recent = {row.id: row for row in self._recent.all()} if self._has_begun else {}  # else all of them wait
        yield from recent.values()
        yield from (row for row in self._known() if row.id not in recent)

    def _begin_run(self, connection: sqlite3.Connection) -> None:
        """Update rows of an earlier run, and restore its pending messages."""
        connection.execute("BEGIN IMMEDIATE")
        rows.end_interrupted(connection)
        rows.find_lost(connection)
        connection.execute("COMMIT")
        self._has_begun = True
        self._restore(rows.waiting(connection))

    def _note_written(self, keys: Iterable[Key]) -> None:
        """Drop the numbers of messages whose deletion is on disk; until then a failed write is retried."""
        for kind, number in keys:
            if kind == "sent":
                self._rows.pop(number, None)

    def _forget(self, connection: sqlite3.Connection, number: int) -> None:
        row = self._rows.get(number) if number < 0 else number
        if row is not None:
            rows.forget_waiting(connection, row)

    # ------------------------------------------------------------ reading

    def events(self, query: Query) -> Page[EventRow]:
        """Return events; only those of this run, from memory, if the database cannot be read.

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
        """Return pending messages for the broker, oldest first."""
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
            if is_damage(error):
                self._writer.file = None
            return otherwise()
