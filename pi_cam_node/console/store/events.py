"""Events as rows: one for each (node, id), however many messages describe it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime
from typing import Any

from pi_cam_node.base.frozen import frozen

LIST_MAX = 200
KEPT_DAYS = 90
# Of each table in one transaction: a push that waits for the database waits no longer.
EXPIRED_AT_ONCE = 500

# The kind of the row that a message of a node belongs to.
KINDS: Mapping[str, str] = {
    "motion_started": "motion",
    "motion_ended": "motion",
    "triggered": "trigger",
    "recording_started": "record",
    "recording_saved": "record",
    "recording_failed": "record",
    "picture_saved": "picture",
    "mode_changed": "mode",
    "camera_lost": "camera_lost",
    "camera_back": "camera_back",
    "settings_rolled_back": "settings",
    "command_refused": "refused",
}
# What a row is, where messages of several kinds share an id: the film belongs to the motion, not the other way round.
_RANK = ("rule", "motion", "trigger", "record", "picture", "interval")
DATA_MAX_BYTES = 32 << 10
# An event of before is not looked for among those that may have no picture yet.
UNDER_WAY_MS = 600_000
# The last moment that can be shown as a date: the end of the year 9999.
LAST_MS = 253_402_300_799_000


@frozen
class EventRow:
    """Row of an event.

    Attributes:
        node: The node that told it; empty for the console's own.
        id: Its id there.
        at_ms: When it began, UTC epoch milliseconds.
        kind: ``motion``, ``trigger``, ``record``, ``picture``, ``interval``, ``rule``, ``mode``, ``camera_lost`` ….
        camera: The node that it shows.
        sensor: Key of the sensor that caused it.
        rule: Title of the rule that caused it.
        media: Id of its picture there.
        data: Everything told, by name; the newest wins. Where it would be more than `DATA_MAX_BYTES`, the newest alone.
        rowid: Its number here; 0 before it has one.
    """

    node: str
    id: str
    at_ms: int
    kind: str
    camera: str | None = None
    sensor: str | None = None
    rule: str | None = None
    media: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    rowid: int = 0


def row_of(node: str, body: Mapping[str, Any], now_ms: int) -> EventRow | None:
    """Return the row that a message of ``event/<type>`` belongs to; ``None`` where it is none."""
    kind, name = KINDS.get(str(body.get("event_type"))), body.get("id")
    if kind is None or not isinstance(name, str) or not 0 < len(name) <= 200:
        return None
    media = body.get("media")
    media = media if isinstance(media, dict) else {}
    picture = body.get("picture_id") or (media.get("id") if kind == "picture" else None)
    if kind == "picture" and body.get("cause") == "interval":
        kind = "interval"
    began = body.get("began_at") or body.get("at")
    kept = {key: value for key, value in body.items() if key not in {"id", "event_type"}}
    kept |= {str(body["event_type"]): body.get("at")}
    if len(json.dumps(kept)) > DATA_MAX_BYTES:
        kept = {}
    return EventRow(
        node, name, ms_of(began, now_ms), kind, node, media=str(picture)[:200] if picture else None, data=kept
    )


def ms_of(moment: object, otherwise_ms: int) -> int:
    """Return an ISO time as UTC epoch milliseconds, or what stands for one that is none, or not from 1970 to 9999."""
    try:
        at_ms = round(datetime.fromisoformat(str(moment)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return otherwise_ms
    return at_ms if 0 < at_ms <= LAST_MS else otherwise_ms


def head_of(listed: object) -> tuple[str, int, Mapping[str, Any]] | None:
    """Return id, time and facts of a row in a node's list of events or media; ``None`` where it is none."""
    if not isinstance(listed, Mapping) or not isinstance(listed.get("id"), str):
        return None
    at_ms = ms_of(listed.get("at"), 0)
    return (listed["id"][:200], at_ms, listed) if at_ms else None


def put(db: sqlite3.Connection, row: EventRow) -> tuple[EventRow, bool]:
    """Add or update an event; return the row as it is now, and whether it is a new one."""
    old = find(db, row.node, row.id)
    if old is None:
        cursor = db.execute(
            "INSERT INTO event (node, id, at_ms, kind, camera, sensor, rule, media, data) VALUES (?,?,?,?,?,?,?,?,?)",
            (*_head(row), json.dumps(row.data)),
        )
        if row.kind == "picture" and row.data.get("cause") == "event":
            _give_to_event(db, row)
        return replace(row, rowid=int(cursor.lastrowid or 0)), True
    kind = min(old.kind, row.kind, key=lambda kind: _RANK.index(kind) if kind in _RANK else len(_RANK))
    data = {**old.data, **row.data}
    if kind != row.kind and "cause" in old.data:  # a film says of a trigger only that it was one
        data["cause"] = old.data["cause"]
    if len(json.dumps(data)) > DATA_MAX_BYTES:
        data = dict(row.data)
    merged = replace(
        row,
        at_ms=min(old.at_ms, row.at_ms),
        kind=kind,
        camera=row.camera or old.camera,
        sensor=row.sensor or old.sensor,
        rule=row.rule or old.rule,
        media=row.media or old.media,
        data=data,
        rowid=old.rowid,
    )
    if merged != old:
        db.execute(
            "UPDATE event SET at_ms=?, kind=?, camera=?, sensor=?, rule=?, media=?, data=? WHERE rowid=?",
            (*_head(merged)[2:], json.dumps(merged.data), merged.rowid),
        )
    return merged, False


