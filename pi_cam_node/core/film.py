"""Films: results of the recorder, and orders for clips."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from pi_cam_node.base.clock import iso
from pi_cam_node.base.frozen import frozen
from pi_cam_node.core.history import EventRow, FilmKind, RecordingRow
from pi_cam_node.core.media_ids import boot_in
from pi_cam_node.core.rules.recording import EndReason

EncoderKind = Literal["none", "camera", "board", "software"]
"""Source of the video: none, the camera itself (its packets are copied), the board's encoder, or libx264."""


@frozen
class ClipOrder:
    """Time span of a requested clip.

    Attributes:
        first_mono_s: Its beginning, on the monotonic clock.
        last_mono_s: Its end.
        quality: 1 to 100; see `recording.quality`.
        masked: Whether parts of the picture are masked.
    """

    first_mono_s: float
    last_mono_s: float
    quality: int
    masked: bool


@frozen
class Film:
    """A complete film, synced to disk.

    Attributes:
        id: Its id, as those of pictures.
        kind: Kind of film.
        path: Its absolute path.
        event_id: The event that it belongs to; empty for none.
        cause: Cause of the recording.
        first_at: UTC of its first picture; `first_mono_s` the same on the monotonic clock.
        seconds: Its length.
        last_picture_s: Seconds from its first picture to its last.
        frames: Pictures in it.
        gap_s: Seconds lost within it.
        pre_roll_s: Seconds of it before its event began.
        size_bytes: Of the file.
        size: Width and height in pixels.
        codec: As RFC 6381 names it.
        reason: Reason of its end.
        repaired: Whether it was interrupted by a crash and repaired.
        span_s: Least real time in seconds that a timelapse covers.
        event: Its event, from the header of a repaired file.
        url: A link that opens it over HTTP for a while; ``None`` where HTTP is off.
    """

    id: str
    kind: FilmKind
    path: Path
    event_id: str
    cause: str
    first_at: datetime
    first_mono_s: float
    seconds: float
    last_picture_s: float
    frames: int
    gap_s: float
    pre_roll_s: float
    size_bytes: int
    size: tuple[int, int]
    codec: str
    reason: EndReason
    repaired: bool = False
    span_s: float | None = None
    event: EventRow | None = None
    url: str | None = None

    @property
    def last_at(self) -> datetime:
        """UTC of what it shows last."""
        return self.first_at + timedelta(seconds=self.seconds if self.span_s is None else self.span_s)

    def row(self) -> RecordingRow:
        """Return its row for the database."""
        return RecordingRow(
            self.id,
            "repaired" if self.repaired else "closed",
            str(self.path),
            self.first_at,
            self.last_at,
            self.cause,
            boot_in(self.id),
            self.size_bytes,
            self.frames,
            self.gap_s,
            self.codec,
            *self.size,
        )

    def facts(self) -> dict[str, object]:
        """Return the metadata of the film as JSON values."""
        media = {"id": self.id, "kind": self.kind, "path": str(self.path)}
        return {
            "media": media if self.url is None else {**media, "url": self.url},
            "seconds": round(self.seconds, 2),
            "frames": self.frames,
            "gap_s": round(self.gap_s, 2),
            "pre_roll_s": round(self.pre_roll_s, 2),
            "bytes": self.size_bytes,
            "began_at": iso(self.first_at),
            "reason": self.reason,
            "repaired": self.repaired,
        }
