"""Blocking MQTT client for the command line; every step has a deadline.

It connects like the node, with the same kind of will, the same properties, and a client id derived from the node's, so
that the broker applies the same restrictions.
"""

from __future__ import annotations

import ssl
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Any, Self, TypeVar

import paho.mqtt.client as paho
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from pi_cam_node.base.frozen import frozen
from pi_cam_node.config import MqttConfig
from pi_cam_node.mqtt.connection import paho_client, transport
from pi_cam_node.mqtt.connection.broker_limits import BrokerLimits, limits_of
from pi_cam_node.mqtt.connection.disconnect import Cause, Version, broker_words, cause_of_code
from pi_cam_node.mqtt.connection.negotiation import ConnectOptions, Negotiation
from pi_cam_node.mqtt.connection.subscriptions import FILTERS_IN_A_PACKET
from pi_cam_node.mqtt.messages.topics import Topics

T = TypeVar("T")

ANSWER_S = 5.0
# Attempts: each version with each will, and one to verify.
ATTEMPTS = 8
# Silence after which all retained messages have arrived; they follow SUBACK at once.
QUIET_S = 0.5
LISTEN_S = 3.0
# Bound of received messages, as live pictures of several nodes may arrive during a wait.
RECEIVED_MAX = 1000


class NoBroker(ConnectionError):
    """The connection to the broker failed.

    Attributes:
        cause: Kind of the reason.
    """

    def __init__(self, reason: str, cause: Cause) -> None:
        super().__init__(reason)
        self.cause: Cause = cause


@frozen
class Received:
    """A received message."""

    topic: str
    payload: bytes = field(repr=False)
    retained: bool

    @property
    def text(self) -> str:
        """The payload as text; invalid UTF-8 is replaced."""
        return self.payload.decode(errors="replace")


