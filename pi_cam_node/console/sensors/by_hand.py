"""User-defined data of sensors: names, rooms, cameras, and sensors added manually."""

from __future__ import annotations

import json
import sqlite3

from pi_cam_node.console.sensors.registry import Sensors
from pi_cam_node.console.sensors.sensor import SensorSpec
from pi_cam_node.console.sensors.templates import Template
from pi_cam_node.console.store.database import Database
from pi_cam_node.console.store.sensors import COLUMNS

HAND = "hand"


def spec_of(key: str, name: str, topic: str, config: str) -> SensorSpec:
    """Return the description of a manually added sensor."""
    told = json.loads(config)
    field = str(told.get("field") or "")
    return SensorSpec(
        key=key,
        source=HAND,
        name=name,
        device="",
        kind=str(told.get("kind") or ""),
        topic=topic,
        template=Template(field or None),
        on=str(told.get("on") or "ON"),
        off=str(told.get("off") or "OFF"),
    )


def put_spec(db: sqlite3.Connection, spec: SensorSpec) -> None:
    """Store a manually added sensor."""
    field = spec.template.key if spec.template is not None else ""
    config = json.dumps({"field": field, "on": spec.on, "off": spec.off, "kind": spec.kind})
    db.execute(
        f"INSERT OR REPLACE INTO sensor ({COLUMNS}) VALUES (?,?,?,?,'',?,?,'','[]')",  # noqa: S608 - text of ours
        (spec.key, HAND, spec.name, spec.kind, spec.topic, config),
    )


def delete_spec(db: sqlite3.Connection, key: str) -> None:
    """Delete a manually added sensor with its name, room, cameras and changes."""
    db.execute("DELETE FROM sensor WHERE id=?", (key,))
    db.execute("DELETE FROM sensor_change WHERE sensor=?", (key,))


async def apply(sensors: Sensors, database: Database) -> None:
    """Load the stored data into the registry.

    Raises:
        StoreUnavailable: It cannot be read.
    """
    asked = "SELECT id, source, name, topic, config, room, cameras FROM sensor"
    rows = await database.read(lambda db: db.execute(asked).fetchall())
    sensors.add_by_hand(
        spec_of(key, name, topic, config) for key, source, name, topic, config, _, _ in rows if source == HAND
    )
    sensors.set_notes(
        {
            key: ("" if source == HAND else name, room, tuple(json.loads(cameras)))
            for key, source, name, _, _, room, cameras in rows
        }
    )
