"""Retention: deletes rows that are too old, or too many of one node or sensor.

Whoever may write the topics of one node or sensor could otherwise fill the disk, which others need for their pictures.
"""

from __future__ import annotations

import sqlite3

DAY_MS = 86_400_000
KEPT_DAYS = 90
CHANGES_KEPT_DAYS = 30
EVENTS_PER_NODE = 50_000
CHANGES_PER_SENSOR = 20_000
# Rows deleted of each table in one transaction; bounds how long a push waits for the database.
DELETED_AT_ONCE = 500


def expire(db: sqlite3.Connection, now_ms: int, limit: int = DELETED_AT_ONCE) -> int:
    """Delete up to ``limit`` rows of each table; return how many were deleted: repeat until 0."""
    gone = 0
    for table, where, before_ms in (
        ("event", "at_ms < ?", now_ms - KEPT_DAYS * DAY_MS),
        ("sensor_change", "at_ms < ?", now_ms - CHANGES_KEPT_DAYS * DAY_MS),
        ("delivery", "at_ms < ? AND state <> 'waiting'", now_ms - CHANGES_KEPT_DAYS * DAY_MS),
        ("session", "ends IS NOT NULL AND ends < ?", now_ms),
    ):
        chosen = f"SELECT rowid FROM {table} WHERE {where} LIMIT ?"  # noqa: S608 - text of ours, values bound
        gone += db.execute(f"DELETE FROM {table} WHERE rowid IN ({chosen})", (before_ms, limit)).rowcount  # noqa: S608 - text of ours, values bound
    gone += _delete_excess(db, "event", "node", EVENTS_PER_NODE, limit)
    return gone + _delete_excess(db, "sensor_change", "sensor", CHANGES_PER_SENSOR, limit)


def _delete_excess(db: sqlite3.Connection, table: str, owner: str, most: int, limit: int) -> int:
    """Delete the rows that came first of an owner with too many; return how many were deleted."""
    asked = f"SELECT {owner}, count(*) FROM {table} GROUP BY {owner} HAVING count(*) > ? LIMIT 1"  # noqa: S608 - text of ours, values bound
    found = db.execute(asked, (most,)).fetchone()
    if found is None:
        return 0
    chosen = f"SELECT rowid FROM {table} WHERE {owner}=? ORDER BY rowid LIMIT ?"  # noqa: S608 - text of ours, values bound
    few = min(limit, found[1] - most)
    return db.execute(f"DELETE FROM {table} WHERE rowid IN ({chosen})", (found[0], few)).rowcount  # noqa: S608 - text of ours, values bound
