"""Rebuilds a lost database: reads events and films from the side-cars of films, which are the truth on disk.

A recorder writes into the side-car of a film ``{"id", "first_at", "last_at", "boot", "clock_set", "frames_count",
"gap_s", "codec", "width", "height", "cause", "bytes", "event": {…}}``; ``event`` is `EventRow.facts` of its event.
What is missing or odd is left out, and nothing in a side-car can end the node.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from pi_cam_node.core.history import EVENT_KINDS, EndedBy, EventRow, RecordingRow
from pi_cam_node.core.media_ids import FILM_FORMAT, SIDECAR, parse_file, parse_id
from pi_cam_node.storage.pictures.sidecar import read_sidecar

_log = logging.getLogger(__name__)


def rows_in(folder: Path) -> Iterator[EventRow | RecordingRow]:
    """Yield what the side-cars of films tell. Reads every one of them: seconds for some thousand films.

    Raises:
        OSError: The folder cannot be read.
    """
    for path in sorted(folder.glob(f"*.{FILM_FORMAT}")):
        named = parse_file(path.name)
        if named is None:
            continue
        facts = read_sidecar(path.with_suffix(f".{SIDECAR}"))
        yield _recording(named[0], path, facts)
        event = _event(facts, named[0])
        if event is not None:
            yield event


def _recording(recording_id: str, path: Path, facts: Mapping[str, Any]) -> RecordingRow:
    name = parse_id(recording_id)
    assert name is not None, recording_id
    try:
        size_bytes = path.stat().st_size
    except OSError:
        size_bytes = 0
    return RecordingRow(
        id=recording_id,
        state="closed",
        path=str(path),
        at=_time(facts.get("first_at")) or name.at,
        ended_at=_time(facts.get("last_at")),
        cause=_text(facts.get("cause")),
        boot=_text(facts.get("boot")),
        size_bytes=size_bytes,
        frames=int(_number(facts.get("frames_count"))),
        gap_s=_number(facts.get("gap_s")),
        codec=_text(facts.get("codec")),
        width_px=int(_number(facts.get("width"))),
        height_px=int(_number(facts.get("height"))),
    )


def _event(facts: Mapping[str, Any], recording_id: str) -> EventRow | None:
    told = facts.get("event")
    if not isinstance(told, dict):
        return None
    event_id, at = _text(told.get("id")), _time(told.get("at"))
    kind = next((kind for kind in EVENT_KINDS if kind == told.get("kind")), None)
    if not event_id or at is None or kind is None:
        return None
    zones = told.get("zones")
    return EventRow(
        id=event_id,
        kind=kind,
        at=at,
        ended_at=_time(told.get("ended_at")),
        ended_by=next((reason for reason in get_args(EndedBy) if reason == told.get("ended_by")), None),
        zones=tuple(zone for zone in zones if isinstance(zone, str)) if isinstance(zones, list) else (),
        cause=_text(told.get("cause")),
        pre_roll_s=_number(told.get("pre_roll_s")),
        picture_id=_text(told.get("picture_id")) or None,
        recording_id=recording_id,
        boot=_text(facts.get("boot")),
        clock_set=facts.get("clock_set") is not False,
    )


def _text(value: object) -> str:
    return value[:200] if isinstance(value, str) else ""


def _number(value: object) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15
    return float(value) if is_number and isinstance(value, int | float) else 0.0


def _time(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)
