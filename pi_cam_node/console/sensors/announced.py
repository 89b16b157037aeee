"""Stores announced sensors in the database, for brokers that lose retained messages.

A broker without persistence has no discovery messages after a restart, and few devices send them again.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from pi_cam_node.console.sensors.sensor import SensorSpec
from pi_cam_node.console.sensors.templates import Template
from pi_cam_node.console.store.sensors import COLUMNS

SOURCE = "announced"


def put(db: sqlite3.Connection, topic: str, specs: Iterable[SensorSpec], now_ms: int) -> None:
    """Store the sensors announced on a topic, replacing the topic's earlier ones."""
    told = {spec.key: json.dumps(asdict(spec)) for spec in specs}
    for (key,) in db.execute("SELECT id FROM sensor WHERE announced_on=?", (topic,)).fetchall():
        if key not in told:
            _forget(db, key)
    for key, text in told.items():
        db.execute(
            f"INSERT INTO sensor ({COLUMNS}, announced_on, announced, heard_ms) "  # noqa: S608 - text of ours
            "VALUES (?,?,'','','','','{}','','[]',?,?,?) ON CONFLICT (id) DO UPDATE SET "
            "announced_on=excluded.announced_on, announced=excluded.announced, heard_ms=excluded.heard_ms",
            (key, SOURCE, topic, text, now_ms),
        )


def touch(db: sqlite3.Connection, keys: Iterable[str], now_ms: int) -> None:
    """Record when sensors were last heard."""
    db.executemany("UPDATE sensor SET heard_ms=? WHERE id=? AND announced_on <> ''", [(now_ms, key) for key in keys])


def load(db: sqlite3.Connection, since_ms: int) -> dict[str, list[SensorSpec]]:
    """Return the sensors heard since a time, by the topic that announced them."""
    found = defaultdict[str, list[SensorSpec]](list)
    asked = "SELECT announced_on, announced FROM sensor WHERE announced_on <> '' AND heard_ms >= ? ORDER BY id"
    for topic, text in db.execute(asked, (since_ms,)):
        found[topic].append(_spec_of(json.loads(text)))
    return dict(found)


def _forget(db: sqlite3.Connection, key: str) -> None:
    """Delete an announcement; the user-defined data of the sensor stays."""
    db.execute("UPDATE sensor SET announced_on='', announced='' WHERE id=?", (key,))
    db.execute("DELETE FROM sensor WHERE id=? AND source=? AND name='' AND room='' AND cameras='[]'", (key, SOURCE))


def _spec_of(told: Mapping[str, Any]) -> SensorSpec:
    template = told["template"]
    return SensorSpec(
        **{
            **told,
            "template": None if template is None else Template(**template),
            "availability": tuple((topic, Template(**one)) for topic, one in told["availability"]),
        }
    )
