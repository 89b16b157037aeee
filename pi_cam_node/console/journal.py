"""Journal: queued writes to the database, many in one transaction, each acknowledged when stored."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import field

from pi_cam_node.base.frozen import frozen
from pi_cam_node.console.store.database import Database, StoreUnavailable

_log = logging.getLogger(__name__)

ENTRIES_WAITING_MAX = 2000
# Lasting entries that wait for a database that cannot be written, and how often they are tried again.
LASTING_MAX, RETRY_S = 16, 30.0


@frozen
class Entry:
    """A queued write.

    Attributes:
        write: Writes it.
        written: Called once it is on disk (true) or has failed (false). Thread: the loop's.
        is_lasting: Whether it waits until the database can be written again, since its value must outlast a restart.
    """

    write: Callable[[sqlite3.Connection], object]
    written: Callable[[bool], None] = field(default=lambda _kept: None)
    is_lasting: bool = False


class Journal:
    """Queue of writes to the database. Thread: the loop's.

    Attributes:
        dropped: Entries dropped because the queue was full: the disk was too slow.
        written: Entries written since the start.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[Entry] = []
        self._news = asyncio.Event()
        self.dropped = self.written = 0
        self._not_kept = 0

    def put(self, entry: Entry) -> None:
        """Queue an entry; dropped and counted if the queue is full."""
        if len(self._waiting) >= ENTRIES_WAITING_MAX:
            self.dropped += 1
            entry.written(False)
            return
        self._waiting.append(entry)
        self._news.set()

    async def run(self) -> None:
        """Write queued entries until cancelled."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), RETRY_S if self._waiting else None)
            self._news.clear()
            await self.flush()

    async def flush(self) -> None:
        """Write every queued entry in one transaction; if that fails, each by itself."""
        batch, self._waiting = self._waiting, []
        if not batch:
            return
        try:
            await self._database.run(lambda db: _write(db, batch))
        except StoreUnavailable as error:
            self._give_up(batch, error)
        except Exception:
            _log.exception("a batch cannot be written; its entries are tried one by one")
            for entry in batch:
                await self._alone(entry)
        else:
            if self._not_kept:
                _log.warning("%d entries were not kept while the database could not be written", self._not_kept)
            self._not_kept = 0
            self.written += len(batch)
            for entry in batch:
                entry.written(True)

    def _give_up(self, batch: Sequence[Entry], error: StoreUnavailable) -> None:
        """Drop a batch that cannot be written, but for the newest lasting entries."""
        lasting = [entry for entry in batch if entry.is_lasting][-LASTING_MAX:]
        dropped = [entry for entry in batch if entry not in lasting]
        self._waiting[:0] = lasting
        if dropped and not self._not_kept:  # said once, and their number at the end: there may be one a second for days
            _log.warning("entries are not kept: %s", error)
        self._not_kept += len(dropped)
        for entry in dropped:
            entry.written(False)

    async def _alone(self, entry: Entry) -> None:
        try:
            await self._database.run(entry.write)
        except Exception:
            _log.exception("an entry cannot be written")
            entry.written(False)
        else:
            entry.written(True)


def _write(db: sqlite3.Connection, batch: Sequence[Entry]) -> None:
    for entry in batch:
        entry.write(db)
