"""SQL statements that write and read events, films and waiting messages."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pi_cam_node.base.file_system import joined
from pi_cam_node.core.history import EventRow, Page, Query, RecordingRow, RecordingState, Waiting
from pi_cam_node.core.media_ids import unfinished_film

# Greatest numbers of rows: some 30 MB of events, as much of films, and messages of a few days without a broker.
EVENTS_MAX, RECORDINGS_MAX, OUTBOX_MAX, OUTBOX_BYTES_MAX = 100_000, 100_000, 1000, 1 << 20

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EVENT = "id, kind, at_ms, ended_ms, ended_by, zones, cause, pre_roll_s, picture_id, recording_id, boot, clock_set"
_RECORDING = "id, state, path, at_ms, ended_ms, cause, boot, bytes, frames, gap_s, codec, width_px, height_px"


def save_event(connection: sqlite3.Connection, row: EventRow) -> None:
    """Insert or replace an event."""
    zones = json.dumps(row.zones)
    ids = (row.picture_id, row.recording_id)
    times = (_ms(row.at), _ms_or_none(row.ended_at))
    values = (row.id, row.kind, *times, row.ended_by, zones, row.cause, row.pre_roll_s, *ids, row.boot, row.clock_set)
    _insert(connection, "event", _EVENT, values)


def save_recording(connection: sqlite3.Connection, row: RecordingRow) -> None:
    """Insert or replace a film; a repaired film also extends its event's end."""
    times = (_ms(row.at), _ms_or_none(row.ended_at))
    size = (row.size_bytes, row.frames, row.gap_s, row.codec, row.width_px, row.height_px)
    values = (row.id, row.state, _path_text(row.path), *times, row.cause, row.boot, *size)
    _insert(connection, "recording", _RECORDING, values)
    if row.state == "repaired":
        connection.execute(
            "UPDATE event SET ended_ms = max(ended_ms, ?) WHERE recording_id = ? AND ended_by = 'interrupted'",
            (_ms(row.ended_at or row.at), row.id),
        )


def save_waiting(connection: sqlite3.Connection, at: datetime, topic: str, body: bytes) -> int:
    """Append a pending message, and delete the oldest beyond the limit; return its number."""
    added = connection.execute("INSERT INTO outbox(at_ms, topic, body) VALUES(?, ?, ?)", (_ms(at), topic, body))
    connection.execute(
        """DELETE FROM outbox WHERE number IN (SELECT number FROM (
            SELECT number, row_number() OVER newest AS place, sum(length(body)) OVER newest AS bytes FROM outbox
            WINDOW newest AS (ORDER BY number DESC)) WHERE place > ? OR bytes > ?)""",
        (OUTBOX_MAX, OUTBOX_BYTES_MAX),
    )
    return added.lastrowid or 0


def forget_recording(connection: sqlite3.Connection, recording_id: str) -> None:
    """Delete the row of a film."""
    connection.execute("DELETE FROM recording WHERE id = ?", (recording_id,))


def forget_waiting(connection: sqlite3.Connection, number: int) -> None:
    """Delete a sent message."""
    connection.execute("DELETE FROM outbox WHERE number = ?", (number,))


def prune(connection: sqlite3.Connection) -> None:
    """Delete the oldest events and films beyond the limits."""
    for table, most in (("event", EVENTS_MAX), ("recording", RECORDINGS_MAX)):
        connection.execute(
            f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} ORDER BY at_ms DESC, id DESC LIMIT -1 OFFSET ?)",  # noqa: S608 - text of ours, values bound
            (most,),
        )
    connection.execute("PRAGMA incremental_vacuum(100)")


def end_interrupted(connection: sqlite3.Connection) -> None:
    """Set the end of events interrupted by the end of an earlier run: that of their film if known, else their begin."""
    connection.execute(
        """UPDATE event SET ended_by = 'interrupted', ended_ms = max(at_ms, coalesce(
            (SELECT ended_ms FROM recording WHERE recording.id = event.recording_id), at_ms))
            WHERE ended_ms IS NULL"""
    )


