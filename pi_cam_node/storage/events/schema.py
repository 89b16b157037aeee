"""Schema of the database, opening, and migration from older versions.

Times are milliseconds of UTC since 1970, as whole numbers: they sort, and come back as they were told.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from pi_cam_node.base.atomic_files import FILE_MODE, sync_directory
from pi_cam_node.base.database_check import is_damage, quick_check

# What stands beside a database while it is open.
SUFFIXES = ("", "-wal", "-shm")
DAMAGED_SUFFIX, BACKUP_SUFFIX = ".damaged", ".before-migration"
BUSY_TIMEOUT_S = 5.0
# Pages that a connection keeps, in KiB: of its own SQLite would fill 2 MiB with a database that grows for weeks. The
# system keeps the file in memory as long as nothing else needs it.
CACHE_KIB = 256

# Each brings a database from the version before it to its own: PRAGMA user_version counts them.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE event(
            id TEXT PRIMARY KEY, kind TEXT NOT NULL, at_ms INTEGER NOT NULL, ended_ms INTEGER, ended_by TEXT,
            zones TEXT NOT NULL, cause TEXT NOT NULL, pre_roll_s REAL NOT NULL, picture_id TEXT, recording_id TEXT,
            boot TEXT NOT NULL, clock_set INTEGER NOT NULL) STRICT""",
        "CREATE INDEX event_by_time ON event(at_ms, id)",
        """CREATE TABLE recording(
            id TEXT PRIMARY KEY, state TEXT NOT NULL, path TEXT NOT NULL, at_ms INTEGER NOT NULL, ended_ms INTEGER,
            cause TEXT NOT NULL, boot TEXT NOT NULL, bytes INTEGER NOT NULL, frames INTEGER NOT NULL,
            gap_s REAL NOT NULL, codec TEXT NOT NULL, width_px INTEGER NOT NULL, height_px INTEGER NOT NULL) STRICT""",
        "CREATE INDEX recording_by_state ON recording(state, at_ms)",
        """CREATE TABLE outbox(
            number INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, topic TEXT NOT NULL, body BLOB NOT NULL
            ) STRICT""",
    ),
)
VERSION = len(MIGRATIONS)


class NewerDatabaseError(Exception):
    """The database is of a newer version of the program, which may mean something else by the same names."""


class DamagedDatabaseError(Exception):
    """The file is not a database, or a damaged one."""


def open_writer(path: Path, damage: str = "") -> sqlite3.Connection:
    """Open a database for writing; make it, or bring it up to date, where need be.

    Every transaction is on disk when its COMMIT returns: WAL with ``synchronous=FULL``. Where the file system cannot
    have a WAL, SQLite stays with its rollback journal, and the promise is the same.

    Args:
        path: The file.
        damage: What is known to be wrong with it: it is not opened then.

    Raises:
        NewerDatabaseError: It must not be touched.
        DamagedDatabaseError: It must be set aside.
        sqlite3.Error, OSError: It cannot be opened now: the disk is full, read-only or dead.
    """
    if damage:
        raise DamagedDatabaseError(damage)
    if not path.exists():
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE))
        sync_directory(path.parent)
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    try:
        _prepare(connection, path)
    except sqlite3.DatabaseError as error:
        connection.close()
        if is_damage(error):
            raise DamagedDatabaseError(str(error)) from error
        raise
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Open a database that is there, for reading only.

    Raises:
        sqlite3.Error: It cannot be opened.
    """
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None
    )
    connection.execute("PRAGMA query_only = ON")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    return connection


def is_empty(path: Path) -> bool:
    """Tell whether there is no file, or nothing in it: SQLite takes either for a new database."""
    return not path.exists() or path.stat().st_size == 0


def set_aside(path: Path) -> Path:
    """Rename a damaged database, over an older damaged one, and remove what belonged to it; return its new path.

    Raises:
        OSError: It cannot be renamed.
    """
    aside = path.with_name(path.name + DAMAGED_SUFFIX)
    path.replace(aside)
    for suffix in SUFFIXES[1:]:
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).unlink()
    sync_directory(path.parent)
    return aside


def remove(path: Path) -> None:
    """Remove a database.

    Raises:
        OSError: A file cannot be removed.
    """
    for suffix in SUFFIXES:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def files_of(path: Path) -> list[Path]:
    """Return every file that a database may consist of or have left behind."""
    names = (*SUFFIXES, DAMAGED_SUFFIX, BACKUP_SUFFIX)
    return [path.with_name(path.name + suffix) for suffix in names]


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    if damage := quick_check(connection):
        raise DamagedDatabaseError(damage)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise NewerDatabaseError(f"{path} is of version {version}, and this program knows {VERSION}")
    # Nothing has been written so far. This holds only if it comes before the first table:
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA journal_size_limit = 4194304")
    connection.execute("PRAGMA wal_autocheckpoint = 200")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    if 0 < version < VERSION:
        _back_up(connection, path)
    for number in range(version, VERSION):
        _migrate(connection, number)


def _migrate(connection: sqlite3.Connection, number: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in MIGRATIONS[number]:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number + 1}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _back_up(connection: sqlite3.Connection, path: Path) -> None:
    copy = path.with_name(path.name + BACKUP_SUFFIX)
    copy.unlink(missing_ok=True)
    connection.execute("VACUUM INTO ?", (str(copy),))
    copy.chmod(FILE_MODE)
