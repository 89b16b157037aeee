"""The last seconds, in memory: JPEG and metadata, bounded by count, seconds and bytes, selected by time.

Frames come at any rate and stop coming at night, so a moment is always a time and never a number of
frames times a nominal rate. Raw pixels are not kept: they would take thirteen times the memory.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pi_cam_node.imaging.frame import Mode, Sensor

# A moment this far before the oldest frame, or one frame interval where that is longer, still counts as held.
TOLERANCE_S = 1.0


@dataclass(frozen=True, slots=True)
class RingFrame:
    """One frame of the past.

    Attributes:
        seq: Number of the frame.
        mono_s: Monotonic time at which its exposure had ended.
        at: The same in UTC, as the wall clock stood then.
        jpeg: The picture.
        mode: Mode of the camera.
        sensor: What the sensor said.
    """

    seq: int
    mono_s: float
    at: datetime
    jpeg: bytes = field(repr=False)
    mode: Mode
    sensor: Sensor


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a ring: frames, seconds between oldest and newest, and bytes of JPEG."""

    frames: int
    seconds: float
    size_bytes: int


class Ring:
    """Frames in order of time. Used by one thread."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._frames: deque[RingFrame] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def size_bytes(self) -> int:
        """Bytes of JPEG held."""
        return self._bytes

    @property
    def seconds(self) -> float:
        """Seconds between the oldest and the newest frame."""
        return self._frames[-1].mono_s - self._frames[0].mono_s if self._frames else 0.0

    def limit(self, limits: Limits) -> None:
        """Set other bounds; they hold at once."""
        self._limits = limits
        self._evict()

    def add(self, frame: RingFrame) -> bool:
        """Append a frame and drop what no longer fits; return whether it is newer than the newest, and so kept."""
        if self._frames and frame.mono_s <= self._frames[-1].mono_s:
            return False
        self._frames.append(frame)
        self._bytes += len(frame.jpeg)
        self._evict()
        return True

    def clear(self) -> None:
        """Forget everything."""
        self._frames.clear()
        self._bytes = 0

    def _evict(self) -> None:
        limits, frames = self._limits, self._frames
        while frames and (
            len(frames) > limits.frames
            or self._bytes > limits.size_bytes
            or frames[-1].mono_s - frames[0].mono_s > limits.seconds
        ):
            self._bytes -= len(frames.popleft().jpeg)

    def last(self, count: int) -> Sequence[RingFrame]:
        """Return the newest frames, oldest first, ``count`` at most."""
        return list(self._frames)[-count:] if count > 0 else []

    def around(self, mono_s: float, count: int) -> Sequence[RingFrame]:
        """Return the ``count`` frames closest to a moment, oldest first; empty where it is not held.

        A moment after the newest frame is answered by the newest ones: a long exposure is still
        under way then.
        """
        frames = list(self._frames)
        if not self._holds(mono_s) or count < 1:
            return []
        start = end = bisect_left(frames, mono_s, key=lambda f: f.mono_s)
        while end - start < min(count, len(frames)):
            take_later = start == 0 or (
                end < len(frames) and frames[end].mono_s - mono_s <= mono_s - frames[start - 1].mono_s
            )
            start, end = (start, end + 1) if take_later else (start - 1, end)
        return frames[start:end]

    def between(self, first_mono_s: float, last_mono_s: float) -> Sequence[RingFrame]:
        """Return the frames of a span of time, both ends included, oldest first."""
        frames = list(self._frames)
        start = bisect_left(frames, first_mono_s, key=lambda f: f.mono_s)
        return frames[start : bisect_right(frames, last_mono_s, key=lambda f: f.mono_s)]

    def _holds(self, mono_s: float) -> bool:
        if not self._frames:
            return False
        interval_s = self.seconds / max(1, len(self._frames) - 1)
        return mono_s >= self._frames[0].mono_s - max(TOLERANCE_S, interval_s)
