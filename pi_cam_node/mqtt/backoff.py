"""How long to wait before the next connection. Pure: the caller waits.

Full jitter, so that many nodes that lose one broker do not come back in the same second. Two nodes with
one client id put each other out for ever; such a pair is noticed by its short sessions and slowed down.
"""

from __future__ import annotations

import random
from collections import deque

LEAST_S = 1.0
FIRST_CEILING_S = 5.0
CEILING_S = 60.0
STABLE_S = 60.0

REFUSALS_BEFORE_SLOW = 5
SHORT_SESSION_S = 5.0
SHORT_SESSIONS = 5
SHORT_SESSIONS_WITHIN_S = 60.0


class Backoff:
    """The waits between connections.

    Args:
        rng: Source of the jitter.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._ceiling_s = FIRST_CEILING_S
        self._refusals = 0
        self._short_ends_s: deque[float] = deque(maxlen=SHORT_SESSIONS)
        self._clash = False

    @property
    def clash(self) -> bool:
        """Whether sessions end so soon and so often that another client must be using our id."""
        return self._clash

    def after_failure(self, *, credentials: bool = False) -> float:
        """Return the seconds to wait after an attempt that the broker did not accept.

        Args:
            credentials: It refused who we are; after five times it is asked once a minute.
        """
        self._refusals = self._refusals + 1 if credentials else 0
        if self._clash or self._refusals >= REFUSALS_BEFORE_SLOW:
            return CEILING_S
        return self._escalate()

    def after_session(self, lasted_s: float, now_s: float) -> float:
        """Return the seconds to wait after a session that the broker had accepted.

        Args:
            lasted_s: How long it was up.
            now_s: When it ended, on the monotonic clock.
        """
        self._refusals = 0
        if lasted_s >= STABLE_S:
            self._ceiling_s = FIRST_CEILING_S
            self._clash = False
            self._short_ends_s.clear()
            return self._escalate()
        if lasted_s < SHORT_SESSION_S:
            self._short_ends_s.append(now_s)
        many = len(self._short_ends_s) == SHORT_SESSIONS
        self._clash = self._clash or (many and now_s - self._short_ends_s[0] <= SHORT_SESSIONS_WITHIN_S)
        # The broker is there and takes us, so the wait stays short until the sessions say that it is a clash.
        return CEILING_S if self._clash else self._rng.uniform(LEAST_S, FIRST_CEILING_S)

    def _escalate(self) -> float:
        delay_s = self._rng.uniform(LEAST_S, self._ceiling_s)
        self._ceiling_s = min(CEILING_S, 2 * self._ceiling_s)
        return delay_s
