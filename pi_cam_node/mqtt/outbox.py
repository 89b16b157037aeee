"""Queue of replies and events for the broker, limited in number and bytes.

Replies are useful for a short time only: they are queued in memory, and sent first. Events are on disk until the broker
has acknowledged them, since a lost connection is detected only after seconds. Events that waited for the broker, or
were restored after a restart, are sent in order and marked ``late``.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from pi_cam_node.base.strict_json import json_bytes
from pi_cam_node.core.history import Waiting as StoredMessage
from pi_cam_node.core.ports import Outbox as Store
from pi_cam_node.mqtt.connection.in_flight import Sent, Waiting
from pi_cam_node.mqtt.messages.message import JSON, Message
from pi_cam_node.mqtt.messages.privacy_filter import without_picture

# Greatest number of queued replies.
WAITING = 100
# Greatest number of queued events, the same as in the database.
EVENTS_WAITING, EVENT_BYTES_WAITING = 1000, 1 << 20
# Attempts: a message is dropped after so many sessions ended with it in flight.
TRIES = 3


class Outbox:
    """Queue of replies and events; at the limit the oldest are dropped. Thread: any.

    Args:
        store: Stores events on disk; ``None``: in memory only.
    """

    def __init__(self, store: Store | None = None) -> None:
        self._store = store
        self._replies: deque[Waiting] = deque()
        self._events: deque[Waiting] = deque()
        self._event_bytes = 0
        self._lock = threading.Lock()
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """Number of dropped messages: queue full, or too many attempts."""
        return self._dropped

    @property
    def replies(self) -> int:
        """Number of replies that wait."""
        return len(self._replies)

    @property
    def volatile(self) -> int:
        """Number of messages that would be lost if the node ended now."""
        with self._lock:
            return len(self._replies) + sum(waiting.number is None for waiting in self._events)

    def __len__(self) -> int:
        return len(self._replies) + len(self._events)

    def stored(self, message: Message) -> Waiting:
        """Return a message as it is to be sent; an event is stored first, as it will be told after a restart."""
        return self._stored(Waiting(message)) if message.is_event else Waiting(message)

    def put(self, waiting: Waiting, *, broker_is_away: bool = False) -> None:
        """Append a message to the queue of its kind.

        Args:
            waiting: The message.
            broker_is_away: Whether it waits for a connection, and not only for its turn.
        """
        with self._lock:
            if waiting.message.is_event:
                waiting = self._late(waiting) if broker_is_away else waiting
                self._events.append(waiting)
                self._event_bytes += len(waiting.message.payload)
            else:
                self._replies.append(waiting)
            self._limit()

    def put_back(self, unacknowledged: list[Sent]) -> None:
        """Put unacknowledged messages of an ended session back at the front."""
        again = [
            replace(sent.waiting, message=sent.message, tries=sent.waiting.tries + 1)
            for sent in unacknowledged
            if sent.message.queue_offline
        ]
        with self._lock:
            given_up = [waiting for waiting in again if waiting.tries >= TRIES]
            self._dropped += len(given_up)
            self._forget(given_up)
            left = [waiting for waiting in again if waiting.tries < TRIES]
            self._replies.extendleft(waiting for waiting in reversed(left) if not waiting.message.is_event)
            self._put_events_first([self._late(waiting) for waiting in left if waiting.message.is_event])
            self._limit()

    def restore(self, messages: Sequence[StoredMessage], topic_of: dict[int, str]) -> None:
        """Put events of an earlier run at the front.

        Args:
            messages: What the store holds, oldest first.
            topic_of: Topic of each by its number; one without a topic is left where it is.
        """
        events = [
            Waiting(_event(topic_of[each.number], each.body), number=each.number)
            for each in messages
            if each.number in topic_of
        ]
        with self._lock:
            self._put_events_first(events)
            self._limit()

    def strip_pictures(self) -> None:
        """Remove pictures from queued messages."""
        with self._lock:
            for queue in (self._replies, self._events):
                stripped = [replace(waiting, message=without_picture(waiting.message)) for waiting in queue]
                queue.clear()
                queue.extend(stripped)

    def take(self) -> Waiting | None:
        """Return the oldest reply, else the oldest event; ``None`` where none waits."""
        with self._lock:
            if self._replies:
                return self._replies.popleft()
            return self._take_event() if self._events else None

    def put_front(self, waiting: Waiting) -> None:
        """Put back what `take` returned and could not be sent."""
        with self._lock:
            if waiting.message.is_event:
                self._put_events_first([waiting])
            else:
                self._replies.appendleft(waiting)
            self._limit()

    def forget(self, numbers: Sequence[int]) -> None:
        """Delete events from the store, as they are acknowledged or undeliverable."""
        if self._store is not None and numbers:
            self._store.sent(numbers)

    def _stored(self, waiting: Waiting) -> Waiting:
        if waiting.number is not None or self._store is None:
            return waiting
        number = self._store.put(waiting.message.topic, _late(waiting.message.payload))
        return replace(waiting, number=number)

    # ------------------------------------------------------------ under the lock

    def _late(self, waiting: Waiting) -> Waiting:
        """Return an event marked as late, and stored."""
        message = replace(waiting.message, payload=_late(waiting.message.payload))
        return self._stored(replace(waiting, message=message))

    def _put_events_first(self, events: Sequence[Waiting]) -> None:
        self._events.extendleft(reversed(events))
        self._event_bytes += sum(len(waiting.message.payload) for waiting in events)

    def _take_event(self) -> Waiting:
        waiting = self._events.popleft()
        self._event_bytes -= len(waiting.message.payload)
        return waiting

    def _limit(self) -> None:
        while len(self._replies) > WAITING:
            self._replies.popleft()
            self._dropped += 1
        given_up: list[Waiting] = []
        while len(self._events) > EVENTS_WAITING or (self._event_bytes > EVENT_BYTES_WAITING and self._events):
            given_up.append(self._take_event())
        self._dropped += len(given_up)
        self._forget(given_up)

    def _forget(self, given_up: Sequence[Waiting]) -> None:
        self.forget([waiting.number for waiting in given_up if waiting.number is not None])


def _late(payload: bytes) -> bytes:
    return json_bytes({**json.loads(payload), "late": True})


def _event(topic: str, body: bytes) -> Message:
    return Message(topic, body, queue_offline=True, is_event=True, content_type=JSON)
