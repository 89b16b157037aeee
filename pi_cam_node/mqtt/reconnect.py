"""How long to wait before the next connection. Pure: the caller waits.

Full jitter, so that many nodes that lose one broker do not come back in the same second. The waits do not grow while
nobody is there: to be back within seconds matters more than a packet now and then. They do where a person has to do
something first: about a login that is refused, or two nodes with one client id, which put each other out for ever.
"""

from __future__ import annotations

import random
from collections import deque
from typing import Literal

Version = Literal["5", "3.1.1"]
Cause = Literal["network", "credentials", "certificate", "version", "silence"]
"""Why a connection was not accepted.

``certificate``: we do not take the broker's. ``version``: the broker refused the version of MQTT. ``silence``: it took
the connection and hung up, or said nothing, before it accepted or refused.
"""

# Two such waits are shorter than the delay of the last will, so that a short gap stays unseen by others even where
# the first attempt came too early; and of fifty nodes hardly ever more than twenty come within one second.
LEAST_S = 0.5
MOST_S = 7.5
# After a session so short that it says something: sooner, so that a clash is known within half a minute.
SOON_S = 4.0
# Where waiting will not help by itself.
SLOW_S = 60.0

REFUSALS_BEFORE_SLOW = 5
SHORT_SESSION_S = 5.0
SIGNS_OF_CLASH = 5
SIGNS_WITHIN_S = 60.0
# Longer than a rival that has slowed down leaves us alone.
STABLE_S = 90.0


class Backoff:
    """The waits between connections.

    Args:
        rng: Source of the jitter.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._refusals = 0
        self._signs_s: deque[float] = deque(maxlen=SIGNS_OF_CLASH)
        self._clash = False

    @property
    def clash(self) -> bool:
        """Whether sessions end in such a way and so often that another client must be using our id."""
        return self._clash

    def after_failure(self, *, refused: bool = False) -> float:
        """Return the seconds to wait after an attempt that the broker did not accept.

        Args:
            refused: It refused who we are, or we refused it; after five times it is asked once a minute.
        """
        self._refusals = self._refusals + 1 if refused else 0
        self._signs_s.clear()  # a rival does not keep us from connecting
        if self._clash or self._refusals >= REFUSALS_BEFORE_SLOW:
            return SLOW_S
        return self._rng.uniform(LEAST_S, MOST_S)

    def after_session(self, lasted_s: float, now_s: float, *, taken_over: bool = False, noisy: bool = False) -> float:
        """Return the seconds to wait after a session that the broker had accepted.

        Args:
            lasted_s: How long it was up.
            now_s: When it ended, on the monotonic clock.
            taken_over: The broker said that another client came with our id. MQTT 5 brokers ought to; mosquitto 2.0.11
                only hangs up.
            noisy: One of the two could not read what the other sent: the link is bad, and what it did before is no
                sign of a rival.
        """
        self._refusals = 0
        if lasted_s >= STABLE_S and not taken_over:
            self._clash = False
            self._signs_s.clear()
        # What the broker says counts double.
        signs = 2 if taken_over else int(lasted_s < SHORT_SESSION_S)
        if noisy:
            self._signs_s.clear()
            signs = 0
        self._signs_s.extend([now_s] * signs)
        many = len(self._signs_s) == SIGNS_OF_CLASH
        self._clash = self._clash or (many and now_s - self._signs_s[0] <= SIGNS_WITHIN_S)
        if self._clash:
            return SLOW_S
        return self._rng.uniform(LEAST_S, SOON_S if signs else MOST_S)


class ProtocolChoice:
    """Starts with MQTT 5 and falls back to 3.1.1 where the broker does not take it.

    What worked is kept while the node runs: a broker that is only slow must not lose us the features of
    MQTT 5, nor one that lacks them cost a futile attempt at each reconnect.

    Args:
        setting: ``mqtt.protocol``.
    """

    def __init__(self, setting: Literal["auto", "5", "3.1.1"]) -> None:
        self._may_change = setting == "auto"
        self._proven = False
        self.version: Version = "3.1.1" if setting == "3.1.1" else "5"

    def accepted(self) -> None:
        """Remember that the version in use works."""
        self._proven = True

    def failed(self, cause: Cause) -> bool:
        """Choose again after a connection that was not accepted; return whether to try at once, without a wait."""
        is_suspect = cause == "version" or (cause == "silence" and not self._proven)
        if not self._may_change or not is_suspect:
            return False
        was_five = self.version == "5"
        self.version = "3.1.1" if was_five else "5"
        self._proven = False
        # Back to 5 only after the wait: both failed, so the version was not the reason.
        return was_five