class BlockingClient:
    """One connection to the broker, used by one thread that waits for each step.

    Args:
        config: The broker.
        topics: The node's topics.
        role: Name of the connecting program, for the client id, e.g. ``doctor``.
        options: Version, last will and window.

    Attributes:
        version: Version of MQTT.
        limits: Limits that the broker announced.

    Raises:
        NoBroker: The connection could not be made.
    """

    def __init__(self, config: MqttConfig, topics: Topics, role: str, options: ConnectOptions) -> None:
        self.version: Version = options.version
        self.limits = BrokerLimits()
        self._retain = options.will_retain
        self._received: deque[Received] = deque(maxlen=RECEIVED_MAX)
        self._acknowledged: dict[tuple[str, int], list[ReasonCode]] = {}
        self._changed = threading.Condition()
        self._answer: ReasonCode | None = None
        self._refusal = ""
        self._lost = ""
        node = paho_client.client_id_of(config, topics, paho_client.machine_id())
        client_id = f"{node}-{role}-{uuid.uuid4().hex[:4]}"
        self._client = paho_client.build(client_id, options, paho_client.command_line_will(topics))
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.on_publish = self._on_publish
        self._client.on_subscribe = self._on_subscribe
        self._open(config)

    def _open(self, config: MqttConfig) -> None:
        try:
            paho_client.set_login(self._client, config)
            paho_client.connect(self._client, config)
        except (OSError, ValueError) as error:
            cause: Cause = "certificate" if isinstance(error, ssl.SSLCertVerificationError) else "network"
            raise NoBroker(transport.reason_of(error, config.host, config.port), cause) from error
        self._client.loop_start()
        with self._changed:
            self._changed.wait_for(lambda: self._answer is not None or self._lost, ANSWER_S)
        if self._answer is not None and not self._answer.is_failure:
            return
        self.close()
        if self._answer is None:
            where = f"{config.host}:{config.port}"
            reason = f"{where} takes the connection but does not answer as a broker would"
            raise NoBroker(reason, "hangup" if self._lost else "silence")
        raise NoBroker(f"the broker refuses the connection: {self._refusal}", cause_of_code(self._answer.value))

    @property
    def retains(self) -> bool:
        """Whether the broker supports retained messages, as far as known."""
        return self.limits.retain and self._retain

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect and end the thread."""
        self._client.disconnect()
        self._client.loop_stop()

    def subscribe(self, filters: Sequence[str]) -> list[str]:
        """Subscribe, in packets like the node's; return the refused filters.

        Raises:
            NoBroker: The broker does not answer any more.
        """
        refused: list[str] = []
        for start in range(0, len(filters), FILTERS_IN_A_PACKET):
            some = filters[start : start + FILTERS_IN_A_PACKET]
            wanted: Any = [(f, SubscribeOptions(qos=1)) if self.version == "5" else (f, 1) for f in some]
            _, mid = self._client.subscribe(wanted)
            reasons = self._acknowledgement("subscribe", mid)
            refused += [f for f, reason in zip(some, reasons, strict=False) if reason.is_failure]
        return refused

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, reply_topic: str = "") -> str:
        """Publish with QoS 1 (or 0, if that is the broker's maximum); return why it was refused, empty if accepted.

        Not retained if the broker does not support it.

        Args:
            topic: Topic.
            payload: Payload.
            retain: Whether it is retained.
            reply_topic: Response topic of a request (MQTT 5); empty for none.

        Raises:
            NoBroker: The broker does not answer any more.
        """
        qos = min(1, self.limits.maximum_qos)
        properties = paho_client.request_properties(reply_topic) if reply_topic and self.version == "5" else None
        mid = self._client.publish(topic, payload, qos, retain and self.retains, properties).mid
        reasons = self._acknowledgement("publish", mid)
        return str(reasons[0]) if reasons[0].is_failure else ""

    def wait_for(self, found: Callable[[Sequence[Received]], T | None], timeout_s: float) -> T | None:
        """Wait until a function of all received messages returns a value; ``None`` after the deadline.

        Raises:
            NoBroker: The connection broke meanwhile.
        """
        deadline_s = time.monotonic() + timeout_s
        with self._changed:
            while (result := found(self._received)) is None:
                if self._lost:
                    raise NoBroker(self._lost, "network")
                left_s = deadline_s - time.monotonic()
                if left_s <= 0:
                    return None
                self._changed.wait(left_s)
            return result

    def retained(self, filters: Sequence[str]) -> dict[str, str]:
        """Subscribe, and return retained texts by topic, without refused ones.

        Raises:
            NoBroker: The connection broke.
        """
        self.subscribe(filters)
        deadline_s = time.monotonic() + LISTEN_S
        with self._changed:
            while (left_s := deadline_s - time.monotonic()) > 0 and not self._lost:
                if not self._changed.wait(min(left_s, QUIET_S)):
                    break
            return {message.topic: message.text for message in self._received if message.retained and message.payload}

    def _acknowledgement(self, kind: str, mid: int | None) -> list[ReasonCode]:
        key = (kind, mid or 0)
        with self._changed:
            self._changed.wait_for(lambda: key in self._acknowledged or self._lost, ANSWER_S)
            if key not in self._acknowledged:
                raise NoBroker(self._lost or f"the broker does not acknowledge a {kind}", "network")
            return self._acknowledged.pop(key)

    # ------------------------------------------------------------ paho-mqtt's callbacks, in its thread

    def _on_connect(
        self, _client: object, _userdata: object, _flags: object, reason: ReasonCode, properties: object
    ) -> None:
        with self._changed:
            self._answer, self._refusal = reason, broker_words(reason, properties)
            self.limits = limits_of(properties)
            self._changed.notify_all()

    def _on_disconnect(
        self, _client: object, _userdata: object, flags: paho.DisconnectFlags, reason: ReasonCode, properties: object
    ) -> None:
        with self._changed:
            self._lost = "the connection to the broker broke"
            if flags.is_disconnect_packet_from_server:
                self._lost = f"the broker ended the connection: {broker_words(reason, properties)}"
            self._changed.notify_all()

    def _on_message(self, _client: object, _userdata: object, message: paho.MQTTMessage) -> None:
        with self._changed:
            self._received.append(Received(message.topic, bytes(message.payload), message.retain))
            self._changed.notify_all()

    def _on_publish(self, _client: object, _userdata: object, mid: int, reason: ReasonCode, _p: object) -> None:
        self._acknowledge("publish", mid, [reason])

    def _on_subscribe(self, _c: object, _userdata: object, mid: int, reasons: list[ReasonCode], _p: object) -> None:
        self._acknowledge("subscribe", mid, reasons)

    def _acknowledge(self, kind: str, mid: int, reasons: list[ReasonCode]) -> None:
        with self._changed:
            self._acknowledged[kind, mid] = reasons
            self._changed.notify_all()


def connect(config: MqttConfig, topics: Topics, role: str) -> BlockingClient:
    """Connect, negotiating MQTT version and will as the node does.

    Args:
        config: The broker.
        topics: The node's topics.
        role: Name of the connecting program, for the client id, e.g. ``doctor``.

    Raises:
        NoBroker: No connection could be made.
    """
    negotiation, first = Negotiation(config.protocol), None
    for _ in range(ATTEMPTS):
        try:
            client = BlockingClient(config, topics, role, negotiation.options)
        except NoBroker as error:
            if not negotiation.failed(error.cause) and error.cause != "hangup":
                raise
            first = first or error
            continue
        if negotiation.accepted(client.limits):
            return client
        client.close()
    raise first or NoBroker("the broker and the node do not agree how to connect", "network")
