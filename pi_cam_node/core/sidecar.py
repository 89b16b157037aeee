"""Side-cars: what those of pictures and those of films have in common, and the event of a film. No I/O.

Missing and malformed fields are skipped: a side-car may be of another version, or edited by hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, get_args

from pi_cam_node.core.history import EVENT_KINDS, EndedBy, EventRow


def sidecar_bytes(facts: Mapping[str, Any]) -> bytes:
    """Return metadata as the bytes of a side-car."""
    return (json.dumps(facts, indent=2) + "\n").encode()


def is_kept(facts: Mapping[str, Any]) -> bool:
    """Return whether a side-car protects its picture or film from retention."""
    return facts.get("kept") is True


def clock_was_set(facts: Mapping[str, Any]) -> bool:
    """Return whether the clock was set when a picture or film was saved; assumed unless the side-car says otherwise."""
    return facts.get("clock_set") is not False


def event_of(facts: Mapping[str, Any], recording_id: str) -> EventRow | None:
    """Return the event of a film, from its side-car or the header of an unfinished film; ``None`` where there is none.

    Args:
        facts: Facts of the film, ``boot`` and ``clock_set`` among them; ``event`` is `EventRow.facts` of the event.
        recording_id: Id of the film.
    """
    told = facts.get("event")
    if not isinstance(told, dict):
        return None
    event_id, at = text_of(told.get("id")), time_of(told.get("at"))
    kind = next((kind for kind in EVENT_KINDS if kind == told.get("kind")), None)
    if not event_id or at is None or kind is None:
        return None
    zones = told.get("zones")
    return EventRow(
        id=event_id,
        kind=kind,
        at=at,
        ended_at=time_of(told.get("ended_at")),
        ended_by=next((reason for reason in get_args(EndedBy) if reason == told.get("ended_by")), None),
        zones=tuple(zone for zone in zones if isinstance(zone, str)) if isinstance(zones, list) else (),
        cause=text_of(told.get("cause")),
        pre_roll_s=number_of(told.get("pre_roll_s")),
        picture_id=text_of(told.get("picture_id")) or None,
        recording_id=recording_id,
        boot=text_of(facts.get("boot")),
        clock_set=clock_was_set(facts),
    )


def text_of(value: object) -> str:
    """Return a JSON string, shortened to 200 characters; empty for other types."""
    return value[:200] if isinstance(value, str) else ""


def number_of(value: object) -> float:
    """Return a JSON number; 0 for other types and out-of-range values."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15:
        return float(value)
    return 0.0


def time_of(value: object) -> datetime | None:
    """Return an ISO 8601 time in UTC (without a zone it is UTC already); ``None`` for anything else."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the latter: beyond the year 1 or 9999 in UTC
        return None