def find_lost(connection: sqlite3.Connection) -> None:
    """Mark films whose file is missing as lost, and those whose file is back (e.g. after a mount) as closed.

    Films left open by an earlier run, whose file is to be repaired, are not changed.
    """
    changed: list[tuple[str, str]] = []  # all rows at once would take 30 MB
    for recording_id, state, text in connection.execute("SELECT id, state, path FROM recording"):
        path = _path_of(text)
        is_there = os.path.lexists(path)
        if state == "open" and not is_there:
            is_there = os.path.lexists(joined(os.path.dirname(path), unfinished_film(recording_id)))  # noqa: PTH120
        if is_there == (state == "lost"):
            changed.append(("closed" if is_there else "lost", recording_id))
    connection.executemany("UPDATE recording SET state = ? WHERE id = ?", changed)


def events(connection: sqlite3.Connection, query: Query) -> Page[EventRow]:
    """Return a page of events.

    Raises:
        LookupError: ``before`` is an id that no event has.
    """
    where, values = _conditions(connection, query)
    statement = f"SELECT {_EVENT} FROM event WHERE {where} ORDER BY at_ms DESC, id DESC LIMIT ?"  # noqa: S608 - text of ours, values bound
    found = [_event(row) for row in connection.execute(statement, (*values, query.limit + 1))]
    return Page(tuple(found[: query.limit]), len(found) > query.limit)


def _conditions(connection: sqlite3.Connection, query: Query) -> tuple[str, list[object]]:
    where, values = ["1"], list[object]()
    if isinstance(query.before, str):
        place = connection.execute("SELECT at_ms, id FROM event WHERE id = ?", (query.before,)).fetchone()
        if place is None:
            raise LookupError(query.before)
        where.append("(at_ms, id) < (?, ?)")
        values += place
    elif query.before is not None:
        where.append("at_ms < ?")
        values.append(_ms(query.before))
    if query.kind:
        where.append("kind = ?")
        values.append(query.kind)
    if query.zone:
        where.append("EXISTS (SELECT 1 FROM json_each(zones) WHERE value = ?)")
        values.append(query.zone)
    return " AND ".join(where), values


def recordings(connection: sqlite3.Connection, states: Sequence[RecordingState]) -> list[RecordingRow]:
    """Return films in these states, oldest first."""
    marks = ", ".join("?" * len(states))
    statement = f"SELECT {_RECORDING} FROM recording WHERE state IN ({marks}) ORDER BY at_ms, id"  # noqa: S608 - text of ours, values bound
    return [_recording(row) for row in connection.execute(statement, states)]


def waiting(connection: sqlite3.Connection) -> list[Waiting]:
    """Return pending messages, oldest first."""
    rows = connection.execute("SELECT number, topic, body, at_ms FROM outbox ORDER BY number")
    return [Waiting(number, topic, body, _time(at_ms)) for number, topic, body, at_ms in rows]


def _insert(connection: sqlite3.Connection, table: str, columns: str, values: Sequence[object]) -> None:
    marks = ", ".join("?" * len(values))
    connection.execute(f"INSERT OR REPLACE INTO {table}({columns}) VALUES({marks})", values)


def _event(row: tuple[Any, ...]) -> EventRow:
    event_id, kind, at_ms, ended_ms, ended_by, zones, cause, pre_roll_s, picture_id, recording_id, boot, clock_set = row
    ended_at = None if ended_ms is None else _time(ended_ms)
    return EventRow(
        event_id,
        kind,
        _time(at_ms),
        ended_at,
        ended_by,
        tuple(json.loads(zones)),
        cause,
        pre_roll_s,
        picture_id,
        recording_id,
        boot,
        bool(clock_set),
    )


def _recording(row: tuple[Any, ...]) -> RecordingRow:
    recording_id, state, path, at_ms, ended_ms, *rest = row
    ended_at = None if ended_ms is None else _time(ended_ms)
    return RecordingRow(recording_id, state, _path_of(path), _time(at_ms), ended_at, *rest)


def _path_text(path: str) -> str:
    """Return a path as text that SQLite takes: as a JSON text, which begins with a quote, where it is not UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return json.dumps(path)
    return path


def _path_of(text: str) -> str:
    """Return the path that `_path_text` made a text of."""
    return str(json.loads(text)) if text.startswith('"') else text


def _ms(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)


def _ms_or_none(at: datetime | None) -> int | None:
    return None if at is None else _ms(at)


def _time(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)
