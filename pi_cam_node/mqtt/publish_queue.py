"""Queue of outgoing messages: order, offline buffering, limits, and messages that are never sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.sliding_window import SlidingWindow
from pi_cam_node.mqtt.connection.diagnosis import BELIEVED_S, Diagnosis
from pi_cam_node.mqtt.connection.disconnect import Disconnect
from pi_cam_node.mqtt.connection.in_flight import Outcome, Sent, Waiting
from pi_cam_node.mqtt.connection.poison_messages import HELD_S, SMALL_BYTES
from pi_cam_node.mqtt.connection.reports import LinkReports
from pi_cam_node.mqtt.connection.session import Session
from pi_cam_node.mqtt.messages.message import Message, shortened
from pi_cam_node.mqtt.messages.privacy_filter import PrivacyFilter, without_picture
from pi_cam_node.mqtt.outbox import WAITING, Outbox

# Greatest number of remembered reply topics of clients that the broker accepts.
TRUSTED_TOPICS = 256
# Replies up to this size are never shortened because of a session that ended with one in flight.
REPLY_FLOOR_BYTES = 4096
# A broker's quota counts the messages within this.
RATE_WINDOW_S = 1.0


class PublishQueue:
    """Passes messages to the current session. Thread: the node thread, except `take_back` and `session_ended`.

    Args:
        clock: Tells the time.
        diagnosis: Findings about the broker.
        reports: Takes warnings.
        outbox: Replies and events that wait.
        privacy_filter: Decides what may be sent.

    Attributes:
        outbox: Replies and events that wait.
        privacy_filter: Decides what may be sent.
    """

    def __init__(
        self, clock: Clock, diagnosis: Diagnosis, reports: LinkReports, outbox: Outbox, privacy_filter: PrivacyFilter
    ) -> None:
        self._clock = clock
        self._diagnosis = diagnosis
        self._reports = reports
        self.outbox, self.privacy_filter = outbox, privacy_filter
        self._unsent: dict[str, Message] = {}
        self._birth: set[str] = set()
        self._sent = SlidingWindow(RATE_WINDOW_S)
        self._refused = self._frames_dropped = 0
        self._trusted: dict[str, None] = {}
        self._own_replies_until_s = float("-inf")
        self._reply_limit = (0, float("-inf"))

    @property
    def is_backlogged(self) -> bool:
        """Whether the queue is nearly full, or the birth messages are not sent yet."""
        return self.outbox.replies > WAITING // 2 or bool(self._birth)

    @property
    def is_announced(self) -> bool:
        """Whether the whole birth was handed over."""
        return not self._birth

    @property
    def dropped(self) -> int:
        """Number of dropped replies, events and frames of streams."""
        return self.outbox.dropped + self._frames_dropped

    @property
    def waiting(self) -> int:
        """Replies and events that wait."""
        return len(self.outbox)

    @property
    def volatile(self) -> int:
        """Replies and events that are lost when the node ends now."""
        return self.outbox.volatile

    @property
    def has_unsent(self) -> bool:
        """Whether anything waits for room."""
        return bool(self._unsent) or self.waiting > 0

    def figures(self) -> Mapping[str, int]:
        """Return the figures for telemetry."""
        return {
            "messages_waiting": self.waiting,
            "messages_dropped": self.dropped,
            "messages_refused": self._refused,
        }

    def publish(self, live: Session | None, message: Message) -> bool:
        """Send or queue a message; return whether it was sent now. Never blocks.

        Replies and events (`Message.queue_offline`) wait, the oldest making room; other messages are dropped while the
        broker is unreachable. Retained ones that find no room while it is there go out with one of the next calls.

        Args:
            live: The session; ``None`` until its birth has been sent.
            message: The message.
        """
        waiting = self.outbox.stored(message)
        if live is None:
            if message.queue_offline:
                self.outbox.put(waiting, broker_is_away=True)
            self._frames_dropped += _is_of_a_stream(message)
            return False
        self.pump(live)
        if message.topic in self._birth:  # the birth waits for its turn, and says what is now
            self._unsent[message.topic] = message
            return False
        behind = message.queue_offline and len(self.outbox) > 0  # first in, first out
        outcome = Outcome.LATER if behind else self._hand_over(live, waiting)
        if outcome is Outcome.LATER and message.queue_offline:
            self.outbox.put(waiting)
        elif outcome is Outcome.LATER and message.retain and message.qos:
            self._unsent[message.topic] = message
        else:
            self._unsent.pop(message.topic, None)
            if outcome is Outcome.LATER and _is_of_a_stream(message):
                self._frames_dropped += 1
            self._forget_where_never(waiting, outcome)
        return outcome is Outcome.SENT

    def announce(self, live: Session, messages: Iterable[Message]) -> None:
        """Send the birth messages in order, as fast as the broker accepts them, whatever else is in flight."""
        self._unsent = {message.topic: message for message in messages}
        self._birth = set(self._unsent)
        self.pump(live)

    def pump(self, live: Session) -> None:
        """Send pending messages, as far as there is room."""
        for topic in list(self._unsent):
            message = self._unsent[topic]
            if self._diagnosis.is_unproven(message.size_bytes):
                self._birth.discard(topic)  # it follows when it is known how large a packet may be
                continue
            if self._hand_over(live, Waiting(message), force=topic in self._birth) is Outcome.LATER:
                return
            self._birth.discard(topic)
            del self._unsent[topic]
        while (waiting := self.outbox.take()) is not None:
            outcome = self._hand_over(live, waiting)
            if outcome is Outcome.LATER:
                self.outbox.put_front(waiting)
                return
            self._forget_where_never(waiting, outcome)

    def _forget_where_never(self, waiting: Waiting, outcome: Outcome) -> None:
        if outcome is Outcome.NEVER and waiting.number is not None:
            self.outbox.forget([waiting.number])

    def session_ended(self, end: Disconnect) -> None:
        """Queue unacknowledged messages of a session again, in a form that does not end the next one. Thread: any."""
        self._trusted.update(dict.fromkeys(end.foreign_topics))
        while len(self._trusted) > TRUSTED_TOPICS:
            del self._trusted[next(iter(self._trusted))]
        self._birth.clear()
        self.outbox.forget(end.delivered)
        left = end.unacknowledged
        if not end.gave_up and end.cause not in ("malformed", "taken over"):
            now_s = self._clock.monotonic()
            if any(s.message.fallback_topic and s.message.topic not in self._trusted for s in left):
                self._own_replies_until_s = now_s + HELD_S
            largest_bytes = max((s.message.size_bytes for s in left if s.message.queue_offline), default=0)
            if largest_bytes > max(self._diagnosis.proven_bytes, REPLY_FLOOR_BYTES):
                self._reply_limit = (max(self._diagnosis.proven_bytes, REPLY_FLOOR_BYTES), now_s + BELIEVED_S)
        self.take_back(left)

    def take_back(self, unacknowledged: list[Sent]) -> None:
        """Queue unacknowledged messages of a session again. Thread: any."""
        self.outbox.put_back(unacknowledged)
        if self.privacy_filter.hides_pictures:
            self.outbox.strip_pictures()  # the rest is of the node thread, which takes the pictures out itself

    def settle(self, live: Session) -> bool:
        """Delete acknowledged events from the store; return whether everything is acknowledged. Thread: any."""
        self.outbox.forget(live.in_flight.take_delivered())
        return live.in_flight.is_empty and self.is_announced

    def strip_pictures(self) -> None:
        """Take the pictures out of what waits."""
        self._unsent = {topic: without_picture(message) for topic, message in self._unsent.items()}
        self.outbox.strip_pictures()

    def _hand_over(self, live: Session, waiting: Waiting, *, force: bool = False) -> Outcome:
        message = self.privacy_filter.apply(waiting.message)
        if message is None:
            return Outcome.NEVER
        now_s = self._clock.monotonic()
        rate_per_s = self._diagnosis.rate_per_s(now_s)
        if rate_per_s is not None and not self._sent.has_room(rate_per_s, now_s):
            return Outcome.LATER
        message = self._safe_reply(message, now_s)
        if message is not waiting.message:
            waiting = replace(waiting, message=message)
        outcome = self._publish(live, waiting, now_s, force=force)
        if outcome is Outcome.SENT:
            self._sent.count(now_s)
        return outcome

    def _safe_reply(self, message: Message, now_s: float) -> Message:
        """Return a reply so that it cannot end the session, where one has done so; other messages as they are."""
        if message.fallback_topic and now_s < self._own_replies_until_s and message.topic not in self._trusted:
            message = replace(message, topic=message.fallback_topic, fallback_topic="")
        limit_bytes, until_s = self._reply_limit
        if message.queue_offline and now_s < until_s and message.size_bytes > limit_bytes:
            return shortened(message) or message
        return message

    def _publish(self, live: Session, waiting: Waiting, now_s: float, *, force: bool) -> Outcome:
        message = waiting.message
        if self._diagnosis.is_unproven(message.size_bytes) and not message.queue_offline:
            return Outcome.LATER
        held = self._diagnosis.holds(message.topic, message.size_bytes, now_s)
        limit_bytes = self._diagnosis.limit_bytes(now_s)
        too_large = limit_bytes is not None and message.size_bytes > limit_bytes
        outcome = Outcome.NEVER if held or too_large else live.publish(waiting, force=force)
        if outcome is not Outcome.NEVER:
            return outcome
        self._refused += 1
        why = "the broker choked on such a message" if held else "larger than the broker takes, or a bad topic"
        self._reports.warn_once(message.topic, f"{len(message.payload)} bytes for {message.topic} are not sent: {why}")
        if message.retain and message.payload and not (held and message.size_bytes < SMALL_BYTES):
            # What was retained before is of another moment than the states beside it.
            live.publish(Waiting(replace(message, payload=b"")), force=True)
        if not held and (reply := shortened(message)) is not None:
            return live.publish(replace(waiting, message=reply))
        return outcome


def _is_of_a_stream(message: Message) -> bool:
    """Return whether a message is one frame of a stream, whose loss is reported and which is not kept.

    Such a frame bears its place in the stream as user properties.
    """
    return bool(message.user) and not message.queue_offline
