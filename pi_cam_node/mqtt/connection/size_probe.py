"""Searches for the largest packet that a broker takes, by larger and larger messages to a topic of the node's own.

Brokers that do not tell their limit hang up on what is larger, or acknowledge it and throw it away. So each message has
to come back; where the first one is acknowledged and does not, since the login may not read it, acknowledgements must
do.
"""

from __future__ import annotations

from collections.abc import Callable

import paho.mqtt.client as paho

from pi_cam_node.mqtt.messages.message import Message

LEAST_BYTES = 1024
ECHO_TIMEOUT_S = 3.0


class Sizes:
    """Sequence of the sizes that one search tries. Pure.

    Args:
        proven_bytes: Size of the largest packet that the broker is known to take.
        suspect_bytes: Size of the packet that it seems not to take.
    """

    def __init__(self, proven_bytes: int, suspect_bytes: int) -> None:
        self._most_bytes = suspect_bytes
        self._echoes = True
        self._acknowledged_s: float | None = None
        self.passed_bytes = 0
        self.size_bytes = min(max(LEAST_BYTES, proven_bytes), suspect_bytes)
        self.is_over = False

    @property
    def failed_bytes(self) -> int | None:
        """Size of the packet that the broker did not take; ``None`` where it took all."""
        return self.size_bytes if self.passed_bytes < self._most_bytes else None

    def acknowledged(self, now_s: float) -> None:
        """Note that the message under way was acknowledged."""
        if self._acknowledged_s is None:
            self._acknowledged_s = now_s

    def echoed(self) -> bool:
        """Note that the message under way came back; return whether there is another one to send."""
        self.passed_bytes = self.size_bytes
        self._acknowledged_s = None
        self.is_over = self.passed_bytes >= self._most_bytes
        if not self.is_over:
            self.size_bytes = min(2 * self.size_bytes, self._most_bytes)
        return not self.is_over

    def tick(self, now_s: float) -> bool:
        """Judge a message that was acknowledged and did not come back; return whether there is another one to send."""
        if self.is_over or self._acknowledged_s is None:
            return False
        if self._echoes and now_s - self._acknowledged_s < ECHO_TIMEOUT_S:
            return False
        self._echoes = self._echoes and self.passed_bytes > 0
        if self._echoes:
            self.is_over = True
            return False
        return self.echoed()


def probe_of(client: paho.Client, topic: str, proven_bytes: int, suspect_bytes: int) -> SizeProbe:
    """Return a search over a connection; a packet's size is reckoned as that of any `Message`.

    Args:
        client: Connected.
        topic: Where to publish, with QoS 1 and not retained.
        proven_bytes: Size of the largest packet that the broker is known to take.
        suspect_bytes: Size of the packet that it seems not to take.
    """

    def send(size_bytes: int) -> int:
        payload = b" " * max(0, size_bytes - Message(topic, b"").size_bytes)
        return client.publish(topic, payload, 1).mid

    return SizeProbe(Sizes(proven_bytes, suspect_bytes), lambda: client.subscribe(topic, 1), send)


class SizeProbe:
    """One search for the packet limit. Thread: the session's.

    Args:
        sizes: Sizes to try.
        subscribe: Subscribes to the topic that is tried.
        send: Publishes a message that is a packet of so many bytes; returns the number of the packet.
    """

    def __init__(self, sizes: Sizes, subscribe: Callable[[], object], send: Callable[[int], int]) -> None:
        self._sizes = sizes
        self._subscribe = subscribe
        self._send = send
        self._mid: int | None = None
        self._is_told = False

    @property
    def under_way(self) -> tuple[int, int] | None:
        """Sizes of the largest packet that passed and of the one under way; ``None`` where none is."""
        sizes = self._sizes
        return None if sizes.is_over or self._mid is None else (sizes.passed_bytes, sizes.size_bytes)

    def step(self, now_s: float) -> tuple[int, int | None] | None:
        """Go on; return, once, the size that passed and the one that did not, when it is over."""
        if self._mid is None:
            self._subscribe()
            self._mid = self._send(self._sizes.size_bytes)
        elif self._sizes.tick(now_s):
            self._mid = self._send(self._sizes.size_bytes)
        if not self._sizes.is_over or self._is_told:
            return None
        self._is_told = True
        return self._sizes.passed_bytes, self._sizes.failed_bytes

    def acknowledged(self, mid: int, now_s: float) -> bool:
        """Note an acknowledgement; return whether it was for a message of this search."""
        if mid != self._mid:
            return False
        self._sizes.acknowledged(now_s)
        return True

    def echoed(self) -> None:
        """Note that the message under way came back."""
        if not self._sizes.is_over and self._sizes.echoed():
            self._mid = self._send(self._sizes.size_bytes)
