"""Back-off: computes the wait before the next connection. No I/O.

Full jitter, so that many nodes do not reconnect in the same second. Waits do not grow while no broker answers, as a
quick return matters more than a few packets. They grow if a person must act first: a refused login, or two nodes with
one client id, which disconnect each other.
"""

from __future__ import annotations

import random
from collections import deque

from pi_cam_node.mqtt.connection.disconnect import Disconnect
from pi_cam_node.mqtt.connection.negotiation import SHORT_SESSION_S

# Two such waits are shorter than the will delay, so that short gaps stay unnoticed even after one failed attempt; and
# of fifty nodes hardly ever more than twenty connect within one second.
LEAST_S = 0.5
MOST_S = 7.5
# After a short session, which suggests a client id clash: shorter, to detect it within half a minute.
SOON_S = 4.0
# While a limit of the broker is searched for.
SEARCH_S = 1.0
# If a person must act.
SLOW_S = 60.0

REFUSALS_BEFORE_SLOW = 5
# Consecutive short sessions ended by the broker with a reason before waits grow.
SHORT_BEFORE_SLOW = 12
SIGNS_OF_CLASH = 5
SIGNS_WITHIN_S = 60.0
# Longer than the wait of a rival node that has slowed down.
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
        """Whether another client seems to use the node's client id."""
        return self._clash

    def after_failure(self, *, refused: bool = False) -> float:
        """Return the seconds to wait after a refused attempt.

        Args:
            refused: Login, client id or certificate was refused; after five times retried once a minute.
        """
        self._refusals = self._refusals + 1 if refused else 0
        self._signs_s.clear()  # a rival would not prevent connecting
        self._clash = self._clash and refused  # sessions were ended by link or broker
        if self._clash or self._refusals >= REFUSALS_BEFORE_SLOW:
            return SLOW_S
        return self._rng.uniform(LEAST_S, MOST_S)

    def after_session(
        self, end: Disconnect, now_s: float, *, searching: bool = False, ambiguous: bool = False
    ) -> float:
        """Return the seconds to wait after an accepted session.

        Args:
            end: End of the session.
            now_s: Time of its end, monotonic seconds.
            searching: A limit of the broker was found or is being searched for.
            ambiguous: The cause may also be another client.
        """
        self._refusals = 0
        lasted_s, taken_over = end.lasted_s or 0.0, end.cause == "taken over"
        if lasted_s >= STABLE_S and not taken_over:
            self._clash = False
            self._signs_s.clear()
        is_objection = lasted_s < SHORT_SESSION_S and end.cause not in ("network", "malformed")
        self._short = self._short + 1 if is_objection else 0
        # The broker's own reason counts double. MQTT 5 brokers should send it; mosquitto 2.0.11 only closes the
        # connection.
        is_bare = end.cause == "network" and not searching
        signs = 2 if taken_over else int(lasted_s < SHORT_SESSION_S and is_bare)
        if end.cause == "malformed":
            # The link is bad, so earlier ends are no sign of a rival.
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
