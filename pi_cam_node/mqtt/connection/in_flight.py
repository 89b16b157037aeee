"""In-flight messages of one session, limited in number and bytes.

paho-mqtt queues messages without a limit, so it is imposed here. Acknowledged entries are removed when room is needed.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import replace
from enum import Enum, auto
from typing import Protocol

from pi_cam_node.base.frozen import frozen
from pi_cam_node.mqtt.messages.message import Message
from pi_cam_node.mqtt.messages.privacy_filter import without_picture

# Greatest number of unacknowledged bytes. A single larger message is allowed if nothing else is in flight.
IN_FLIGHT_BYTES = 4 << 20
IN_FLIGHT_MESSAGES = 500
# With more than this in flight the next command waits, so that a stream of frames fits completely.
BUSY_BYTES = IN_FLIGHT_BYTES // 5
# Timeout of acknowledgements, extended for slow links by the bytes in flight.
ACK_TIMEOUT_S = 6.0
SLOWEST_BYTES_PER_S = 50_000
FOREIGN_TOPICS = 256
# Number of kept send times, for counting messages of the last second.
TIMES_KEPT = 512


class Outcome(Enum):
    """Result of sending a message."""

    SENT = auto()
    LATER = auto()
    NEVER = auto()


class Receipt(Protocol):
    """The receipt of paho-mqtt for a message (`MQTTMessageInfo`)."""

    @property
    def mid(self) -> int:
        """Number of the packet."""
        ...

    def is_published(self) -> bool:
        """Whether the message was acknowledged (QoS 1) or written to the socket (QoS 0)."""
        ...


@frozen
class Waiting:
    """A pending message.

    Attributes:
        message: The message.
        tries: Number of failed attempts.
        number: Number in the store; ``None`` if it is in memory only.
    """

    message: Message
    tries: int = 0
    number: int | None = None


@frozen
class Sent:
    """A message in flight.

    Attributes:
        waiting: The message.
        receipt: Receipt of paho-mqtt.
        since_s: When it was sent, monotonic seconds.
        number: Its ordinal number on its topic in the session; for QoS 0 only.
    """

    waiting: Waiting
    receipt: Receipt
    since_s: float
    number: int = 1

    @property
    def message(self) -> Message:
        """The message itself."""
        return self.waiting.message


class InFlight:
    """Unacknowledged messages of one session.

    Thread: any. While the lock is held, only states of receipts are read from paho-mqtt.

    Args:
        patience: Factor of `ACK_TIMEOUT_S` until everything has been acknowledged once.
    """

    def __init__(self, patience: int = 1) -> None:
        self._patience = patience
        self._sent: list[Sent] = []
        self._size_bytes = 0
        self._live: dict[str, tuple[Receipt, int]] = {}
        self._foreign_topics: set[str] = set()
        self._unproven: dict[str, Sent] = {}
        self._delivered: list[int] = []
        self._acknowledged = self._noted = self._proven_bytes = 0
        self._progress_s = float("-inf")
        self._times_s: deque[float] = deque(maxlen=TIMES_KEPT)
        self._lock = threading.Lock()
        self._closed = False

    @property
    def acknowledged(self) -> int:
        """Number of acknowledged QoS 1 messages, as of the last clean-up."""
        return self._acknowledged

    @property
    def proven_bytes(self) -> int:
        """Size of the largest packet that the broker accepted, as of the last clean-up."""
        return self._proven_bytes

    @property
    def unproven(self) -> list[Sent]:
        """The newest written QoS 0 message of each topic after which nothing was acknowledged, oldest first."""
        with self._lock:
            self._clear()
            return list(self._unproven.values())

    @property
    def foreign_topics(self) -> frozenset[str]:
        """Reply topics chosen by clients that the broker accepted; at most `FOREIGN_TOPICS`."""
        with self._lock:
            self._clear()
            return frozenset(self._foreign_topics)

    def take_delivered(self) -> list[int]:
        """Return the numbers of stored messages that were acknowledged since the last call."""
        with self._lock:
            self._clear()
            delivered, self._delivered = self._delivered, []
            return delivered

    @property
    def is_empty(self) -> bool:
        """Whether everything was acknowledged."""
        with self._lock:
            self._clear()
            return not self._sent

    @property
    def is_busy(self) -> bool:
        """Whether more than `BUSY_BYTES` are not acknowledged yet."""
        with self._lock:
            if self._size_bytes > BUSY_BYTES:
                self._clear()
            return self._size_bytes > BUSY_BYTES

    def has_room(self, message: Message) -> bool:
        """Return whether a message may be sent now; only one per QoS 0 topic may be in flight."""
        with self._lock:
            if self._closed or (message.qos == 0 and not self._is_written(message.topic)):
                return False
            if not self._fits(message):
                self._clear()
            return not self._sent or self._fits(message)

    def _fits(self, message: Message) -> bool:
        return self._size_bytes + message.size_bytes <= IN_FLIGHT_BYTES and len(self._sent) < IN_FLIGHT_MESSAGES

    def _is_written(self, topic: str) -> bool:
        live = self._live.get(topic)
        return live is None or live[0].is_published()

    def add(self, sent: Sent) -> bool:
        """Add a sent message; return false if the session has ended."""
        with self._lock:
            self._times_s.append(sent.since_s)
            if self._closed:
                return False
            if sent.message.qos == 0:
                _, number = self._live.get(sent.message.topic, (None, 0))
                sent = replace(sent, number=number + 1)
                self._live[sent.message.topic] = (sent.receipt, sent.number)
            self._sent.append(sent)
            self._size_bytes += sent.message.size_bytes
            return True

    def count_since(self, moment_s: float) -> int:
        """Return how many messages were sent since a time, as far as times are kept."""
        with self._lock:
            return sum(sent_s >= moment_s for sent_s in self._times_s)

    @property
    def carries_pictures(self) -> bool:
        """Whether a picture is in flight."""
        with self._lock:
            self._clear()
            return any(without_picture(sent.message) is not sent.message for sent in self._sent)

    def topic_of(self, mid: int) -> str:
        """Return the topic of a packet id; empty if unknown."""
        with self._lock:
            return next((sent.message.topic for sent in self._sent if sent.receipt.mid == mid), "")

    def is_stuck(self, now_s: float) -> bool:
        """Return whether no pending QoS 1 message was acknowledged within the timeout; to be called regularly."""
        with self._lock:
            self._clear()
            if self._acknowledged != self._noted:
                self._noted, self._progress_s = self._acknowledged, now_s
            waiting_s = [sent.since_s for sent in self._sent if sent.message.qos]
            if self._acknowledged and not waiting_s:
                self._patience = 1  # the broker has caught up: from now on silence means that it is gone
            oldest_s = min(waiting_s, default=now_s)
            patience_s = self._patience * ACK_TIMEOUT_S + self._size_bytes / SLOWEST_BYTES_PER_S
            return now_s - max(oldest_s, self._progress_s) > patience_s

    def close(self) -> list[Sent]:
        """Close with the session; return unacknowledged messages, oldest first."""
        with self._lock:
            self._closed = True
            self._clear()
            left, self._sent = self._sent, []
            return left

    def _clear(self) -> None:
        """Remove acknowledged (QoS 1) and written (QoS 0) messages.

        Packets are processed in order, so an acknowledgement confirms all packets written before.
        """
        left: list[Sent] = []
        for sent in self._sent:
            if not sent.receipt.is_published():
                left.append(sent)
            elif sent.message.qos == 0:
                self._unproven.pop(sent.message.topic, None)
                self._unproven[sent.message.topic] = sent
            else:
                self._acknowledged += 1
                if sent.waiting.number is not None:
                    self._delivered.append(sent.waiting.number)
                if sent.message.fallback_topic and len(self._foreign_topics) < FOREIGN_TOPICS:
                    self._foreign_topics.add(sent.message.topic)
                proven = [entry for entry in self._unproven.values() if entry.since_s < sent.since_s]
                for entry in proven:
                    del self._unproven[entry.message.topic]
                sizes = [entry.message.size_bytes for entry in (sent, *proven)]
                self._proven_bytes = max(self._proven_bytes, *sizes)
        self._sent = left
        self._size_bytes = sum(sent.message.size_bytes for sent in self._sent)
