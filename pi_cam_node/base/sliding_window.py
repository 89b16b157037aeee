"""Sliding window: bounds how often something happens within a time. Pure: monotonic times, in seconds."""

from __future__ import annotations

from collections import deque

# More than this is never asked for, so of a flood only the newest are kept.
MOST = 1000


class SlidingWindow:
    """Counts what happened within the last seconds. Thread: one.

    Args:
        window_s: Length of the window in seconds.
    """

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._times_s: deque[float] = deque(maxlen=MOST)

    def has_room(self, most: int, now_s: float) -> bool:
        """Return whether less than ``most``, which is at most `MOST`, happened within the window that ends now."""
        while self._times_s and now_s - self._times_s[0] >= self._window_s:
            self._times_s.popleft()
        return len(self._times_s) < most

    def count(self, now_s: float) -> None:
        """Count one more, whether there is room or not."""
        self._times_s.append(now_s)

    def allow(self, most: int, now_s: float) -> bool:
        """Count one more where there is room; return whether there was."""
        has_room = self.has_room(most, now_s)
        if has_room:
            self.count(now_s)
        return has_room
