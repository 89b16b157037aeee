"""Database schema as numbered migrations from one version to the next, each in one transaction.

Times are INTEGER, UTC epoch milliseconds; ids are TEXT; JSON is TEXT.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from pi_cam_node.base.database_check import newer_version

FIRST = (
    """CREATE TABLE node (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, url TEXT NOT NULL, first_seen INTEGER NOT NULL,
        last_seen INTEGER NOT NULL, info TEXT NOT NULL, hidden INTEGER NOT NULL DEFAULT 0) STRICT""",
    """CREATE TABLE event (
        rowid INTEGER PRIMARY KEY, node TEXT NOT NULL, id TEXT NOT NULL, at_ms INTEGER NOT NULL, kind TEXT NOT NULL,
        camera TEXT, sensor TEXT, rule TEXT, media TEXT, data TEXT NOT NULL, UNIQUE (node, id)) STRICT""",
    "CREATE INDEX event_at ON event (at_ms)",
    "CREATE INDEX event_camera ON event (camera, at_ms)",
    "CREATE INDEX event_camera_kind ON event (camera, kind, at_ms)",
    "CREATE INDEX event_kind ON event (kind, at_ms)",
    "CREATE INDEX event_sensor ON event (sensor, at_ms) WHERE sensor IS NOT NULL",
    "CREATE INDEX event_media ON event (camera, media) WHERE media IS NOT NULL",
    """CREATE TABLE media (
        node TEXT NOT NULL, id TEXT NOT NULL, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, bytes INTEGER, seconds REAL,
        formats TEXT NOT NULL, event TEXT, kept_until INTEGER, PRIMARY KEY (node, id)) STRICT""",
    "CREATE INDEX media_at ON media (at_ms)",
    """CREATE TABLE sensor (
        id TEXT PRIMARY KEY, source TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, device TEXT NOT NULL,
        topic TEXT NOT NULL, config TEXT NOT NULL, room TEXT NOT NULL, cameras TEXT NOT NULL) STRICT""",
    """CREATE TABLE sensor_change (
        rowid INTEGER PRIMARY KEY, sensor TEXT NOT NULL, at_ms INTEGER NOT NULL, state TEXT NOT NULL,
        raw TEXT NOT NULL) STRICT""",
    "CREATE INDEX sensor_change_at ON sensor_change (sensor, at_ms)",
    """CREATE TABLE account (
        id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, role TEXT NOT NULL, password TEXT NOT NULL,
        cameras TEXT NOT NULL, locale TEXT NOT NULL) STRICT""",
    """CREATE TABLE session (
        hash TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES account ON DELETE CASCADE, device TEXT NOT NULL,
        kind TEXT NOT NULL, created INTEGER NOT NULL, seen INTEGER NOT NULL, ends INTEGER) STRICT""",
    """CREATE TABLE device (
        id TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES account ON DELETE CASCADE, kind TEXT NOT NULL,
        endpoint TEXT NOT NULL, keys TEXT NOT NULL, label TEXT NOT NULL, created INTEGER NOT NULL, last_ok INTEGER,
        gone_why TEXT, quiet TEXT NOT NULL, UNIQUE (endpoint)) STRICT""",
    """CREATE TABLE delivery (
        event INTEGER NOT NULL REFERENCES event ON DELETE CASCADE,
        device TEXT NOT NULL REFERENCES device ON DELETE CASCADE, state TEXT NOT NULL, tries INTEGER NOT NULL,
        due_ms INTEGER NOT NULL, code INTEGER, at_ms INTEGER NOT NULL, text TEXT NOT NULL,
        PRIMARY KEY (event, device)) STRICT""",
    "CREATE INDEX delivery_due ON delivery (due_ms) WHERE state = 'waiting'",
    """CREATE TABLE audit (
        rowid INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, account TEXT NOT NULL, kind TEXT NOT NULL,
        what TEXT NOT NULL) STRICT""",
    "CREATE INDEX audit_kind ON audit (kind, rowid)",
)


def _first(db: sqlite3.Connection) -> None:
    for statement in FIRST:
        db.execute(statement)


def _second(db: sqlite3.Connection) -> None:
    # Column ``why``: why the last attempt failed.
    db.execute("ALTER TABLE delivery ADD COLUMN why TEXT NOT NULL DEFAULT ''")


def _third(db: sqlite3.Connection) -> None:
    # Column ``theme``: ``dark`` or ``light``; empty: that of the device.
    db.execute("ALTER TABLE account ADD COLUMN theme TEXT NOT NULL DEFAULT ''")


def _fourth(db: sqlite3.Connection) -> None:
    # Announced sensors: discovery topic, JSON of the `SensorSpec`, and time last heard.
    db.execute("ALTER TABLE sensor ADD COLUMN announced_on TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE sensor ADD COLUMN announced TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE sensor ADD COLUMN heard_ms INTEGER NOT NULL DEFAULT 0")


# Step n migrates from version n to n + 1. Released steps are never changed.
STEPS: tuple[Callable[[sqlite3.Connection], None], ...] = (_first, _second, _third, _fourth)
VERSION = len(STEPS)


def version_of(db: sqlite3.Connection) -> int:
    """Return the schema version of a database; 0 for an empty one. Read-only.

    Raises:
        ValueError: It was written by a later version of the program.
    """
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        raise ValueError(newer_version(Path(db.execute("PRAGMA database_list").fetchone()[2]), version, VERSION))
    return version


def migrate(db: sqlite3.Connection, before_step: Callable[[int], None] = lambda _version: None) -> None:
    """Migrate a database to the current version.

    Args:
        db: Connection in autocommit mode.
        before_step: Called with the old version before each step, unless the database is a new one.

    Raises:
        ValueError: It was written by a later version of the program.
    """
    version = version_of(db)
    for number in range(version, VERSION):
        if version:
            before_step(number)
        db.execute("BEGIN IMMEDIATE")
        try:
            STEPS[number](db)
            db.execute(f"PRAGMA user_version = {number + 1}")
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")
