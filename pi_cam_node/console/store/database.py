"""Database file with one thread; a damaged file is set aside, and a full disk is reported and tolerated."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

from pi_cam_node.base.atomic_files import make_directory
from pi_cam_node.base.clock import Clock
from pi_cam_node.base.database_check import is_damage, quick_check, reason_of
from pi_cam_node.base.errors import ConfigError, NodeError
from pi_cam_node.base.file_system import network_file_system
from pi_cam_node.console.store import schema
from pi_cam_node.console.store.folder_lock import lock_folder
from pi_cam_node.console.store.salvage import salvage

_log = logging.getLogger(__name__)

Result = TypeVar("Result")
Work = Callable[[sqlite3.Connection], Result]

FILE_NAME = "console.db"
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000", "cache_size=-4096")
# Suffixes of the files of an SQLite database.
SUFFIXES = ("", "-wal", "-shm")
# Damaged files that are kept.
DAMAGED_KEPT = 3
# Least time between two attempts to replace a damaged file: each copies what can be read, and everything else waits.
REPLACE_EVERY_S = 30.0


class StoreUnavailable(NodeError, OSError):
    """The database can be neither read nor written now."""

    code = "not_saved"


class Database:
    """Database connection, and the thread that uses it.

    Args:
        folder: ``console.base_dir``.
        clock: Tells the time, for the names of files set aside.

    Attributes:
        trouble: Error of the last write; empty if it succeeded.
        was_damaged: Whether a damaged file was set aside since the start.
        on_set_aside: Called after an open database was set aside. Thread: the loop's.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.path = folder / FILE_NAME
        self._fresh = _beside(self.path, ".new")
        self._clock = clock
        self._pool = ThreadPoolExecutor(1, "console-db")
        self._db: sqlite3.Connection | None = None
        self._lock: int | None = None
        self.trouble = ""
        self.was_damaged = False
        self.on_set_aside: Callable[[], None] = lambda: None
        self._is_told = True
        self._is_closed = False
        self._logged = set[str]()  # since it last worked: the errors of a broken disk alternate
        self._replace_from_s = 0.0

    def open(self) -> None:
        """Open or create the file. Thread: the main thread before the loop runs, or the pool's.

        Raises:
            ConfigError: The file is on a network file system, or was written by a later version; or another console
                uses the folder.
            OSError: It can be neither opened nor created.
        """
        make_directory(self.path.parent)
        if kind := network_file_system(self.path.parent):
            where = f"{self.path.parent} is on a network file system ({kind}), which breaks the database"
            raise ConfigError([f"console.base_dir: {where}; expected a disk of this machine"])
        self._lock = lock_folder(self.path.parent)
        try:
            self._db = self._pool.submit(self._opened).result()
        except ValueError as error:
            self._unlock()
            raise ConfigError([str(error)]) from None
        except sqlite3.Error as error:
            self._unlock()
            raise OSError(f"{self.path}: {reason_of(error, self.path.parent)}") from error
        except OSError:
            self._unlock()
            raise

    async def run(self, work: Work[Result]) -> Result:
        """Run a function in one transaction, which is on disk on return.

        Raises:
            StoreUnavailable: The transaction failed.
        """
        return await self._in_pool(self._transact, work)

    async def read(self, work: Work[Result]) -> Result:
        """Run a query.

        Raises:
            StoreUnavailable: The database cannot be read.
        """
        return await self._in_pool(self._guarded, work)

    def close(self) -> None:
        """Finish running work and close the file."""
        if self._db is not None:
            self._pool.submit(self._close).result()
        self._pool.shutdown()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def _in_pool(self, function: Callable[[Work[Result]], Result], work: Work[Result]) -> Result:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, function, work)
        finally:
            if not self._is_told:
                self._is_told = True
                self.on_set_aside()

    # ------------------------------------------------------------ the pool's thread

    def _opened(self) -> sqlite3.Connection:
        if self._fresh.exists() and not self.path.exists():  # the power failed between two renames
            self._fresh.rename(self.path)
        try:
            return self._connected(self.path, check=True)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            return self._set_aside(error)

    def _connected(self, path: Path, *, check: bool) -> sqlite3.Connection:
        db = sqlite3.connect(path, isolation_level=None)
        try:
            schema.version_of(db)  # before anything is written into it
            path.chmod(0o600)
            for pragma in PRAGMAS:
                db.execute(f"PRAGMA {pragma}")
            if check:
                _check(db)
            schema.migrate(db, lambda version: self._copy(db, version))
        except BaseException:
            db.close()
            raise
        return db

    def _copy(self, db: sqlite3.Connection, version: int) -> None:
        """Copy the file of the old version before a migration."""
        target = self.path.with_name(f"{self.path.name}.v{version}")
        target.unlink(missing_ok=True)
        db.execute("VACUUM INTO ?", (str(target),))
        target.chmod(0o600)

    def _set_aside(self, error: Exception) -> sqlite3.Connection:
        """Create a new file; accounts and other user data are copied from the damaged one as far as possible.

        The damaged file stays in place until the new one is complete, so that an attempt on a full disk can be
        repeated.
        """
        aside = self.path.with_name(f"{self.path.name}.damaged-{self._clock.utcnow():%Y%m%dT%H%M%S}")
        self._log_once(f"the database is damaged ({error}); it is replaced by a new one")
        self._drop_fresh()
        try:
            with closing(self._connected(self._fresh, check=False)) as fresh:
                salvage(self.path, fresh)
        except BaseException:
            self._drop_fresh()  # it would use up the rest of the disk
            raise
        if self._db is not None:
            self._db.close()
            self._db = None
        # The main file last: `_opened` takes its absence as a sign that the new file is complete.
        for suffix in reversed(SUFFIXES):
            with suppress(FileNotFoundError):
                _beside(self.path, suffix).rename(_beside(aside, suffix))
        self._fresh.rename(self.path)
        _log.error("the damaged database is %s", aside)
        self.was_damaged = True
        self._drop_old_copies()
        return self._connected(self.path, check=False)

    def _drop_old_copies(self) -> None:
        """Delete all but the newest damaged files: a failing card produces many."""
        whole = sorted(self.path.parent.glob(f"{self.path.name}.damaged-*[0-9]"))
        for old in whole[:-DAMAGED_KEPT]:
            for suffix in SUFFIXES:
                _beside(old, suffix).unlink(missing_ok=True)

    def _drop_fresh(self) -> None:
        for suffix in SUFFIXES:
            _beside(self._fresh, suffix).unlink(missing_ok=True)

    def _transact(self, work: Work[Result]) -> Result:
        result = self._guarded(lambda db: _in_transaction(db, work))
        if self.trouble:
            _log.info("the database can be written again")
        self.trouble = ""
        self._logged.clear()
        return result

    def _guarded(self, work: Work[Result]) -> Result:
        """Run work and return its result; if the file is damaged, repeat it on a new one.

        Raises:
            StoreUnavailable: Neither attempt succeeded.
        """
        try:
            return work(self._live())
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            if not is_damage(error):
                raise self._failure(error) from error
            self._replace(error)
        try:
            return work(self._live())
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def _live(self) -> sqlite3.Connection:
        """Return the connection, opening it if the last attempt failed."""
        if self._is_closed:
            raise StoreUnavailable("the database is closed")
        if self._db is None:
            try:
                self._db = self._opened()
            except (sqlite3.Error, OSError, ValueError) as error:
                raise self._failure(error) from error
            self._is_told = False
        return self._db

    def _replace(self, error: Exception) -> None:
        """Replace the damaged file by a new one.

        Raises:
            StoreUnavailable: A new file cannot be created, or could not be a moment ago; the damaged one stays in use.
        """
        if self._clock.monotonic() < self._replace_from_s:
            raise StoreUnavailable(f"the database cannot be used: {self.trouble or error}") from error
        try:
            self._db = self._set_aside(error)
        except (sqlite3.Error, OSError) as again:
            self._replace_from_s = self._clock.monotonic() + REPLACE_EVERY_S
            raise self._failure(again) from again
        self.trouble = ""
        self._logged.clear()
        self._is_told = False

    def _failure(self, error: Exception) -> StoreUnavailable:
        self._log_once(f"the database cannot be used: {error}")
        self.trouble = str(error)
        return StoreUnavailable(f"the database cannot be used: {error}")

    def _log_once(self, text: str) -> None:
        if text not in self._logged:
            self._logged.add(text)
            _log.error("%s", text)

    def _close(self) -> None:
        self._is_closed = True
        if self._db is not None:
            self._db.close()
            self._db = None


def _in_transaction(db: sqlite3.Connection, work: Work[Result]) -> Result:
    db.execute("BEGIN IMMEDIATE")
    try:
        result = work(db)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return result


def _check(db: sqlite3.Connection) -> None:
    if damage := quick_check(db):
        error = sqlite3.DatabaseError(damage)
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