def _give_to_event(db: sqlite3.Connection, picture: EventRow) -> None:
    """Give a picture to the event that it was taken of: the node says whose it is when that ends, minutes later."""
    db.execute(
        "UPDATE event SET media = ? WHERE rowid = (SELECT rowid FROM event WHERE camera = ? AND at_ms BETWEEN ? AND ? "
        "AND kind IN ('motion', 'trigger', 'record') AND media IS NULL AND json_extract(data, '$.ended_at') IS NULL "
        "ORDER BY at_ms DESC, rowid DESC LIMIT 1)",
        (picture.media, picture.camera, picture.at_ms - UNDER_WAY_MS, picture.at_ms),
    )


def _head(row: EventRow) -> tuple[object, ...]:
    return row.node, row.id, row.at_ms, row.kind, row.camera, row.sensor, row.rule, row.media


_COLUMNS = "rowid, node, id, at_ms, kind, camera, sensor, rule, media, data"


def _event(values: Sequence[Any]) -> EventRow:
    rowid, node, name, at_ms, kind, camera, sensor, rule, media, data = values
    return EventRow(node, name, at_ms, kind, camera, sensor, rule, media, json.loads(data), rowid)


def find(db: sqlite3.Connection, node: str, name: str) -> EventRow | None:
    """Return an event by node and id."""
    found = db.execute(f"SELECT {_COLUMNS} FROM event WHERE node=? AND id=?", (node, name)).fetchone()  # noqa: S608 - text of ours, values bound
    return _event(found) if found else None


def get(db: sqlite3.Connection, rowid: int) -> EventRow | None:
    """Return an event by its number here."""
    found = db.execute(f"SELECT {_COLUMNS} FROM event WHERE rowid=?", (rowid,)).fetchone()  # noqa: S608 - text of ours, values bound
    return _event(found) if found else None


@frozen
class EventFilter:
    """Filter of a list of events.

    Attributes:
        cameras: Only of these; ``None``: of all, and those of no camera.
        kinds: Only these; empty: all but `QUIET_KINDS`, which matter to few.
        sensor: Only of this sensor.
        before: (at_ms, rowid) of the last one that was listed.
    """

    cameras: frozenset[str] | None = None
    kinds: tuple[str, ...] = ()
    sensor: str = ""
    before: tuple[int, int] | None = None


QUIET_KINDS = ("interval", "mode", "refused", "camera_back", "test")


def newest(db: sqlite3.Connection, wanted: EventFilter, limit: int) -> list[EventRow]:
    """Return events, newest first. A picture that another event shows is not listed by itself.

    Cameras are asked for one by one, since an index has the events of one camera in order, not those of several.
    """
    limit = min(limit, LIST_MAX)
    if wanted.cameras is None:
        return _ask(db, wanted, None, limit)
    found = [row for camera in sorted(wanted.cameras) for row in _ask(db, wanted, camera, limit)]
    return sorted(found, key=lambda row: (row.at_ms, row.rowid), reverse=True)[:limit]


def _ask(db: sqlite3.Connection, wanted: EventFilter, camera: str | None, limit: int) -> list[EventRow]:
    where, values = list[str](), list[object]()
    if camera is not None:
        where.append("camera = ?")
        values.append(camera)
    kinds = wanted.kinds or QUIET_KINDS
    where.append(f"kind {'' if wanted.kinds else 'NOT '}IN ({','.join('?' * len(kinds))})")
    values += kinds
    if wanted.sensor:
        where.append("sensor = ?")
        values.append(wanted.sensor)
    if wanted.before is not None:
        where.append("(at_ms, rowid) < (?, ?)")
        values += wanted.before
    where.append(
        "NOT (kind IN ('picture', 'interval') AND EXISTS (SELECT 1 FROM event o WHERE o.camera = e.camera "
        "AND o.media = e.media AND o.rowid <> e.rowid AND o.kind NOT IN ('picture', 'interval')))"
    )
    asked = f"SELECT {_COLUMNS} FROM event e WHERE {' AND '.join(where)} ORDER BY at_ms DESC, rowid DESC LIMIT ?"  # noqa: S608 - text of ours, values bound
    return [_event(found) for found in db.execute(asked, (*values, limit))]


def delete(db: sqlite3.Connection, rowid: int) -> bool:
    """Delete an event; return whether there was one."""
    return db.execute("DELETE FROM event WHERE rowid=?", (rowid,)).rowcount > 0


def expire(db: sqlite3.Connection, now_ms: int, limit: int = EXPIRED_AT_ONCE) -> int:
    """Delete some of what is older than it is kept; return how many rows went: as long as any do, there may be more."""
    day_ms, gone = 86_400_000, 0
    for table, where, before_ms in (
        ("event", "at_ms < ?", now_ms - KEPT_DAYS * day_ms),
        ("sensor_change", "at_ms < ?", now_ms - 30 * day_ms),
        ("delivery", "at_ms < ? AND state <> 'waiting'", now_ms - 30 * day_ms),
        ("session", "ends IS NOT NULL AND ends < ?", now_ms),
    ):
        chosen = f"SELECT rowid FROM {table} WHERE {where} LIMIT ?"  # noqa: S608 - text of ours, values bound
        gone += db.execute(f"DELETE FROM {table} WHERE rowid IN ({chosen})", (before_ms, limit)).rowcount  # noqa: S608 - text of ours, values bound
    return gone
