"""Rows of events, pictures and films, with their queries and pages.

The rows are the same in memory, in the database and in the replies of ``events`` and ``media``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Generic, Literal, TypeVar, get_args

from pi_cam_node.base.clock import iso
from pi_cam_node.base.frozen import frozen

EventKind = Literal["motion", "trigger", "record"]
PictureKind = Literal["single", "stack", "ring", "auto", "event"]
FilmKind = Literal["recording", "clip", "timelapse"]
MediaKind = Literal[PictureKind, FilmKind]
EndedBy = Literal["clear", "camera_lost", "privacy", "disabled", "interrupted"]

RecordingState = Literal["open", "closed", "repaired", "lost"]

EVENT_KINDS: tuple[EventKind, ...] = get_args(EventKind)
PICTURE_KINDS: tuple[PictureKind, ...] = get_args(PictureKind)
FILM_KINDS: tuple[FilmKind, ...] = get_args(FilmKind)
MEDIA_KINDS: tuple[MediaKind, ...] = get_args(MediaKind)

LIMIT_MAX = 200
LIMIT_DEFAULT = 20


@frozen
class EventRow:
    """A scene event, which happened in front of the camera; under way as long as ``ended_at`` is ``None``.

    Attributes:
        id: Names the event for ever; the same in every message about it.
        kind: What began it: motion, an outside sensor (``trigger``), or a recording by hand (``record``).
        at: UTC time of its first frame, pre-roll left out.
        ended_at: UTC time of its end.
        ended_by: Why it ended; ``None`` while it is under way.
        zones: Names of the zones that it touched.
        cause: What began it, in detail: the name of a trigger, for example.
        pre_roll_s: Seconds before ``at`` that the recording begins with; 0 without one.
        picture_id: The picture of the event.
        recording_id: Its film.
        boot: Boot id of the run of the node that saw it.
        clock_set: Whether UTC could be trusted when it began.
    """

    id: str
    kind: EventKind
    at: datetime
    ended_at: datetime | None = None
    ended_by: EndedBy | None = None
    zones: tuple[str, ...] = ()
    cause: str = ""
    pre_roll_s: float = 0.0
    picture_id: str | None = None
    recording_id: str | None = None
    boot: str = ""
    clock_set: bool = True

    def facts(self) -> dict[str, Any]:
        """Return the row as a list tells it, without links; JSON values."""
        return {
            "id": self.id,
            "at": iso(self.at),
            "kind": self.kind,
            "ended_at": None if self.ended_at is None else iso(self.ended_at),
            "ended_by": self.ended_by,
            "zones": list(self.zones),
            "cause": self.cause,
            "pre_roll_s": round(self.pre_roll_s, 3),
            "picture_id": self.picture_id,
            "recording_id": self.recording_id,
        }


def id_of(at: datetime, boot: str, number: int, kind: EventKind | MediaKind) -> str:
    """Return the id of an event, a picture or a film; ids of equal length sort by time.

    Args:
        at: Time of its beginning, aware; cut to milliseconds.
        boot: First 8 hex digits of the boot id.
        number: Grows with each of its kind within the boot.
        kind: What it is.
    """
    at = at.astimezone(UTC)
    # The year is formatted separately, as strftime omits leading zeros.
    return f"{at.year:04d}{at:%m%dT%H%M%S}{at.microsecond // 1000:03d}Z-{boot}-{number:06d}-{kind}"


@frozen
class MediaRow:
    """A picture or a film that is kept.

    Attributes:
        id: Its id.
        kind: How it came about: that of a picture, ``recording``, ``clip`` or ``timelapse``.
        at: UTC time of its first frame.
        path: Absolute path of its first file.
        size_bytes: Of all its files.
        seconds: How long a film is; ``None`` for a picture.
        kept: Spared by retention.
    """

    id: str
    kind: str
    at: datetime
    path: str
    size_bytes: int
    seconds: float | None = None
    kept: bool = False

    def facts(self) -> dict[str, Any]:
        """Return the row as a list tells it, without links; JSON values."""
        return {
            "id": self.id,
            "at": iso(self.at),
            "kind": self.kind,
            "path": self.path,
            "bytes": self.size_bytes,
            "seconds": self.seconds,
            "kept": self.kept,
        }


@frozen
class RecordingRow:
    """A film, from its first byte on.

    Attributes:
        id: Its id.
        state: ``open`` while it is written, ``closed``, ``repaired`` after a crash, ``lost`` where its file is gone.
        path: Absolute path of its file.
        at: UTC time of its first frame.
        ended_at: UTC time of its last frame; ``None`` while it is open.
        cause: What began it: the kind of its event, or ``continuous``.
        boot: First 8 hex digits of the boot id of the run of the node that wrote it.
        size_bytes: Of its file.
        frames: How many.
        gap_s: Seconds that are missing in it.
        codec: As RFC 6381 names it.
        width_px: Width.
        height_px: Height.
    """

    id: str
    state: RecordingState
    path: str
    at: datetime
    ended_at: datetime | None = None
    cause: str = ""
    boot: str = ""
    size_bytes: int = 0
    frames: int = 0
    gap_s: float = 0.0
    codec: str = ""
    width_px: int = 0
    height_px: int = 0


@frozen
class Waiting:
    """A message that waits for the broker.

    Attributes:
        number: In the order in which they were put there.
        topic: Its topic.
        body: Its payload.
        at: When it was put there.
    """

    number: int
    topic: str
    body: bytes
    at: datetime


Row = TypeVar("Row", EventRow, MediaRow)


@frozen
class Query:
    """Filter and limits of a list of rows, newest first.

    Attributes:
        limit: How many at most, 1 to `LIMIT_MAX`.
        before: Only older ones than this: a row's id, or a UTC time; that one itself is left out.
        kind: Only of this kind; empty: any.
        zone: Only events that touched this zone; empty: any.
    """

    limit: int = LIMIT_DEFAULT
    before: str | datetime | None = None
    kind: str = ""
    zone: str = ""


@frozen
class Page(Generic[Row]):
    """Rows, newest first by ``at``, then by id; ``more``: there are older ones."""

    rows: tuple[Row, ...] = ()
    more: bool = False


def page_of(rows: Iterable[Row], query: Query) -> Page[Row]:
    """Return the page of rows that a query means.

    Args:
        rows: All of them, in any order.
        query: Which.

    Raises:
        LookupError: ``before`` is an id that no row has.
    """
    ordered = sorted(rows, key=lambda row: (row.at, row.id), reverse=True)
    if isinstance(query.before, str):
        place = next((number for number, row in enumerate(ordered) if row.id == query.before), None)
        if place is None:
            raise LookupError(query.before)
        ordered = ordered[place + 1 :]
    elif query.before is not None:
        ordered = [row for row in ordered if row.at < query.before]
    fitting = [row for row in ordered if _fits(row, query)]
    return Page(tuple(fitting[: query.limit]), len(fitting) > query.limit)


def _fits(row: EventRow | MediaRow, query: Query) -> bool:
    if query.kind and row.kind != query.kind:
        return False
    return not query.zone or (isinstance(row, EventRow) and query.zone in row.zones)
