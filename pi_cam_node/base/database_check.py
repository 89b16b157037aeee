"""Damage of an SQLite database: a check when a program starts, bounded in time, and which errors mean it.

For the check SQLite reads all of the file: of a million events that is 0.7 GB, half a minute on a memory card. What a
check that ran out of time has not seen is found when it is read or written.
"""

from __future__ import annotations

import logging
import sqlite3
import time

_log = logging.getLogger(__name__)

# A hundred thousand events take 0.1 s of a desktop's processor, and 4 s of a slow card.
LIMIT_S = 5.0
# Steps of SQLite's machine between two looks at the clock. The pages of a table are checked in one of them, so that
# the check of a large one goes on for longer than the limit.
_STEPS = 1000


def quick_check(connection: sqlite3.Connection, limit_s: float = LIMIT_S) -> str:
    """Return what is wrong with a database; empty where nothing was found in time.

    Args:
        connection: To the database.
        limit_s: Time for the check; see above.

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
    """Tell whether an error means that the file itself is broken, and not that it cannot be reached now."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
