"""Films: results of the recorder, and orders for clips."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from pi_cam_node.base.clock import iso
from pi_cam_node.base.frozen import frozen
from pi_cam_node.core.history import EventRow, FilmKind, RecordingRow
from pi_cam_node.core.rules.recording import EndReason

EncoderKind = Literal["none", "camera", "board", "software"]
"""What makes the video: nothing, the camera itself (its packets are copied), the board's encoder, or libx264."""


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
    """A film that lies on the disk, whole and synced.

    Attributes:
        id: Its id, as those of pictures.
        kind: What it is.
        path: Its absolute path.
        event_id: The event that it belongs to; empty for none.
        cause: What it was recorded for.
        first_at: UTC of its first picture; `first_mono_s` the same on the monotonic clock.
        seconds: Its length.
        last_picture_s: Seconds from its first picture to its last.
        frames: Pictures in it.
        gap_s: Seconds of it that were lost on the way.
        pre_roll_s: Seconds of it before its event began.
        size_bytes: Of the file.
        size: Width and height in pixels.
        codec: As RFC 6381 names it.
        reason: Why it ended.
        repaired: It was cut off by a crash and mended.
        span_s: Seconds that it shows, at least, where those are more than its length: of a timelapse.
        event: Its event, for one that was mended: as the header of its file tells it, for no other part knows it now.
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

    def row(self, boot: str) -> RecordingRow:
        """Return it as it is kept in the list of films."""
        return RecordingRow(
            self.id,
            "repaired" if self.repaired else "closed",
            str(self.path),
            self.first_at,
            self.last_at,
            self.cause,
            boot,
            self.size_bytes,
            self.frames,
            self.gap_s,
            self.codec,
            *self.size,
        )

    def facts(self) -> dict[str, object]:
        """Return the facts of the film as JSON values."""
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
