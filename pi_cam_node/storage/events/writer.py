"""Writer thread of the database: all pending writes in one transaction, retried until it is on disk.

Pending rows are kept in memory, one for each key, so that a hung or full disk blocks no caller; their number is
limited.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.database_check import is_damage
from pi_cam_node.base.file_system import may_exist, network_file_system
from pi_cam_node.base.threads import MonitoredThread
from pi_cam_node.core.history import EventRow, RecordingRow
from pi_cam_node.storage.events import rows, schema

_log = logging.getLogger(__name__)

# Greatest number of pending rows, and rows in one transaction: 20 wear the flash little more than one. After so many
# written rows, the oldest beyond the limits are deleted.
PENDING_MAX, BATCH, PRUNE_EVERY = 1000, 20, 1000
RETRY_S = 5.0
# Failed writes in a row after which a file counts as damaged, as the check of a large one is incomplete.
DAMAGES = 2

Key = tuple[str, object]
Write = Callable[[sqlite3.Connection], None]
Known = Callable[[], Iterable[EventRow | RecordingRow]]


class DatabaseWriter:
    """Only writer of one database file.

    Attributes:
        loop: The writer thread.
        trouble: Why nothing is written; empty if writing works.
        file: Identity of the open file; ``None``: the next write opens it again, and checks it. Thread: any.
    """

    def __init__(
        self,
        path: Path | None,
        clock: Clock,
        known: Known,
        on_open: Callable[[sqlite3.Connection], None],
        on_written: Callable[[Iterable[Key]], None],
        *,
        on_trouble: Callable[[str], object],
    ) -> None:
        """Create the writer without opening the file.

        Args:
            path: The file; ``None``: do not write.
            clock: The clocks.
            known: Returns rows known from other sources, for a damaged or new database. Thread: the writer's.
            on_open: Called once, when the file is first opened. Thread: the writer's.
            on_written: Called with the keys of rows that are on disk. Thread: the writer's.
            on_trouble: Called with each change of `trouble` in words. Thread: the writer's, or that of the caller.
        """
        self._path, self._clock, self._known, self._on_written = path, clock, known, on_written
        self._on_trouble = on_trouble
        self._connection: sqlite3.Connection | None = None
        self.file: object = None
        self._on_open: Callable[[sqlite3.Connection], None] | None = on_open
        self._pending: OrderedDict[Key, Write] = OrderedDict()
        self._writing: dict[Key, Write] = {}
        self._due_s = float("inf")
        self._damages = self._unpruned = 0  # writes in a row that failed by damage; rows written since the last pruning
        self._changed, self._stopping = threading.Condition(), False
        self.loop = MonitoredThread("events", self._run, clock, before_restart=self._forget_connection)
        self.trouble = ""
        if path is not None and (kind := network_file_system(path.parent)):
            self._give_up(
                f"{path.parent} is on a network file system ({kind}): keep settings and state on a local disk"
            )

    @property
    def path(self) -> Path | None:
        """The file; ``None`` if nothing is written. Thread: any."""
        return self._path

    def stop(self, deadline_s: float) -> None:
        """Write what waits, and close the file."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if not self.loop.join(deadline_s):
            _log.warning(
                "the database was not closed in %.1f s; %d rows are not written", deadline_s, len(self._pending)
            )

    def forget(self) -> list[Path]:
        """Write nothing any more; return the files, to be removed by the caller."""
        with self._changed:
            path, self._path = self._path, None
            self._pending.clear()
            self._changed.notify_all()
        return [] if path is None else schema.files_of(path)

    def put(self, key: Key, write: Write, *, within_s: float = 0.0) -> None:
        """Queue a write; it replaces a pending write of the same key. Never blocks. Thread: any.

        Args:
            key: Key of the row.
            write: Executes the SQL statements.
            within_s: Greatest delay, to share a transaction with other writes.
        """
        with self._changed:
            if self._path is None or self._stopping:
                return
            self._pending.pop(key, None)
            self._pending[key] = write
            if len(self._pending) > PENDING_MAX:
                self._pending.popitem(last=False)
                _log.error("the database is too slow: the oldest pending row is lost")
            self._due_s = min(self._due_s, self._clock.monotonic() + within_s)
            self._changed.notify_all()

    def cancel(self, key: Key) -> bool:
        """Drop a pending write; return whether it was still pending, so that nothing is on disk. Thread: any."""
        with self._changed:
            return key not in self._writing and self._pending.pop(key, None) is not None

    def flush(self, deadline_s: float) -> bool:
        """Wait until what was saved so far is on disk; return whether it is."""
        end_s = self._clock.monotonic() + deadline_s
        with self._changed:
            wanted = dict(self._pending)

            def is_written() -> bool:
                return not any(self._pending.get(key) is write for key, write in wanted.items())

            if self._path is None:
                return False
            self._due_s = float("-inf") if wanted else self._due_s
            self._changed.notify_all()
            return self._changed.wait_for(is_written, max(0.0, end_s - self._clock.monotonic()))

    def _run(self) -> None:
        self._check()
        while True:
            batch, path = self._next_batch()
            if not batch:
                self._close()
                return
            is_written = path is not None and self._tried(partial(self._write, batch, path))
            self._batch_ended(batch, is_written=is_written)
            if not is_written and self._wait_to_retry():
                return

    def _next_batch(self) -> tuple[dict[Key, Write], Path | None]:
        """Wait until writes are due; return them (none: the thread is to end), and the file."""
        with self._changed:
            self.loop.pause()
            while not (self._stopping or (self._pending and self._clock.monotonic() >= self._due_s)):
                self._changed.wait(max(0.0, self._due_s - self._clock.monotonic()) if self._pending else None)
            self._writing = dict(list(self._pending.items())[:BATCH])
            return self._writing, self._path

    def _batch_ended(self, batch: dict[Key, Write], *, is_written: bool) -> None:
        if is_written:
            self._on_written(batch)
        with self._changed:
            self._writing = {}
            for key, write in batch.items() if is_written else ():
                if self._pending.get(key) is write:
                    del self._pending[key]
            self._due_s = self._due_s if self._pending else float("inf")
            self._changed.notify_all()

    def _check(self) -> None:
        """Check an existing file for damage at start; a new one is created with the first write."""
        path = self._path
        if path is not None and may_exist(path):
            self._tried(lambda: self._opened(path))

    def _tried(self, work: Callable[[], object]) -> bool:
        """Run a database operation; return whether it succeeded."""
        self.loop.beat(schema.BUSY_TIMEOUT_S)
        try:
            work()
        except (sqlite3.Error, OSError) as error:
            self._on_failure(error)
            return False
        self._damages = 0
        if self.trouble and self._path is not None:
            _log.warning("the database is written again")
            self.trouble = ""
            self._on_trouble("")
        return True

    def _wait_to_retry(self) -> bool:
        """Wait before a retry; return whether the thread is to end instead."""
        with self._changed:
            self.loop.pause()
            self._changed.wait_for(lambda: self._stopping or self._path is None, RETRY_S)
            return self._stopping

    def _write(self, batch: dict[Key, Write], path: Path) -> None:
        """Write rows in one transaction, which is on disk on return."""
        connection = self._opened(path)
        if connection is None:
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            for write in batch.values():
                write(connection)
            self._unpruned += len(batch)
            if self._unpruned >= PRUNE_EVERY:
                rows.prune(connection)
                self._unpruned = 0
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _opened(self, path: Path) -> sqlite3.Connection | None:
        """Return the connection, opening it if needed; ``None`` if the file must not be used."""
        if self._connection is not None and schema.identity_of(path) != self.file:
            _log.error("the database was deleted, replaced or damaged while the node ran: it is opened again")
            self._close()
        if self._connection is None:
            is_new = schema.is_empty(path)
            try:
                connection = schema.open_writer(path, "" if self._damages < DAMAGES else self.trouble)
            except schema.NewerDatabaseError as error:
                self._give_up(str(error))
                return None
            except schema.DamagedDatabaseError as error:
                aside, is_new = schema.set_aside(path), True
                _log.error("the database was damaged (%s): kept as %s, rebuilt from the side-cars", error, aside)
                connection = schema.open_writer(path)
            try:
                if is_new:
                    self._fill(connection)
                rows.prune(connection)
                if self._on_open is not None:
                    self._on_open(connection)
                    self._on_open = None
            except BaseException:
                connection.close()
                if is_new:
                    schema.remove(path)  # so that the next attempt fills it
                raise
            self._connection, self.file = connection, schema.identity_of(path)
        return self._connection

    def _fill(self, connection: sqlite3.Connection) -> None:
        """Fill a new database from the side-cars of films; it stays empty if these cannot be read."""
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
            self._on_trouble(f"events are not written: {error}")
        self.trouble = str(error)
        if isinstance(error, sqlite3.Error) and is_damage(error):
            self._close()  # the next opening detects the damage, or counts another failure
            self._damages += 1

    def _give_up(self, why: str) -> None:
        _log.error("events are kept in memory only: %s", why)
        self.trouble = why
        self._on_trouble(f"events are kept in memory only: {why}")
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
        """Drop the connection of a dead thread without closing it. Thread: the watchdog."""
        self._connection, self._writing = None, {}
