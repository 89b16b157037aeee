"""Copies rows out of a damaged database that cannot be fetched again from the nodes."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

_log = logging.getLogger(__name__)

# Tables to copy, each with a condition.
OWN_ROWS = (
    ("account", ""),
    ("session", ""),
    ("device", ""),
    ("sensor", ""),
    ("sensor_change", ""),
    ("audit", ""),
    ("event", "WHERE node = ''"),  # events of rules
)


def salvage(damaged: Path, db: sqlite3.Connection) -> None:
    """Copy readable rows into a new database; rows of an earlier version may lack columns.

    Raises:
        sqlite3.Error: The new database cannot be written, e.g. because the disk is full.
    """
    for table, chosen in OWN_ROWS:
        taken = 0
        db.execute("BEGIN")
        for columns, row in _readable(damaged, table, chosen):
            marks = ",".join("?" * len(row))
            with suppress(sqlite3.IntegrityError):  # a damaged row
                db.execute(f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})", row)  # noqa: S608 - text of ours, values bound
                taken += 1
        db.execute("COMMIT")
        _log.warning("%d rows of %s copied", taken, table)


def _readable(damaged: Path, table: str, chosen: str) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Yield column names and values of each row, up to the first row that cannot be read."""
    try:
        with closing(sqlite3.connect(f"file:{damaged}?mode=ro", uri=True)) as old:
            found = old.execute(f"SELECT * FROM {table} {chosen}")  # noqa: S608 - text of ours
            columns = ",".join(name for name, *_rest in found.description)
            for row in found:
                yield columns, row
    except sqlite3.Error as error:
        _log.warning("%s: %s", table, error)
