"""Open and recent scene events as rows, saved whenever one changes. Used by the node thread."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import timedelta

from pi_cam_node.base.clock import Clock, clock_is_set, utc_of
from pi_cam_node.base.sliding_window import SlidingWindow
from pi_cam_node.core.history import EndedBy, EventKind, EventRow, id_of
from pi_cam_node.core.media_ids import boot_part
from pi_cam_node.core.ports import EventStore

# Limit of motion events per hour; further motion begins no event.
EVENTS_MAX, EVENTS_WINDOW_S = 120, 3600.0
# Ended events that are kept in memory, for films that begin or end later.
REMEMBERED = 64


@dataclass(slots=True)
class OpenEvent:
    """An open or recent event.

    Attributes:
        row: Its row as stored and published.
        began_mono_s: When it began, monotonic seconds.
        until_s: When it ends by itself; infinite: never; minus infinity: with the end of motion.
        best: Time of the largest motion so far, as (share of the picture, monotonic time).
        recording: Id of the event for which its recording was begun; empty where it is not recorded.
        is_pictured: Whether its picture has been chosen.
        ended_mono_s: When it ended; infinite: not yet.
    """

    row: EventRow
    began_mono_s: float
    until_s: float
    best: tuple[float, float]
    recording: str = ""
    is_pictured: bool = False
    ended_mono_s: float = float("inf")


class OpenEvents:
    """Open scene events, at most one of each kind, and the last ones that ended."""

    def __init__(self, clock: Clock, store: EventStore, boot_id: str) -> None:
        self._clock, self._store, self._boot_id = clock, store, boot_id
        self._open: dict[EventKind, OpenEvent] = {}
        self._ended: OrderedDict[str, OpenEvent] = OrderedDict()
        self._begun = SlidingWindow(EVENTS_WINDOW_S)
        self._numbers = 0

    def get(self, kind: EventKind) -> OpenEvent | None:
        """Return the open event of a kind."""
        return self._open.get(kind)

    def all(self) -> list[tuple[EventKind, OpenEvent]]:
        """Return all open events."""
        return list(self._open.items())

    def new_id(self, kind: EventKind, began_s: float) -> str:
        """Return an id for a new event."""
        self._numbers += 1
        return id_of(utc_of(began_s, self._clock), boot_part(self._boot_id), self._numbers, kind)

    def begin(self, row: EventRow, event: OpenEvent) -> EventRow:
        """Open an event; return its row, with boot id and clock state."""
        event.row = replace(row, boot=self._boot_id, clock_set=clock_is_set())
        self._open[row.kind] = event
        self._store.save_event(event.row)
        return event.row

    def end(self, kind: EventKind, at_s: float, by: EndedBy) -> EventRow:
        """Close an event; return its row. A step of the wall clock during the event does not change its length."""
        event = self._open.pop(kind)
        ended_at = event.row.at + timedelta(seconds=max(0.0, at_s - event.began_mono_s))
        event.row = replace(event.row, ended_at=ended_at, ended_by=by)
        event.ended_mono_s = at_s
        self._ended[event.row.id] = event
        if len(self._ended) > REMEMBERED:
            self._ended.popitem(last=False)
        self._store.save_event(event.row)
        return event.row

    def add_zones(self, event: OpenEvent, zones: tuple[str, ...]) -> None:
        """Add zones that an event touched."""
        added = tuple(name for name in zones if name not in event.row.zones)
        if added:
            event.row = replace(event.row, zones=(*event.row.zones, *added))
            self._store.save_event(event.row)

    def pictured(self, event_id: str, picture_id: str) -> EventRow | None:
        """Set the picture of an event; return the event, if known."""
        return self._change(event_id, picture_id=picture_id)

    def recorded(self, event_id: str, film_id: str, pre_roll_s: float | None = None) -> EventRow | None:
        """Set the film of an event, unless it has one; return the event, if known."""
        row = self.find(event_id)
        if row is None or row.recording_id is not None:
            return row
        pre_roll = row.pre_roll_s if pre_roll_s is None else pre_roll_s
        return self._change(event_id, recording_id=film_id, pre_roll_s=pre_roll)

    def detach_film(self, event_id: str) -> None:
        """Remove the film of an event, so that the next one of its recording is attached."""
        self._change(event_id, recording_id=None)

    def of_recording(self, event_id: str) -> list[OpenEvent]:
        """Return the open and recent events of the recording that was begun for an event; none for an empty id."""
        return [event for event in self._known() if event_id and event.recording == event_id]

    def of_film(self, film_id: str) -> list[OpenEvent]:
        """Return the open and recent events that have a film."""
        return [event for event in self._known() if event.row.recording_id == film_id]

    def find(self, event_id: str) -> EventRow | None:
        """Return an open or recent event."""
        event = self._find(event_id)
        return None if event is None else event.row

    def may_begin(self, now_s: float) -> bool:
        """Count a motion event; return whether the hourly limit allows it."""
        return self._begun.allow(EVENTS_MAX, now_s)

    def _known(self) -> list[OpenEvent]:
        return [*self._open.values(), *self._ended.values()]

    def _find(self, event_id: str) -> OpenEvent | None:
        found = list(self._open.values())  # an atomic copy, since other threads read, too
        return next((event for event in found if event.row.id == event_id), self._ended.get(event_id))

    def _change(self, event_id: str, **changes: str | float | None) -> EventRow | None:
        event = self._find(event_id)
        if event is None:
            return None
        event.row = replace(event.row, **changes)  # type: ignore[arg-type]
        self._store.save_event(event.row)
        return event.row
