"""Messages of one session that the broker has not acknowledged yet, bounded in number and bytes.

paho-mqtt holds messages without a limit, so the limit is here. Acknowledged entries are removed when room is
needed, not at each acknowledgement.
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

# Bytes that may be unacknowledged at one time. A single larger message passes when nothing else is in flight.
IN_FLIGHT_BYTES = 4 << 20
IN_FLIGHT_MESSAGES = 500
# With more than this in flight the next command waits: a stream of frames is to find room whole.
BUSY_BYTES = IN_FLIGHT_BYTES // 5
# A broker that acknowledges nothing for this long is as good as gone; slow links get time for what is in flight.
ACK_TIMEOUT_S = 6.0
SLOWEST_BYTES_PER_S = 50_000
FOREIGN_TOPICS = 256
# Times of so many messages are kept, to know how many were sent in the last second.
TIMES_KEPT = 512


class Outcome(Enum):
    """Result of handing a message over."""

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
    """A message that waits for the broker.

    Attributes:
        message: The message.
        tries: How often it was sent in vain.
        number: By which the store knows it; ``None`` where it waits in memory alone.
    """

    message: Message
    tries: int = 0
    number: int | None = None


@frozen
class Sent:
    """A message in flight.

    Attributes:
        waiting: The message.
        receipt: Receipt that tells whether it was acknowledged.
        since_s: When it was handed over, on the monotonic clock.
        number: The how many-th of its topic it is in the session; counted for QoS 0 only.
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
    """The messages of one session that are not acknowledged yet.

    Thread: any. The lock is never held while more of paho-mqtt is called than the state of a receipt.

    Args:
        patience: How many times `ACK_TIMEOUT_S` the broker may acknowledge nothing, until it has caught up once.
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
        """QoS 1 messages that the broker took, as far as it has been looked at."""
        return self._acknowledged

    @property
    def proven_bytes(self) -> int:
        """Size of the largest packet that the broker took, as far as it has been looked at."""
        return self._proven_bytes

    @property
    def unproven(self) -> list[Sent]:
        """The newest written QoS 0 message of each topic after which nothing was acknowledged, oldest first."""
        with self._lock:
            self._clear()
            return list(self._unproven.values())

    @property
    def foreign_topics(self) -> frozenset[str]:
        """Reply topics that askers chose and on which the broker took a reply; at most `FOREIGN_TOPICS` of them."""
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
        """Return whether a message may be sent now; of a QoS 0 topic only one is ever in flight."""
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
        """Remember a message that was handed over; return whether the session is still there."""
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
        """Return how many messages were handed over since then, as far as their times are kept."""
        with self._lock:
            return sum(sent_s >= moment_s for sent_s in self._times_s)

    @property
    def carries_pictures(self) -> bool:
        """Whether a picture is in flight."""
        with self._lock:
            self._clear()
            return any(without_picture(sent.message) is not sent.message for sent in self._sent)

    def topic_of(self, mid: int) -> str:
        """Return the topic of a packet number; empty where it is not known (any more)."""
        with self._lock:
            return next((sent.message.topic for sent in self._sent if sent.receipt.mid == mid), "")

    def is_stuck(self, now_s: float) -> bool:
        """Return whether QoS 1 messages wait and none has been acknowledged for too long; wants to be asked often."""
        with self._lock:
            self._clear()
            if self._acknowledged != self._noted:
                self._noted, self._progress_s = self._acknowledged, now_s
            waiting_s = [sent.since_s for sent in self._sent if sent.message.qos]
            if self._acknowledged and not waiting_s:
                self._patience = 1  # it is not overloaded: silence from now on means that it is gone
            oldest_s = min(waiting_s, default=now_s)
            patience_s = self._patience * ACK_TIMEOUT_S + self._size_bytes / SLOWEST_BYTES_PER_S
            return now_s - max(oldest_s, self._progress_s) > patience_s

    def close(self) -> list[Sent]:
        """End with the session; return what was not acknowledged, oldest first."""
        with self._lock:
            self._closed = True
            self._clear()
            left, self._sent = self._sent, []
            return left

    def _clear(self) -> None:
        """Remove what was acknowledged or written.

        A broker reads packets in their order, so an acknowledgement proves that it took what was written before.
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
