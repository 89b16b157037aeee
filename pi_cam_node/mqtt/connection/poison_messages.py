"""Detects a poison message: one that ends each session and would be sent again after each reconnect."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet

from pi_cam_node.mqtt.connection.in_flight import Sent
from pi_cam_node.mqtt.messages.message import Message

# Consecutive sessions that end so soon after the same message before it is held back.
STRIKES = 3
SOON_S = 10.0
# A held topic is released after this time, as the broker may have changed.
HELD_S = 600.0
# Below this size the size is not the cause, so all messages on the topic are held.
SMALL_BYTES = 8192
TOPICS_HELD = 8


class PoisonMessageGuard:
    """Detects the message that ends sessions, and holds its topic back. Not thread-safe.

    Args:
        exempt: Essential topics that are never held back.
    """

    def __init__(self, exempt: Collection[str]) -> None:
        self._exempt = exempt
        self._suspects: AbstractSet[str] = frozenset()
        self._strikes = 0
        self._held: dict[str, tuple[int, float]] = {}

    @property
    def is_isolating(self) -> bool:
        """Whether the next session should have one message in flight at a time, to identify the cause."""
        return bool(self._suspects)

    @property
    def has_pattern(self) -> bool:
        """Whether the same message was in flight at the end of more than one session."""
        return self._strikes > 1

    def session_ended(self, suspects: Sequence[Sent], acknowledged: int, now_s: float) -> str | None:
        """Evaluate the messages in flight when a session broke; return a topic that is now held back.

        An isolated session without any acknowledgement is ignored, as the link may be bad.

        Args:
            suspects: Messages that may be the cause, the most suspicious first.
            acknowledged: Number of QoS 1 messages acknowledged before.
            now_s: End of the session, monotonic seconds.
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
        """Whether a topic may be held back; replies and events are dropped one by one after some attempts instead."""
        return not message.queue_offline and message.topic not in self._exempt

    def holds(self, topic: str, size_bytes: int, now_s: float) -> bool:
        """Return whether a message is held back: on a held topic, and at least as large as the cause."""
        least_bytes, until_s = self._held.get(topic, (0, 0.0))
        return size_bytes >= least_bytes and now_s < until_s
