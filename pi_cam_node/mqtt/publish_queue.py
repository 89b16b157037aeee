"""What leaves for the broker: in which order, what waits, what is held back, and what is never sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pi_cam_node.base.clock import Clock
from pi_cam_node.mqtt.disconnect import Disconnect
from pi_cam_node.mqtt.in_flight import Outcome, Sent, Waiting
from pi_cam_node.mqtt.message import Message, shortened
from pi_cam_node.mqtt.outbox import WAITING, Outbox
from pi_cam_node.mqtt.poison_messages import SMALL_BYTES, PoisonMessageGuard
from pi_cam_node.mqtt.privacy_filter import PrivacyFilter, without_picture
from pi_cam_node.mqtt.reports import LinkReports
from pi_cam_node.mqtt.session import Session


class PublishQueue:
    """Hands messages to the session that is up. Thread: the node thread, but for `take_back`.

    Args:
        vital: Topics that no quarantine may hold back.
        clock: Tells the time.
        reports: Takes warnings.

    Attributes:
        privacy_filter: Decides what leaves.
    """

    def __init__(self, vital: set[str], clock: Clock, reports: LinkReports) -> None:
        self._clock = clock
        self._reports = reports
        self._poison = PoisonMessageGuard(vital)
        self._outbox = Outbox()
        self._unsent: dict[str, Message] = {}
        self._refused = self._frames_dropped = 0
        self.privacy_filter = PrivacyFilter()

    @property
    def is_backlogged(self) -> bool:
        """Whether so many replies and events wait that more of them would soon push out the oldest."""
        return self.waiting > WAITING // 2

    @property
    def dropped(self) -> int:
        """Replies, events and frames of a stream that were given up."""
        return self._outbox.dropped + self._frames_dropped

    @property
    def waiting(self) -> int:
        """Replies and events that wait."""
        return len(self._outbox)

    @property
    def has_unsent(self) -> bool:
        """Whether anything waits for room."""
        return bool(self._unsent) or self.waiting > 0

    @property
    def is_isolating(self) -> bool:
        """Whether messages are to be sent one by one, to find the one that a broker chokes on."""
        return self._poison.is_isolating

    def figures(self) -> Mapping[str, int]:
        """Return what telemetry tells of them."""
        return {
            "messages_waiting": self.waiting,
            "messages_dropped": self.dropped,
            "messages_refused": self._refused,
        }

    def publish(self, live: Session | None, message: Message) -> bool:
        """Send a message, or let it wait where it may; return whether it was handed over now. Never blocks.

        Replies and events (`Message.keep`) wait, the oldest making room; other messages are dropped while the broker
        is away. Retained ones that find no room while it is there go out with one of the next calls.

        Args:
            live: The session; ``None`` until its birth has been sent.
            message: The message.
        """
        if live is None:
            if message.queue_offline:
                self._outbox.put(Waiting(message))
            self._frames_dropped += _is_of_a_stream(message)
            return False
        self.pump(live)
        behind = message.queue_offline and len(self._outbox) > 0  # whoever came first goes first
        outcome = Outcome.LATER if behind else self._hand_over(live, Waiting(message))
        if outcome is Outcome.LATER and message.queue_offline:
            self._outbox.put(Waiting(message))
        elif outcome is Outcome.LATER and message.retain and message.qos:
            self._unsent[message.topic] = message
        else:
            self._unsent.pop(message.topic, None)
            self._frames_dropped += outcome is Outcome.LATER and _is_of_a_stream(message)
        return outcome is Outcome.SENT

    def announce(self, live: Session, messages: Iterable[Message]) -> None:
        """Send the birth, whatever is under way: these messages, in this order."""
        self._unsent.clear()
        for message in messages:
            self._hand_over(live, Waiting(message), force=True)

    def pump(self, live: Session) -> None:
        """Send what waits, as far as there is room."""
        while self._unsent:
            topic = next(iter(self._unsent))
            if self._hand_over(live, Waiting(self._unsent[topic])) is Outcome.LATER:
                return
            del self._unsent[topic]
        while (waiting := self._outbox.take()) is not None:
            if self._hand_over(live, waiting) is Outcome.LATER:
                self._outbox.put_front(waiting)
                return

    def take_back(self, unacknowledged: list[Sent]) -> None:
        """Let what a session left unacknowledged wait for the next. Thread: any."""
        self._outbox.put_back(unacknowledged)
        if self.privacy_filter.hides_pictures:
            self.strip_pictures()

    def strip_pictures(self) -> None:
        """Take the pictures out of what waits. Thread: any."""
        self._unsent = {topic: without_picture(message) for topic, message in self._unsent.items()}
        self._outbox.strip_pictures()

    def suspect(self, ending: Disconnect) -> str | None:
        """Learn from the end of a session; return a topic that is held back from now on.

        A link that is bad tells nothing of the messages on it.
        """
        suspects = [] if ending.noisy or ending.gave_up else ending.unacknowledged
        return self._poison.session_ended(suspects, ending.acknowledged, self._clock.monotonic())

    def _hand_over(self, live: Session, waiting: Waiting, *, force: bool = False) -> Outcome:
        message = self.privacy_filter.apply(waiting.message)
        if message is None:
            return Outcome.NEVER
        waiting = replace(waiting, message=message)
        held = self._poison.holds(message.topic, message.size_bytes, self._clock.monotonic())
        outcome = Outcome.NEVER if held else live.publish(waiting, force=force)
        if outcome is Outcome.NEVER:
            self._refused += 1
            why = "the broker choked on such a message" if held else "larger than the broker takes, or a bad topic"
            self._reports.warn_once(
                message.topic, f"{len(message.payload)} bytes for {message.topic} are not sent: {why}"
            )
            if message.retain and message.payload and not (held and message.size_bytes < SMALL_BYTES):
                # What was retained before is of another moment than the states beside it.
                live.publish(Waiting(replace(message, payload=b"")), force=True)
            if not held and (reply := shortened(message)) is not None:
                return live.publish(replace(waiting, message=reply))
        return outcome


def _is_of_a_stream(message: Message) -> bool:
    """Return whether somebody asked for this message, who is told that it was sent, and nobody keeps it."""
    return message.qos == 1 and not message.queue_offline and not message.retain
