"""Rate limit: bounds the number of messages sent within a second. Pure."""

from __future__ import annotations

from collections import deque

WINDOW_S = 1.0
# More a second than any broker's quota that the node has to respect.
MOST_PER_S = 1000


class Pacing:
    """Counts the messages of the last second. Thread: the node thread."""

    def __init__(self) -> None:
        self._sent_s: deque[float] = deque(maxlen=MOST_PER_S)

    def has_room(self, rate_per_s: int, now_s: float) -> bool:
        """Return whether one more message stays within a rate, on the monotonic clock."""
        while self._sent_s and now_s - self._sent_s[0] >= WINDOW_S:
            self._sent_s.popleft()
        return len(self._sent_s) < rate_per_s

    def sent(self, now_s: float) -> None:
        """Note a message."""
        self._sent_s.append(now_s)
