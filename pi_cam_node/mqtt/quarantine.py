"""Messages that a broker chokes on: without this one of them would be sent again after each reconnect for ever."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pi_cam_node.mqtt.outbox import Sent

# So many sessions in a row that end so soon after one message make it the culprit.
STRIKES = 3
SOON_S = 10.0
# From this size on the largest message is suspected, below it the first that was not acknowledged.
LARGE_BYTES = 8192
# A quarantined topic gets another chance after this time: the broker may be another one by then.
HELD_S = 600.0
TOPICS_HELD = 8


class Quarantine:
    """Finds the message that ends session after session, and holds its topic back. Not thread-safe.

    Args:
        exempt: Topics that are never held back: without them there is no use in being connected.
    """

    def __init__(self, exempt: Collection[str]) -> None:
        self._exempt = exempt
        self._suspect: tuple[str, int] = ("", 0)
        self._held: dict[str, tuple[int, float]] = {}

    def session_ended(self, unacknowledged: Sequence[Sent], acknowledged: int, now_s: float) -> str | None:
        """Judge what was under way when a session broke; return a topic that is held back from now on.

        A session in which the broker took nothing says nothing of any message: the link may be bad.
        """
        recent = [
            sent.message
            for sent in unacknowledged
            if now_s - sent.since_s <= SOON_S and sent.message.topic not in self._exempt
        ]
        if not recent or not acknowledged:
            self._suspect = ("", 0)
            return None
        largest = max(recent, key=lambda message: message.size_bytes)
        culprit = largest if largest.size_bytes >= LARGE_BYTES else recent[0]
        topic, strikes = self._suspect
        strikes = strikes + 1 if topic == culprit.topic else 1
        if strikes < STRIKES:
            self._suspect = (culprit.topic, strikes)
            return None
        self._suspect = ("", 0)
        self._held[culprit.topic] = (culprit.size_bytes, now_s + HELD_S)
        while len(self._held) > TOPICS_HELD:
            del self._held[next(iter(self._held))]
        return culprit.topic

    def holds(self, topic: str, size_bytes: int, now_s: float) -> bool:
        """Return whether a message is held back: on such a topic, and not smaller than what did the harm."""
        least_bytes, until_s = self._held.get(topic, (0, 0.0))
        return size_bytes >= least_bytes and now_s < until_s
