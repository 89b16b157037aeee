"""Schema of the database, opening, and migration from older versions.

Times are INTEGER, UTC epoch milliseconds.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from pi_cam_node.base.atomic_files import FILE_MODE, sync_directory
from pi_cam_node.base.database_check import is_damage, newer_version, quick_check

# Suffixes of the files beside an open database.
SUFFIXES = ("", "-wal", "-shm")
DAMAGED_SUFFIX, BACKUP_SUFFIX = ".damaged", ".before-migration"
BUSY_TIMEOUT_S = 5.0
# Page cache of a connection in KiB, instead of SQLite's 2 MiB; the system's page cache suffices.
CACHE_KIB = 256
# Source: sqlite.org/fileformat2.html, the database header.
_MAGIC, _HEADER_BYTES, _VERSION_AT = b"SQLite format 3\0", 100, 60

# Migrations, each to the next version, which PRAGMA user_version holds.
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
    """The database was written by a newer version of the program."""


class DamagedDatabaseError(Exception):
    """The file is not a database, or a damaged one."""


def open_writer(path: Path, damage: str = "") -> sqlite3.Connection:
    """Open a database for writing; create or migrate it as needed.

    Every transaction is on disk when its COMMIT returns: WAL with ``synchronous=FULL``, or a rollback journal if the
    file system does not support WAL.

    Args:
        path: The file.
        damage: Known damage; the database is not opened then.

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
    """Open an existing database read-only.

    Raises:
        sqlite3.Error: It cannot be opened.
    """
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None
    )
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    except BaseException:  # of a damaged file
        connection.close()
        raise
    return connection


def version_in(path: Path) -> int | None:
    """Return the version that a file has in its header; ``None`` if it is no database. SQLite is not asked.

    SQLite would leave files beside it that belong to the user who asked.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    if not header:
        return 0
    return int.from_bytes(header[_VERSION_AT : _VERSION_AT + 4]) if header.startswith(_MAGIC) else None


def is_empty(path: Path) -> bool:
    """Tell whether the file is missing or empty, which SQLite treats as a new database."""
    return not path.exists() or path.stat().st_size == 0


def identity_of(path: Path) -> tuple[int, int] | None:
    """Return device and inode of a file, to tell whether another one took its place; ``None`` without one.

    Raises:
        OSError: The folder cannot be searched.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def set_aside(path: Path) -> Path:
    """Rename a damaged database, replacing an older damaged one, and remove its other files; return the new path.

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
    """Return all files that may belong to a database."""
    names = (*SUFFIXES, DAMAGED_SUFFIX, BACKUP_SUFFIX)
    return [path.with_name(path.name + suffix) for suffix in names]


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    if damage := quick_check(connection):
        raise DamagedDatabaseError(damage)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise NewerDatabaseError(newer_version(path, version, VERSION))
    # Effective only before the first table is created:
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
