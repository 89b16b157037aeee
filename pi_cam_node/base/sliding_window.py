"""Sliding-window rate limit (monotonic seconds). No I/O."""

from __future__ import annotations

from collections import deque

# Greatest limit; only this many of the newest times are kept.
MOST = 1000


class SlidingWindow:
    """Counts occurrences within the last seconds. Thread: one.

    Args:
        window_s: Length of the window in seconds.
    """

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._times_s: deque[float] = deque(maxlen=MOST)

    def has_room(self, most: int, now_s: float) -> bool:
        """Return whether fewer than ``most`` (at most `MOST`) occurrences lie within the window."""
        while self._times_s and now_s - self._times_s[0] >= self._window_s:
            self._times_s.popleft()
        return len(self._times_s) < most

    def count(self, now_s: float) -> None:
        """Count an occurrence, even beyond the limit."""
        self._times_s.append(now_s)

    def allow(self, most: int, now_s: float) -> bool:
        """Count an occurrence unless the limit is reached; return whether it was counted."""
        has_room = self.has_room(most, now_s)
        if has_room:
            self.count(now_s)
        return has_room
