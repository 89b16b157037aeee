"""Timing of frames: longest wait, frame rate, and reduction to a rate. No I/O; used in both processes."""

from __future__ import annotations

from collections import deque

LEAST_DEADLINE_S = 5.0
# libcamera hides up to eight frames after a start or a change of mode, until exposure and gains have settled.
HIDDEN_FRAMES = 8
# The rate is a mean over this many seconds.
RATE_WINDOW_S = 10.0


def frame_deadline_s(interval_s: float, exposure_s: float) -> float:
    """Return the longest wait for a frame, in seconds: max(5, 3 frame intervals, exposure + 3).

    Args:
        interval_s: Seconds between two frames.
        exposure_s: The fixed exposure in seconds; 0 for automatic.
    """
    return max(LEAST_DEADLINE_S, 3 * interval_s, exposure_s + 3)


def hidden_s(interval_s: float) -> float:
    """Return the seconds for which a camera may withhold frames after a start or a change of mode."""
    return HIDDEN_FRAMES * interval_s


class FrameRate:
    """Events per second over the last `RATE_WINDOW_S`, on the monotonic clock. Bounded by a thousand events."""

    def __init__(self) -> None:
        self._times_s: deque[float] = deque(maxlen=1000)

    def count(self, at_s: float) -> None:
        """Count an event at its time."""
        self._times_s.append(at_s)

    def per_second(self, now_s: float) -> float:
        """Return the rate; 0 where less than two events lie in the window."""
        # The last two are kept longer: a night's frames may lie further apart than the window is wide.
        while len(self._times_s) > 2 and now_s - self._times_s[0] > RATE_WINDOW_S:
            self._times_s.popleft()
        if len(self._times_s) < 2:
            return 0.0
        if now_s - self._times_s[-1] > max(RATE_WINDOW_S, 3 * (self._times_s[-1] - self._times_s[0])):
            return 0.0
        return (len(self._times_s) - 1) / max(1e-9, self._times_s[-1] - self._times_s[0])


class RateLimit:
    """Reduces a stream of images evenly to a frame rate."""

    def __init__(self) -> None:
        self._due_mono_s: float | None = None

    def admits(self, mono_s: float, interval_s: float) -> bool:
        """Return whether to use an image captured at a time.

        A camera at exactly the requested rate has jitter, so an image may be a quarter of the interval early. The next
        due time follows from the schedule, not from the last image, so the mean rate is kept.
        """
        if self._due_mono_s is None:
            self._due_mono_s = mono_s
        if mono_s < self._due_mono_s - interval_s / 4:
            return False
        self._due_mono_s = max(self._due_mono_s, mono_s - interval_s) + interval_s
        return True
