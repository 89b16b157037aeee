"""Sensors and their changes as rows."""

from __future__ import annotations

import sqlite3

from pi_cam_node.base.frozen import frozen

# Of the first version, in its order.
COLUMNS = "id, source, name, kind, device, topic, config, room, cameras"


@frozen
class Change:
    """A change of a sensor's state.

    Attributes:
        sensor: Its key.
        at_ms: When, UTC epoch milliseconds.
        state: ``open``, ``closed``, ``on``, ``off`` ….
        raw: What was published, shortened.
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
    """Return what each sensor was last, by key."""
    asked = (
        "SELECT sensor, state FROM sensor_change c WHERE rowid = "
        "(SELECT max(rowid) FROM sensor_change o WHERE o.sensor = c.sensor)"
    )
    return {sensor: state in {"open", "on"} for sensor, state in db.execute(asked)}


def put_note(db: sqlite3.Connection, key: str, name: str, room: str, cameras: str) -> None:
    """Store the user-defined data of a sensor.

    Args:
        db: The database.
        key: The sensor's.
        name: What they call it; empty: as it calls itself, or was called when it was added by hand.
        room: Where it is.
        cameras: JSON list of the nodes that see it.
    """
    db.execute(
        f"INSERT INTO sensor ({COLUMNS}) VALUES (?,'note',?,'','','','{{}}',?,?) ON CONFLICT (id) DO UPDATE SET "  # noqa: S608 - text of ours
        "name=CASE WHEN source='hand' AND excluded.name='' THEN name ELSE excluded.name END, "
        "room=excluded.room, cameras=excluded.cameras",
        (key, name, room, cameras),
    )
