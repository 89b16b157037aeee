"""Searches for a broker's packet limit, by messages of increasing size to the node's own topic.

Brokers that do not announce their limit close the connection on larger packets, or acknowledge and drop them. So each
message must come back; if the first one does not, because the login may not read it, acknowledgements are used instead.
"""

from __future__ import annotations

from collections.abc import Callable

import paho.mqtt.client as paho

from pi_cam_node.mqtt.messages.message import Message

LEAST_BYTES = 1024
ECHO_TIMEOUT_S = 3.0


class Sizes:
    """Sequence of sizes of one search. No I/O.

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
        """Size of the refused packet; ``None`` if all were accepted."""
        return self.size_bytes if self.passed_bytes < self._most_bytes else None

    def acknowledged(self, now_s: float) -> None:
        """Process the acknowledgement of the current message."""
        if self._acknowledged_s is None:
            self._acknowledged_s = now_s

    def echoed(self) -> bool:
        """Process the return of the current message; return whether to send another one."""
        self.passed_bytes = self.size_bytes
        self._acknowledged_s = None
        self.is_over = self.passed_bytes >= self._most_bytes
        if not self.is_over:
            self.size_bytes = min(2 * self.size_bytes, self._most_bytes)
        return not self.is_over

    def tick(self, now_s: float) -> bool:
        """Evaluate a message that was acknowledged but not returned; return whether to send another one."""
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
    """Return a search over a connection; sizes are computed as for any `Message`.

    Args:
        client: A connected client.
        topic: Topic for the messages (QoS 1, not retained).
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
        subscribe: Subscribes to the topic.
        send: Publishes a packet of some size; returns its packet id.
    """

    def __init__(self, sizes: Sizes, subscribe: Callable[[], object], send: Callable[[int], int]) -> None:
        self._sizes = sizes
        self._subscribe = subscribe
        self._send = send
        self._mid: int | None = None
        self._is_told = False

    @property
    def under_way(self) -> tuple[int, int] | None:
        """Sizes of the largest accepted packet and of the current one; ``None`` if there is none."""
        sizes = self._sizes
        return None if sizes.is_over or self._mid is None else (sizes.passed_bytes, sizes.size_bytes)

    def step(self, now_s: float) -> tuple[int, int | None] | None:
        """Continue; at the end return, once, the accepted and the refused size."""
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
        """Process an acknowledgement; return whether it was for a message of this search."""
        if mid != self._mid:
            return False
        self._sizes.acknowledged(now_s)
        return True

    def echoed(self) -> None:
        """Process the return of the current message."""
        if not self._sizes.is_over and self._sizes.echoed():
            self._mid = self._send(self._sizes.size_bytes)
