"""Rate of events, from their times."""

from __future__ import annotations

from collections import deque

# The rate is a mean over this many seconds.
WINDOW_S = 10.0


class FrameRate:
    """Events per second over the last `WINDOW_S`, on the monotonic clock. Bounded by a thousand events."""

    def __init__(self) -> None:
        self._times_s: deque[float] = deque(maxlen=1000)

    def count(self, now_s: float) -> None:
        """Count one event."""
        self._times_s.append(now_s)

    def per_second(self, now_s: float) -> float:
        """Return the rate; 0 where less than two events lie in the window."""
        # The last two are kept longer: a night's frames may lie further apart than the window is wide.
        while len(self._times_s) > 2 and now_s - self._times_s[0] > WINDOW_S:
            self._times_s.popleft()
        if len(self._times_s) < 2:
            return 0.0
        if now_s - self._times_s[-1] > max(WINDOW_S, 3 * (self._times_s[-1] - self._times_s[0])):
            return 0.0
        return (len(self._times_s) - 1) / max(1e-9, self._times_s[-1] - self._times_s[0])
