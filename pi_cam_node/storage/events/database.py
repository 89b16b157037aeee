"""The node's database: events, films, and messages that wait for the broker.

**For whoever records:** take `pi_cam_node.core.ports.EventStore`. Save the whole row of an event when it begins and
again when it ends (``save_event``), likewise of a film (``save_recording``: ``open`` before its first byte, then
``closed``). Neither blocks nor fails; ``flush`` waits until it is on disk. At start ask ``recordings("open")``: those
were cut off, so repair the file and save the row as ``repaired``, or as ``lost``. Write ``EventRow.facts()`` as
``event`` into the side-car of the film: what is lost with a damaged database is read from there.

One thread writes. Rows wait for it in memory, one for each id, so that a disk that hangs or is full costs nobody time
and bounded memory; they are tried again until they are written. Readers have connections of their own.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeVar

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.threads import MonitoredThread
from pi_cam_node.core.history import EventRow, Page, Query, RecordingRow, RecordingState, Waiting
from pi_cam_node.core.recent_events import RecentEvents
from pi_cam_node.storage.events import rows, schema
from pi_cam_node.storage.events.file_system import network_file_system

_log = logging.getLogger(__name__)

# Rows that wait for the disk at most, and how many go into one transaction: 20 cost little more flash than one.
PENDING_MAX, BATCH = 1000, 20
RETRY_S = 5.0
# How long a reader waits for rows that were saved just before.
READ_FLUSH_S = 1.0

Write = Callable[[sqlite3.Connection], None]
Found = TypeVar("Found")


class EventDatabase:
    """Implements `pi_cam_node.core.ports.EventStore` and `Outbox`; without a place for a file, in memory.

    Attributes:
        loop: The thread that writes.
        trouble: Why nothing is written; empty where all is well.
    """

    def __init__(
        self,
        path: Path | None,
        clock: Clock,
        known: Callable[[], Iterable[EventRow | RecordingRow]] = lambda: (),
    ) -> None:
        """Open nothing yet.

        Args:
            path: The file; ``None`` where there is no place for one.
            clock: The clocks.
            known: Returns what is known without the database, for one that is damaged or new. Thread: the writer.
        """
        self._path, self._clock, self._known = path, clock, known
        self._recent = RecentEvents()
        self._connection: sqlite3.Connection | None = None
        self._pending: OrderedDict[tuple[str, object], Write] = OrderedDict()
        self._changed = threading.Condition()
        self._numbers = 0
        self._stopping = False
        self.loop = MonitoredThread("events", self._run, clock, before_restart=self._forget_connection)
        self.trouble = ""
        if path is not None and (kind := network_file_system(path.parent)):
            self._give_up(f"{path.parent} is on a network file system ({kind})")

    def start(self) -> None:
        """Start the thread. Once."""
        self.loop.start()

    def stop(self, deadline_s: float) -> None:
        """Write what waits, and close the file."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if not self.loop.join(deadline_s):
            _log.warning("the database was not closed within %.1f s; %d rows wait", deadline_s, len(self._pending))

    def forget(self) -> list[Path]:
        """Write nothing any more, and return the files, for whoever removes them."""
        with self._changed:
            path, self._path = self._path, None
            self._pending.clear()
            self._changed.notify_all()
        return [] if path is None else schema.files_of(path)

    # ------------------------------------------------------------ writing

    def save_event(self, row: EventRow) -> None:
        """Take in an event that began, changed or ended."""
        self._recent.save_event(row)
        self._put(("event", row.id), partial(rows.save_event, row=row))

    def save_recording(self, row: RecordingRow) -> None:
        """Take in a film that was begun, closed or repaired."""
        self._recent.save_recording(row)
        self._put(("recording", row.id), partial(rows.save_recording, row=row))

    def forget_recording(self, recording_id: str) -> None:
        """Drop the row of a film whose file is gone."""
        self._recent.forget_recording(recording_id)
        self._put(("recording", recording_id), partial(rows.forget_recording, recording_id=recording_id))

    def put(self, topic: str, body: bytes) -> None:
        """Take in a message that waits for the broker."""
        at = self._clock.utcnow()
        self._put(("outbox", self._number()), partial(rows.save_waiting, at=at, topic=topic, body=body))

    def sent(self, numbers: Sequence[int]) -> None:
        """Drop messages that the broker has acknowledged."""
        self._put(("sent", self._number()), partial(rows.forget_waiting, numbers=tuple(numbers)))

    def flush(self, deadline_s: float) -> bool:
        """Wait until what was saved so far is on disk; return whether it is."""
        end_s = self._clock.monotonic() + deadline_s
        with self._changed:
            wanted = dict(self._pending)

            def is_written() -> bool:
                return not any(self._pending.get(key) is write for key, write in wanted.items())

            if self._path is None:
                return False
            return self._changed.wait_for(is_written, max(0.0, end_s - self._clock.monotonic()))

    def _number(self) -> int:
        with self._changed:
            self._numbers += 1
            return self._numbers

    def _put(self, key: tuple[str, object], write: Write) -> None:
        with self._changed:
            if self._path is None or self._stopping:
                return
            self._pending.pop(key, None)
            self._pending[key] = write
            if len(self._pending) > PENDING_MAX:
                self._pending.popitem(last=False)
                _log.error("the database does not keep up: the oldest row that waits is lost")
            self._changed.notify_all()

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
        path = self._path
        if path is None or not path.exists():
            return otherwise()
        self.flush(READ_FLUSH_S)
        try:
            with closing(schema.open_reader(path)) as connection:
                return ask(connection)
        except sqlite3.Error as error:
            _log.warning("%s cannot be read: %s", path, error)
            return otherwise()

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        self._check()
        while True:
            with self._changed:
                self.loop.rest()
                self._changed.wait_for(lambda: self._pending or self._stopping)
                batch, path = dict(list(self._pending.items())[:BATCH]), self._path
            if not batch:
                self._close()
                return
            if path is not None and self._tried(partial(self._write, batch, path)):
                with self._changed:
                    for key, write in batch.items():
                        if self._pending.get(key) is write:
                            del self._pending[key]
                    self._changed.notify_all()
            elif self._wait_to_retry():
                return

    def _check(self) -> None:
        """Look at a file that is there already, so that damage is found at start; a new one is made when need be."""
        path = self._path
        if path is not None and path.exists():
            self._tried(lambda: self._opened(path))

    def _tried(self, work: Callable[[], object]) -> bool:
        """Do something with the file; return whether it went well."""
        self.loop.beat(schema.BUSY_TIMEOUT_S)
        try:
            work()
        except (sqlite3.Error, OSError) as error:
            self._on_failure(error)
            return False
        if self.trouble and self._path is not None:
            _log.warning("the database is written again")
            self.trouble = ""
        return True

    def _wait_to_retry(self) -> bool:
        """Wait for a while; return whether the thread shall end instead."""
        with self._changed:
            self.loop.rest()
            self._changed.wait_for(lambda: self._stopping or self._path is None, RETRY_S)
            if self._path is None:
                self._pending.clear()
            return self._stopping

    def _write(self, batch: dict[tuple[str, object], Write], path: Path) -> None:
        """Write rows in one transaction; they are on disk when this returns, or none of them is there."""
        connection = self._opened(path)
        if connection is None:
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            for write in batch.values():
                write(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _opened(self, path: Path) -> sqlite3.Connection | None:
        """Return the connection; ``None`` where there must be none."""
        if self._connection is None:
            is_new = schema.is_empty(path)
            try:
                connection = schema.open_writer(path)
            except schema.NewerDatabaseError as error:
                self._give_up(str(error))
                return None
            except schema.DamagedDatabaseError as error:
                aside, is_new = schema.set_aside(path), True
                _log.error("the database was damaged (%s): kept as %s, made anew from the side-cars", error, aside)
                connection = schema.open_writer(path)
            try:
                if is_new:
                    self._fill(connection)
                rows.prune(connection)
            except BaseException:
                connection.close()
                if is_new:
                    schema.remove(path)  # so that it is filled at the next attempt
                raise
            self._connection = connection
        return self._connection

    def _fill(self, connection: sqlite3.Connection) -> None:
        """Put into a new database what is known without it; where that cannot be read it begins empty."""
        connection.execute("BEGIN IMMEDIATE")
        try:
            for row in self._known():
                self.loop.beat()
                if isinstance(row, EventRow):
                    rows.save_event(connection, row)
                else:
                    rows.save_recording(connection, row)
        except OSError as error:
            _log.warning("events of earlier films are not listed: %s", error)
        connection.execute("COMMIT")

    def _on_failure(self, error: sqlite3.Error | OSError) -> None:
        if str(error) != self.trouble:
            _log.error("events are not written: %s; trying again every %.0f s", error, RETRY_S)
        self.trouble = str(error)
        if isinstance(error, sqlite3.Error) and schema.is_damage(error):
            self._close()  # the next opening finds the damage, and puts the file aside

    def _give_up(self, why: str) -> None:
        _log.error("events are kept in memory only: %s", why)
        self.trouble = why
        with self._changed:
            self._path = None
            self._pending.clear()
            self._changed.notify_all()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            _log.debug("the database is not checkpointed: %s", error)
        connection.close()

    def _forget_connection(self) -> None:
        """Leave the connection to the thread that died with it. Thread: the watchdog."""
        self._connection = None
