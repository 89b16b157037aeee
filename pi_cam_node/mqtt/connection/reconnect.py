"""Back-off: the wait before the next connection. Pure: the caller waits.

Full jitter, so that many nodes that lose one broker do not come back in the same second. The waits do not grow while
no broker answers: to be back within seconds matters more than a packet now and then. They do where a person has to do
something first: about a login that is refused, or two nodes with one client id, which put each other out for ever.
"""

from __future__ import annotations

import random
from collections import deque

from pi_cam_node.mqtt.connection.disconnect import Disconnect
from pi_cam_node.mqtt.connection.negotiation import SHORT_SESSION_S

# Two such waits are shorter than the delay of the last will, so that a short gap stays unseen by others even where
# the first attempt came too early; and of fifty nodes hardly ever more than twenty come within one second.
LEAST_S = 0.5
MOST_S = 7.5
# After a session so short that it hints at a clash: sooner, so that a clash is known within half a minute.
SOON_S = 4.0
# While a limit of the broker is searched for.
SEARCH_S = 1.0
# Where waiting will not help by itself.
SLOW_S = 60.0

REFUSALS_BEFORE_SLOW = 5
# So many short sessions in a row that the broker ended with a reason are enough to ask it less often.
SHORT_BEFORE_SLOW = 12
SIGNS_OF_CLASH = 5
SIGNS_WITHIN_S = 60.0
# Longer than the pause of a rival that has slowed down.
STABLE_S = 90.0


class Backoff:
    """The waits between connections.

    Args:
        rng: Source of the jitter.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._refusals = self._short = 0
        self._signs_s: deque[float] = deque(maxlen=SIGNS_OF_CLASH)
        self._clash = False

    @property
    def clash(self) -> bool:
        """Whether sessions end in such a way and so often that another client must be using the node's client id."""
        return self._clash

    def after_failure(self, *, refused: bool = False) -> float:
        """Return the seconds to wait after an attempt that the broker did not accept.

        Args:
            refused: It refused login or client id, or a certificate failed; after five times it is asked once a minute.
        """
        self._refusals = self._refusals + 1 if refused else 0
        self._signs_s.clear()  # a rival does not keep the node from connecting
        self._clash = self._clash and refused  # what broke the sessions was the link, or the broker
        if self._clash or self._refusals >= REFUSALS_BEFORE_SLOW:
            return SLOW_S
        return self._rng.uniform(LEAST_S, MOST_S)

    def after_session(
        self, end: Disconnect, now_s: float, *, searching: bool = False, ambiguous: bool = False
    ) -> float:
        """Return the seconds to wait after a session that the broker had accepted.

        Args:
            end: End of the session.
            now_s: When it ended, on the monotonic clock.
            searching: A limit of the broker was found or is being searched for.
            ambiguous: Perhaps; it may be another client as well.
        """
        self._refusals = 0
        lasted_s, taken_over = end.lasted_s or 0.0, end.cause == "taken over"
        if lasted_s >= STABLE_S and not taken_over:
            self._clash = False
            self._signs_s.clear()
        is_objection = lasted_s < SHORT_SESSION_S and end.cause not in ("network", "malformed")
        self._short = self._short + 1 if is_objection else 0
        # The broker's own reason counts double. MQTT 5 brokers ought to say it; mosquitto 2.0.11 only hangs up.
        is_bare = end.cause == "network" and not searching
        signs = 2 if taken_over else int(lasted_s < SHORT_SESSION_S and is_bare)
        if end.cause == "malformed":
            # The link is bad, and what it did before is no sign of a rival.
            self._signs_s.clear()
            signs = 0
        self._signs_s.extend([now_s] * signs)
        many = len(self._signs_s) == SIGNS_OF_CLASH
        self._clash = self._clash or (many and now_s - self._signs_s[0] <= SIGNS_WITHIN_S)
        if self._clash:
            return SLOW_S
        if self._short > SHORT_BEFORE_SLOW:
            return self._rng.uniform(SLOW_S / 4, SLOW_S / 2)
        if searching or ambiguous:
            return self._rng.uniform(LEAST_S, SEARCH_S)
        return self._rng.uniform(LEAST_S, SOON_S if signs else MOST_S)
