"""Replies and events that wait for a broker, bounded in number."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import replace

from pi_cam_node.mqtt.in_flight import Sent, Waiting
from pi_cam_node.mqtt.message import marked_late
from pi_cam_node.mqtt.privacy_filter import without_picture

WAITING = 100
# Sessions that may end with a message in flight before it is given up.
TRIES = 3


class Outbox:
    """Replies and events that wait for a broker; the oldest make room. Thread: any."""

    def __init__(self) -> None:
        self._waiting: deque[Waiting] = deque()
        self._lock = threading.Lock()
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """Number of messages given up: too many waited, or they were sent too often in vain."""
        return self._dropped

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, waiting: Waiting) -> None:
        """Let a message wait behind the others."""
        with self._lock:
            self._waiting.append(waiting)
            self._limit()

    def put_back(self, unacknowledged: list[Sent]) -> None:
        """Let replies and events that were lost with their session wait before the others."""
        lost = [sent for sent in unacknowledged if sent.message.queue_offline]
        again = [Waiting(marked_late(sent.message), sent.waiting.tries + 1) for sent in lost]
        with self._lock:
            given_up = [w for w in again if w.tries >= TRIES]
            self._dropped += len(given_up)
            self._waiting.extendleft(w for w in reversed(again) if w.tries < TRIES)
            self._limit()

    def strip_pictures(self) -> None:
        """Take the pictures out of what waits."""
        with self._lock:
            self._waiting = deque(
                replace(waiting, message=without_picture(waiting.message)) for waiting in self._waiting
            )

    def take(self) -> Waiting | None:
        """Return the oldest message, ``None`` where none waits."""
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def put_front(self, waiting: Waiting) -> None:
        """Put back what `take` returned and could not be sent."""
        with self._lock:
            self._waiting.appendleft(waiting)
            self._limit()

    def _limit(self) -> None:
        while len(self._waiting) > WAITING:
            self._waiting.popleft()
            self._dropped += 1
