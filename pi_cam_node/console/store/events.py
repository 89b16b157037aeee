"""Table of events: one row for each (node, id), merged from several messages."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime
from typing import Any

from pi_cam_node.base.frozen import frozen

LIST_MAX = 200

# Kind of the row by type of a node's message.
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
# Precedence of kinds if messages of several kinds share an id: a row of motion and its film is of kind motion.
_RANK = ("rule", "motion", "trigger", "record", "picture", "interval")
DATA_MAX_BYTES = 8 << 10
# An event that is further in the future would be the first of every list until then. A board without battery clock is
# behind by as long as it was off, before it asks for the time.
AHEAD_MAX_MS = 30 * 86_400_000
# Longest time between the start of a running event and a picture that is attached to it.
UNDER_WAY_MS = 600_000
# Latest time that `datetime` can represent: the end of the year 9999.
LAST_MS = 253_402_300_799_000


@frozen
class EventRow:
    """Row of an event.

    Attributes:
        node: Id of the node that published it; empty for the console's own.
        id: Its id at the node.
        at_ms: Begin, UTC epoch milliseconds.
        kind: ``motion``, ``trigger``, ``record``, ``picture``, ``interval``, ``rule``, ``mode``, ``camera_lost`` ….
        camera: Id of the node whose camera it shows.
        sensor: Key of the sensor that caused it.
        rule: Title of the rule that caused it.
        media: Id of its picture at the node.
        data: Merged fields of all messages, newest first; only those of the newest message, and of that the short
            ones, beyond `DATA_MAX_BYTES`.
        rowid: Its row number; 0 before it is stored.
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
    """Return the row for a message of ``event/<type>``; ``None`` if it is malformed."""
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
    at_ms = ms_of(began, now_ms)
    return EventRow(
        node,
        name,
        at_ms if at_ms <= now_ms + AHEAD_MAX_MS else now_ms,
        kind,
        node,
        media=str(picture)[:200] if picture else None,
        data=_short(kept),
    )


def _short(data: dict[str, Any]) -> dict[str, Any]:
    """Return the fields without the longest, such as the times of 256 frames, if all are too long together."""
    while len(json.dumps(data)) > DATA_MAX_BYTES:
        longest = max(data, key=lambda key: len(json.dumps(data[key])) + len(key))
        data = {key: value for key, value in data.items() if key != longest}
    return data


def ms_of(moment: object, otherwise_ms: int) -> int:
    """Return an ISO time as UTC epoch milliseconds; ``otherwise_ms`` if malformed or not within 1970 to 9999."""
    try:
        at_ms = round(datetime.fromisoformat(str(moment)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return otherwise_ms
    return at_ms if 0 < at_ms <= LAST_MS else otherwise_ms


def head_of(listed: object) -> tuple[str, int, Mapping[str, Any]] | None:
    """Return id, time and fields of an item of a node's list of events or media; ``None`` if malformed."""
    if not isinstance(listed, Mapping) or not isinstance(listed.get("id"), str):
        return None
    at_ms = ms_of(listed.get("at"), 0)
    return (listed["id"][:200], at_ms, listed) if at_ms else None


def put(db: sqlite3.Connection, row: EventRow) -> tuple[EventRow, bool]:
    """Add or update an event; return the stored row, and whether it is new."""
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
    if kind != row.kind and "cause" in old.data:  # a film has only "trigger" as its cause
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
    """Attach a picture to its running event; the node itself links them only when the event ends, minutes later."""
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
    """Return an event by its row number."""
    found = db.execute(f"SELECT {_COLUMNS} FROM event WHERE rowid=?", (rowid,)).fetchone()  # noqa: S608 - text of ours, values bound
    return _event(found) if found else None


@frozen
class EventFilter:
    """Filter for a list of events.

    Attributes:
        cameras: Ids of cameras, ``None`` among them for events without a camera; ``None`` alone: all.
        kinds: Kinds to include; empty: all but `QUIET_KINDS`.
        sensor: Key of a sensor, or empty.
        before: (at_ms, rowid) of the last event of the previous page.
    """

    cameras: frozenset[str | None] | None = None
    kinds: tuple[str, ...] = ()
    sensor: str = ""
    before: tuple[int, int] | None = None


QUIET_KINDS = ("interval", "mode", "refused", "camera_back", "test")


def newest(db: sqlite3.Connection, wanted: EventFilter, limit: int) -> list[EventRow]:
    """Return events, newest first, without pictures that belong to another event.

    One query for each camera, since the index is ordered within one camera only.
    """
    limit = min(limit, LIST_MAX)
    if wanted.cameras is None:
        return _ask(db, wanted, limit)
    each = (replace(wanted, cameras=frozenset({camera})) for camera in wanted.cameras)
    found = [row for one in each for row in _ask(db, one, limit)]
    return sorted(found, key=lambda row: (row.at_ms, row.rowid), reverse=True)[:limit]


def _ask(db: sqlite3.Connection, wanted: EventFilter, limit: int) -> list[EventRow]:
    """Return events of all cameras, or of one."""
    where, values = list[str](), list[object]()
    if wanted.cameras is not None:
        where.append("camera IS ?")
        values += wanted.cameras
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
    """Delete an event; return whether it existed."""
    return db.execute("DELETE FROM event WHERE rowid=?", (rowid,)).rowcount > 0
