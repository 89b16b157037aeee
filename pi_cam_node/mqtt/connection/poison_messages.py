"""Finds a message that ends session after session, which would be sent again after each reconnect for ever."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet

from pi_cam_node.mqtt.connection.in_flight import Sent
from pi_cam_node.mqtt.messages.message import Message

# So many sessions in a row that end so soon after one message make it the culprit.
STRIKES = 3
SOON_S = 10.0
# A topic that is held gets another chance after this time: the broker may be another one by then.
HELD_S = 600.0
# What did harm below this size did not do it by its size, so an empty message on its topic would do the same.
SMALL_BYTES = 8192
TOPICS_HELD = 8


class PoisonMessageGuard:
    """Finds the message that ends session after session, and holds its topic back. Not thread-safe.

    Args:
        exempt: Topics that are never held back: without them there is no use in being connected.
    """

    def __init__(self, exempt: Collection[str]) -> None:
        self._exempt = exempt
        self._suspects: AbstractSet[str] = frozenset()
        self._strikes = 0
        self._held: dict[str, tuple[int, float]] = {}

    @property
    def is_isolating(self) -> bool:
        """Whether the next session shall have one message in flight at a time, so that it is known which one it was."""
        return bool(self._suspects)

    @property
    def has_pattern(self) -> bool:
        """Whether the same message was in flight at the end of more than one session."""
        return self._strikes > 1

    def session_ended(self, suspects: Sequence[Sent], acknowledged: int, now_s: float) -> str | None:
        """Judge what was in flight when a session broke; return a topic that is held back from now on.

        A session in isolation in which the broker took nothing says nothing of any message: the link may be bad.

        Args:
            suspects: Messages that the broker may not have taken, the most suspicious first.
            acknowledged: Number of QoS 1 messages that the broker took before.
            now_s: When the session ended, on the monotonic clock.
        """
        isolating = self.is_isolating
        recent = [s.message for s in suspects if now_s - s.since_s <= SOON_S and self._may_be_held(s.message)]
        topics = {message.topic for message in recent}
        if isolating and not acknowledged:
            self._suspects, self._strikes = topics, 0
            return None
        again = topics & self._suspects
        self._strikes = self._strikes + 1 if again else 1
        self._suspects = again or topics
        if not recent or self._strikes < STRIKES:
            return None
        culprit = next(message for message in recent if message.topic in self._suspects)
        self._suspects, self._strikes = frozenset(), 0
        self._held[culprit.topic] = (culprit.size_bytes, now_s + HELD_S)
        while len(self._held) > TOPICS_HELD:
            del self._held[next(iter(self._held))]
        return culprit.topic

    def _may_be_held(self, message: Message) -> bool:
        """Replies and events are given up one by one, after some tries; their topics are all too often under way."""
        return not message.queue_offline and message.topic not in self._exempt

    def holds(self, topic: str, size_bytes: int, now_s: float) -> bool:
        """Return whether a message is held back: on such a topic, and not smaller than what did the harm."""
        least_bytes, until_s = self._held.get(topic, (0, 0.0))
        return size_bytes >= least_bytes and now_s < until_s
