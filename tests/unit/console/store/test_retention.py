"""Rows that are too old, or too many of one node or sensor, are deleted."""

from __future__ import annotations

import sqlite3

from pytest_mock import MockerFixture

from pi_cam_node.console.store import events, retention, sensors
from pi_cam_node.console.store.events import EventFilter, EventRow
from pi_cam_node.console.store.sensors import Change


def put(db: sqlite3.Connection, node: str, name: str, at_ms: int) -> None:
    events.put(db, EventRow(node, name, at_ms, "motion", node))


def test_old_events_expire(db: sqlite3.Connection) -> None:
    now_ms = 91 * retention.DAY_MS
    for name, at_ms in (("old", 1), ("new", now_ms), ("old too", 2)):
        put(db, "porch", name, at_ms)
    assert [retention.expire(db, now_ms, limit=1) for _ in range(3)] == [1, 1, 0]
    assert [one.id for one in events.newest(db, EventFilter(), 10)] == ["new"]


def test_a_node_or_sensor_that_floods_loses_its_own_first_rows_only(
    db: sqlite3.Connection, mocker: MockerFixture
) -> None:
    mocker.patch.object(retention, "EVENTS_PER_NODE", 3)
    mocker.patch.object(retention, "CHANGES_PER_SENSOR", 2)
    put(db, "hall", "h", 1)
    for number in range(9):
        put(db, "porch", f"p{number}", 1000 - number)
        sensors.add_change(db, Change("door", number, "open", "ON"))
    sensors.add_change(db, Change("window", 1, "open", "ON"))
    while retention.expire(db, 1000, limit=2):
        pass
    assert {one.id for one in events.newest(db, EventFilter(), 10)} == {"h", "p6", "p7", "p8"}
    assert [one.at_ms for one in sensors.changes(db, "door", 10)] == [8, 7]
    assert len(sensors.changes(db, "window", 10)) == 1
