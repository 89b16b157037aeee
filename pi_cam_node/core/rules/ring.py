"""Ring buffer of frames in memory: JPEG and metadata, bounded by count, seconds and bytes, selected by time.

The frame rate varies and drops at night, so positions are times, not frame counts. The pictures are in one block of
memory, see `BlockRing`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import field
from datetime import datetime

from pi_cam_node.base.block_ring import BlockRing
from pi_cam_node.base.errors import NoFrames
from pi_cam_node.base.frozen import frozen, statically_frozen
from pi_cam_node.base.ring_records import Pin, Reader, Record
from pi_cam_node.base.units import MIB
from pi_cam_node.imaging.frame import Mode, Sensor

# Tolerance before the oldest frame (or one frame interval, if longer) within which a time counts as held.
TOLERANCE_S = 1.0


@statically_frozen
class Facts:
    """Metadata of a picture in the ring; see `RingFrame`."""

    seq: int
    at: datetime
    mode: Mode
    sensor: Sensor


@statically_frozen
class RingFrame:
    """One frame of the ring, with its picture.

    Attributes:
        seq: Number of the frame.
        mono_s: End of exposure, monotonic seconds.
        at: The same in UTC, by the wall clock of that time.
        picture: The JPEG, or its place in the ring; see `jpeg`.
        mode: Mode of the camera.
        sensor: Exposure and gain.
    """

    seq: int
    mono_s: float
    at: datetime
    picture: bytes | Pin[Facts] = field(repr=False)
    mode: Mode
    sensor: Sensor

    @property
    def jpeg(self) -> bytes:
        """The JPEG; read from the ring each time, to avoid copies in memory. Thread: any.

        Raises:
            NoFrames: The ring was wiped since it was selected.
        """
        jpeg = self.picture if isinstance(self.picture, bytes) else self.picture.read()
        if jpeg is None:
            raise NoFrames("the ring was wiped meanwhile", text="NO_FRAMES")
        return jpeg

    @property
    def size_bytes(self) -> int:
        """Length of the picture."""
        return len(self.picture) if isinstance(self.picture, bytes) else self.picture.record.size_bytes


@frozen
class Limits:
    """Bounds of a ring: frames, seconds between oldest and newest, and bytes of JPEG."""

    frames: int
    seconds: float
    size_bytes: int


class Ring:
    """Frames in order of time.

    Thread: one. Selected frames stay readable while referenced.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._block: BlockRing[Facts] = BlockRing(limits.size_bytes)

    def __len__(self) -> int:
        return len(self._block)

    @property
    def size_bytes(self) -> int:
        """Bytes of JPEG held."""
        return self._block.size_bytes

    @property
    def seconds(self) -> float:
        """Seconds between the oldest and the newest frame."""
        first, last = self._block.first, self._block.last
        return 0.0 if first is None or last is None else last.mono_s - first.mono_s

    @property
    def newest_mono_s(self) -> float | None:
        """Monotonic time of the newest frame; ``None`` when empty."""
        last = self._block.last
        return None if last is None else last.mono_s

    def figures(self) -> dict[str, float]:
        """Return the ring's telemetry figures."""
        return {
            "ring_frames": len(self),
            "ring_mib": round(self.size_bytes / MIB, 2),
            "ring_seconds": round(self.seconds, 1),
        }

    def limit(self, limits: Limits) -> None:
        """Change the limits, with immediate effect."""
        self._limits = limits
        self._block.resize(limits.size_bytes)
        self._evict(0)

    def add(self, frame: RingFrame) -> bool:
        """Append a frame and evict old ones; return false if it is dropped: not newer than the newest, or too large."""
        last = self._block.last
        if last is not None and frame.mono_s <= last.mono_s:
            return False
        # Evict first, so that memory is reused.
        self._evict(1, frame.mono_s)
        facts = Facts(frame.seq, frame.at, frame.mode, frame.sensor)
        return self._block.append(frame.mono_s, frame.jpeg, facts) is not None

    def clear(self) -> None:
        """Drop and overwrite all frames."""
        self._block.clear()

    def _evict(self, more: int, until_mono_s: float | None = None) -> None:
        """Evict the oldest until the limits hold with ``more`` additional frames up to a monotonic time."""
        while (first := self._block.first) is not None:
            last_mono_s = self.newest_mono_s if until_mono_s is None else until_mono_s
            is_old = last_mono_s is not None and last_mono_s - first.mono_s > self._limits.seconds
            if not is_old and len(self._block) + more <= self._limits.frames:
                return
            self._block.drop_oldest()

    def last(self, count: int, most_bytes: int | None = None) -> Sequence[RingFrame]:
        """Return the newest frames, oldest first: at most ``count``, and ``most_bytes`` of JPEG if given."""
        records = list(self._block.records()[-count:]) if count > 0 else []
        while most_bytes is not None and sum(record.size_bytes for record in records) > most_bytes:
            del records[0]
        return self._taken(records)

    def around(self, mono_s: float, count: int) -> Sequence[RingFrame]:
        """Return the ``count`` frames closest to a time, oldest first; empty if it is not held.

        A time after the newest frame yields the newest ones, since a long exposure may be running.
        """
        records = self._block.records()
        if not self._holds(mono_s) or count < 1:
            return []
        start = end = bisect_left(records, mono_s, key=lambda each: each.mono_s)
        while end - start < min(count, len(records)):
            take_later = start == 0 or (
                end < len(records) and records[end].mono_s - mono_s <= mono_s - records[start - 1].mono_s
            )
            start, end = (start, end + 1) if take_later else (start - 1, end)
        return self._taken(records[start:end])

    def between(self, first_mono_s: float, last_mono_s: float, most: int | None = None) -> Sequence[RingFrame]:
        """Return the frames of a closed time span, oldest first, at most ``most`` + 1."""
        records = self._block.records()
        start = bisect_left(records, first_mono_s, key=lambda each: each.mono_s)
        end = bisect_right(records, last_mono_s, key=lambda each: each.mono_s)
        return self._taken(records[start : end if most is None else min(end, start + most + 1)])

    def _taken(self, records: Sequence[Record[Facts]]) -> Sequence[RingFrame]:
        """Return frames whose pictures are pinned."""
        pins = (self._block.pin(record) for record in records)
        return [_frame_of(pin) for pin in pins if pin is not None]

    def reader(self, mono_s: float) -> Reader[Facts]:
        """Return a reader that starts at the last frame at or before a time, or the oldest. Thread: any."""
        return self._block.reader(self._block.key_before(mono_s))

    def newest(self) -> tuple[float, float, bytes] | None:
        """Return the newest frame's monotonic time, the seconds since the one before it, and its JPEG. Thread: any.

        ``None`` when empty; 0 seconds for a single frame.
        """
        last = self._block.last
        jpeg = None if last is None else self._block.read(last)
        if last is None or jpeg is None:
            return None
        records = self._block.records()
        before = next((one.mono_s for one in reversed(records) if one.mono_s < last.mono_s), last.mono_s)
        return last.mono_s, last.mono_s - before, jpeg

    def _holds(self, mono_s: float) -> bool:
        first = self._block.first
        if first is None:
            return False
        interval_s = self.seconds / max(1, len(self._block) - 1)
        return mono_s >= first.mono_s - max(TOLERANCE_S, interval_s)


def _frame_of(pin: Pin[Facts]) -> RingFrame:
    facts = pin.record.meta
    return RingFrame(facts.seq, pin.record.mono_s, facts.at, pin, facts.mode, facts.sensor)
