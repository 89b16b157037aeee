"""Detects databases of a newer program, and damaged ones: by a check with a time limit at start, and by later errors.

The check reads the whole file: 0.7 GB for a million events, half a minute on an SD card. Damage that a check did not
reach in time is detected when it is accessed.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from pathlib import Path

_log = logging.getLogger(__name__)

# A hundred thousand events take 0.1 s on a desktop, and 4 s with a slow SD card.
LIMIT_S = 5.0
# SQLite VM instructions between two checks of the time limit. One instruction checks all pages of a table, so the check
# of a large one exceeds the limit.
_STEPS = 1000


def newer_version(path: Path, version: int, known: int) -> str:
    """Return what is said of a database that a newer version of the program has written, and what to do."""
    return (
        f"{path} was written by a newer version of pi_cam_node (its format is {version}, this version knows {known}): "
        "install that version again, or restore a backup from before the upgrade"
    )


def quick_check(connection: sqlite3.Connection, limit_s: float = LIMIT_S) -> str:
    """Return what is wrong with a database; empty if nothing was found in time.

    Args:
        connection: Connection to the database.
        limit_s: Time limit in seconds.

    Raises:
        sqlite3.DatabaseError: The file is not a database, or cannot be read.
    """
    end_s = time.monotonic() + limit_s
    connection.set_progress_handler(lambda: time.monotonic() >= end_s, _STEPS)
    try:
        verdict = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        _log.info("the database is large: only a part of it was checked for damage")
        return ""
    finally:
        connection.set_progress_handler(None, 0)
    return "" if verdict == "ok" else " ".join(verdict.split())


def is_damage(error: sqlite3.Error) -> bool:
    """Tell whether an error means a damaged file, rather than one that is unavailable."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def reason_of(error: sqlite3.Error, folder: Path) -> str:
    """Return why a database cannot be opened: on a full disk SQLite calls that an I/O error, or nothing."""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
        room = os.statvfs(folder)
        if not room.f_bavail or (room.f_files and not room.f_favail):
            return f"the disk is full ({error})"
    return str(error)
