"""Metadata of a film at its beginning, kept in the header of the file in progress."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime, timedelta

from pi_cam_node.base.frozen import frozen
from pi_cam_node.base.strict_json import json_object
from pi_cam_node.core.history import EventRow, FilmKind
from pi_cam_node.core.sidecar import event_of, time_of


@frozen
class FilmFacts:
    """Metadata of a film at its beginning; kept in the header of the file in progress.

    Attributes:
        id: Id of the film.
        kind: Kind of the film.
        event_id: The event that it belongs to; empty for none.
        cause: Cause of the recording.
        event_mono_s: When the event began.
        first_at: UTC of its first picture; `first_mono_s` the same on the monotonic clock.
        boot: First 8 hex digits of the node's boot id.
        clock_set: Whether the wall clock could be trusted.
        masked: Whether parts of the picture are masked.
        event: Metadata of its event; JSON values.
        copied: The packets are the camera's own.
        interval_s: Seconds between two pictures of a timelapse; 0 for films that are as long as what they show.
    """

    id: str
    kind: FilmKind
    event_id: str
    cause: str
    event_mono_s: float
    first_at: datetime
    first_mono_s: float
    boot: str
    clock_set: bool
    masked: bool
    event: Mapping[str, object] | None = None
    copied: bool = False
    interval_s: float = 0.0

    def encoded(self) -> bytes:
        """Return the metadata as JSON."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return json.dumps(values, default=datetime.isoformat).encode()

    def begun_later(self, late_s: float) -> FilmFacts:
        """Return the metadata of a film whose first seconds are lost."""
        first_at, first_mono_s = self.first_at + timedelta(seconds=late_s), self.first_mono_s + late_s
        return replace(self, first_at=first_at, first_mono_s=first_mono_s) if late_s else self

    def interrupted_event(self, last_at: datetime) -> EventRow | None:
        """Return its event, ended by a crash at the last picture; ``None`` without an event."""
        row = event_of({"event": self.event, "boot": self.boot, "clock_set": self.clock_set}, self.id)
        return (
            None
            if row is None
            else replace(row, ended_at=row.ended_at or last_at, ended_by=row.ended_by or "interrupted")
        )

    @classmethod
    def decoded(cls, data: bytes) -> FilmFacts:
        """Parse the metadata in a header.

        Raises:
            ValueError: The bytes are not metadata of this package.
        """
        values = json_object(data)
        first_at = time_of(values.pop("first_at", None))
        odd = [name for name, value in values.items() if not isinstance(value, _TYPES.get(name, ()))]
        if odd or first_at is None:
            raise ValueError(f"{', '.join(odd)[:80] or 'first_at'} of a film is not as this package writes it")
        try:
            return cls(**values, first_at=first_at)
        except TypeError as error:  # a fact is missing
            raise ValueError(f"not the facts of a film: {error}") from None


_NUMBER = (int, float)
_TYPES: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("id", "kind", "event_id", "cause", "boot"), (str,)),
    **dict.fromkeys(("event_mono_s", "first_mono_s", "interval_s"), _NUMBER),
    **dict.fromkeys(("clock_set", "masked", "copied"), (bool,)),
    "event": (dict, type(None)),
}
