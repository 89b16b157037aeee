"""Simulated broker in memory: retained messages, received messages, and ends of connections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pi_cam_node.core.inputs import BrokerLost
from pi_cam_node.mqtt.connection.broker_limits import BrokerLimits
from pi_cam_node.mqtt.connection.in_flight import InFlight, Outcome, Sent, Waiting
from pi_cam_node.mqtt.link import BrokerLink
from pi_cam_node.mqtt.messages.incoming import Incoming
from pi_cam_node.mqtt.messages.message import Message
from pi_cam_node.mqtt.messages.privacy_filter import without_picture


@dataclass
class Receipt:
    """Whether a message was acknowledged."""

    mid: int = 0
    done: bool = False

    def is_published(self) -> bool:
        return self.done


@dataclass
class Broker:
    """Holds retained messages and passes commands on.

    Attributes:
        retained: Retained payloads by topic.
        told: All messages received from the node, in order.
    """

    retained: dict[str, bytes] = field(default_factory=dict)
    told: list[Message] = field(default_factory=list)

    def take(self, message: Message) -> None:
        self.told.append(message)
        if message.retain and message.payload:
            self.retained[message.topic] = message.payload
        elif message.retain:
            self.retained.pop(message.topic, None)


class Line:
    """A session of the node with the broker; replaces the real session class.

    Attributes:
        is_stuck: Whether the broker accepts nothing any more, undetected by the node.
    """

    version = "5"
    limits = BrokerLimits()

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._sent: list[Sent] = []
        self.is_stuck = False
        self.in_flight = InFlight()

    def publish(self, waiting: Waiting, *, force: bool = False) -> Outcome:
        receipt = Receipt()
        self._sent.append(Sent(waiting, receipt, 0.0))
        if not self.is_stuck:
            self._broker.take(waiting.message)
            receipt.done = True
        return Outcome.SENT

    def disconnect(self, last_message: Message | None, _wait_s: float) -> None:
        if last_message is not None and not self.is_stuck:
            self._broker.take(last_message)

    @property
    def carries_pictures(self) -> bool:
        return any(not s.receipt.is_published() and without_picture(s.message) is not s.message for s in self._sent)

    def reset(self) -> None:
        return  # it takes nothing any more anyway, or it would carry none; the model ends it

    def search_limit(self, _proven_bytes: int, _suspect_bytes: int) -> None:
        return  # it takes packets of any size

    def abandon(self) -> None:
        return

    def close(self, acknowledgements_lost: int) -> list[Sent]:
        """Return unacknowledged messages, including the last few received ones."""
        for sent in [s for s in self._sent if s.receipt.is_published()][-acknowledgements_lost or len(self._sent) :]:
            sent.receipt.done = False  # type: ignore[attr-defined]
        return [sent for sent in self._sent if not sent.receipt.is_published()]


class SteppedLink(BrokerLink):
    """The real link without its thread; the test starts and ends its sessions."""

    def start(self) -> None:
        return

    def meet(self, broker: Broker, wanted: Callable[[str], bool]) -> None:
        """Start a session, and deliver retained messages on the subscribed topics."""
        line = self._session = Line(broker)  # type: ignore[assignment]
        self.on_accepted("5", line.limits)
        for topic, payload in list(broker.retained.items()):
            if wanted(topic):
                self.on_message(Incoming(topic, payload, retained=True))

    @property
    def line(self) -> Line | None:
        """The current session."""
        return self._live  # type: ignore[return-value]

    def lose(self, acknowledgements_lost: int = 0) -> None:
        """End the session."""
        line, self._live, self._session = self.line, None, None
        if line is not None:
            self.queue.take_back(line.close(acknowledgements_lost))
            self._inbox.put(BrokerLost("the connection broke"))
