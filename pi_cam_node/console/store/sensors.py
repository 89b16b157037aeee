"""Sensors and their changes as rows."""

from __future__ import annotations

import sqlite3

from pi_cam_node.base.frozen import frozen

# Columns of the first schema version, in its order.
COLUMNS = "id, source, name, kind, device, topic, config, room, cameras"


@frozen
class Change:
    """A change of a sensor's state.

    Attributes:
        sensor: Key of the sensor.
        at_ms: Time, UTC epoch milliseconds.
        state: ``open``, ``closed``, ``on``, ``off`` ….
        raw: The payload, shortened.
    """

    sensor: str
    at_ms: int
    state: str
    raw: str


def add_change(db: sqlite3.Connection, change: Change) -> None:
    """Store a change."""
    db.execute(
        "INSERT INTO sensor_change (sensor, at_ms, state, raw) VALUES (?,?,?,?)",
        (change.sensor, change.at_ms, change.state, change.raw[:200]),
    )


def changes(db: sqlite3.Connection, sensor: str, limit: int) -> list[Change]:
    """Return the last changes of a sensor, newest first."""
    rows = db.execute(
        "SELECT sensor, at_ms, state, raw FROM sensor_change WHERE sensor=? ORDER BY at_ms DESC LIMIT ?",
        (sensor, limit),
    )
    return [Change(*row) for row in rows]


def last_states(db: sqlite3.Connection) -> dict[str, bool]:
    """Return the last state of each sensor by key."""
    asked = (
        "SELECT sensor, state FROM sensor_change c WHERE rowid = "
        "(SELECT max(rowid) FROM sensor_change o WHERE o.sensor = c.sensor)"
    )
    return {sensor: state in {"open", "on"} for sensor, state in db.execute(asked)}


def put_note(db: sqlite3.Connection, key: str, name: str, room: str, cameras: str) -> None:
    """Store the user-defined data of a sensor.

    Args:
        db: The database.
        key: Key of the sensor.
        name: User-defined name; empty: its announced name, or the one given when it was added manually.
        room: Room.
        cameras: JSON list of ids of the nodes that see it.
    """
    db.execute(
        f"INSERT INTO sensor ({COLUMNS}) VALUES (?,'note',?,'','','','{{}}',?,?) ON CONFLICT (id) DO UPDATE SET "  # noqa: S608 - text of ours
        "name=CASE WHEN source='hand' AND excluded.name='' THEN name ELSE excluded.name END, "
        "room=excluded.room, cameras=excluded.cameras",
        (key, name, room, cameras),
    )
