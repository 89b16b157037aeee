"""The console's connection to the broker: a thread of paho-mqtt, a persistent session, a bounded queue to the loop.

A message of QoS 1 is acknowledged by its consumer, after it is stored: the broker redelivers what a console that
crashed had not stored.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import field
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.frozen import frozen
from pi_cam_node.config import MqttConfig
from pi_cam_node.console.broker.client import build, connect, properties
from pi_cam_node.console.broker.message_limit import MessageLimit
from pi_cam_node.console.broker.topics import ConsoleTopics
from pi_cam_node.mqtt.connection import transport
from pi_cam_node.mqtt.connection.backoff import Backoff
from pi_cam_node.mqtt.connection.disconnect import cause_of_code
from pi_cam_node.mqtt.connection.transport import CONNACK_TIMEOUT_S

_log = logging.getLogger(__name__)

LOOP_S = 1.0
HANDOVER_DEADLINE_S = 10.0


@frozen
class Arrival:
    """A message received from the broker.

    Attributes:
        topic: Its topic.
        payload: Its payload.
        retained: Whether it is a retained message, not a live one.
        correlation: Correlation data of MQTT 5.
        acknowledge: To be called once the message is stored or discarded. Thread: any.
    """

    topic: str
    payload: bytes = field(repr=False)
    retained: bool
    correlation: bytes | None = None
    acknowledge: Callable[[], None] = field(default=lambda: None, repr=False)


@frozen
class BrokerState:
    """State of the connection to the broker, and the reason if it is down."""

    connected: bool
    reason: str = ""


class BrokerLink:
    """Connection to the broker for use on the console's loop.

    Args:
        config: The section ``mqtt``.
        topics: The console's topics.
        clock: Tells the time.
        on_message: Takes each message. Thread: the loop's.
        on_state: Called when the connection opens or is lost. Thread: the loop's.
    """

    def __init__(
        self,
        config: MqttConfig,
        topics: ConsoleTopics,
        clock: Clock,
        on_message: Callable[[Arrival], None],
        on_state: Callable[[BrokerState], None],
    ) -> None:
        self._config = config
        self._topics = topics
        self._clock = clock
        self._on_message = on_message
        self._on_state = on_state
        self._backoff = Backoff(random.Random())
        self._uses_mqtt5 = config.protocol != "3.1.1"
        self._loop: asyncio.AbstractEventLoop | None = None
        self._limit = MessageLimit()
        self._closing = threading.Event()
        self._client: paho.Client | None = None
        self._is_connected = self._is_version_refused = self._is_login_refused = False
        self._is_version_known = False
        self._reason = self._logged = ""
        # Guards the topics together with the connection state: a topic added while the broker accepts the connection
        # would otherwise be subscribed to by neither thread.
        self._subscribing = threading.Lock()
        self._extra: dict[str, int] = {}
        self.dropped = 0
        self._thread = threading.Thread(target=self._run, name="console-mqtt", daemon=True)

    @property
    def is_connected(self) -> bool:
        """Whether the broker has accepted the connection. Thread: any."""
        return self._is_connected

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the thread that connects; messages are passed to this loop."""
        self._loop = loop
        self._thread.start()

    def close(self, deadline_s: float) -> None:
        """Publish ``offline``, disconnect, end the thread. The session stays at the broker."""
        client = self._client
        if client is not None and self._is_connected:
            with suppress(ValueError, RuntimeError):
                client.publish(self._topics.availability, b"offline", 1, True).wait_for_publish(min(1.0, deadline_s))
        self._closing.set()
        if client is not None:
            client.disconnect()
        self._thread.join(deadline_s)

    def publish(self, topic: str, payload: bytes, *, correlation: bytes | None = None) -> bool:
        """Send a command with the console's reply topic; return whether it was sent. Thread: any; never blocks."""
        client = self._client
        if client is None or not self._is_connected:
            return False
        sent_with = None
        if self._uses_mqtt5:
            sent_with = properties(
                PacketTypes.PUBLISH, ResponseTopic=self._topics.replies, CorrelationData=correlation or b""
            )
        return client.publish(topic, payload, 1, False, sent_with).rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def subscribe(self, topic: str, qos: int = 1) -> None:
        """Subscribe to one more topic, now and after each reconnect. Thread: the loop's."""
        with self._subscribing:
            self._extra[topic] = qos
            if self._client is not None and self._is_connected:
                self._client.subscribe(topic, qos)

    def unsubscribe(self, topic: str) -> None:
        """Unsubscribe from a topic. Thread: the loop's."""
        with self._subscribing:
            self._extra.pop(topic, None)
            if self._client is not None and self._is_connected:
                self._client.unsubscribe(topic)

    # ------------------------------------------------------------ the link's own thread

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                wait_s = self._session()
            except Exception:
                _log.exception("the connection to the broker failed in an unforeseen way; trying again")
                wait_s = self._backoff.after_failure()
            self._is_connected = False
            self._tell(BrokerState(connected=False, reason=self._reason))
            self._closing.wait(wait_s)

    def _session(self) -> float:
        """Run one connection until it ends; return the seconds until the next attempt."""
        self._reason = ""
        client = self._client = self._build()
        began_s = self._clock.monotonic()
        accepted = has_opened = False
        try:
            connect(client, self._config)
            has_opened = True
            while not self._closing.is_set() and client.loop(LOOP_S) == MQTTErrorCode.MQTT_ERR_SUCCESS:
                accepted = accepted or self._is_connected
                if not accepted and self._clock.monotonic() - began_s > CONNACK_TIMEOUT_S:
                    self._reason = "the broker takes the connection but does not answer"
                    break
        except OSError as error:
            self._reason = transport.reason_of(error, self._config.host, self._config.port)
        sock = client.socket()
        if sock is not None:
            with suppress(OSError):
                sock.close()
        self._reason = self._reason or "the connection broke"
        if self._reason != self._logged and not self._closing.is_set():
            self._logged = self._reason
            _log.warning("no connection to the broker: %s; trying again", self._reason)
        return self._wait_s(has_opened=has_opened)

    def _wait_s(self, *, has_opened: bool) -> float:
        """Return the seconds until the next attempt; choose its protocol version where none is known to work.

        A broker without MQTT 5 refuses the version, or only closes the connection.
        """
        is_suspect = self._is_version_refused or (has_opened and not self._is_login_refused)
        self._is_version_refused = False
        if self._config.protocol != "auto" or self._is_version_known or not is_suspect:
            return self._backoff.after_failure(refused=self._is_login_refused)
        self._uses_mqtt5 = not self._uses_mqtt5
        return self._backoff.after_failure() if self._uses_mqtt5 else 0.0

    def _build(self) -> paho.Client:
        client = build(self._topics, five=self._uses_mqtt5)
        client.on_connect, client.on_disconnect = self._connected, self._disconnected
        client.on_message = self._message
        return client

    def _connected(self, client: paho.Client, _data: object, _flags: object, reason: ReasonCode, _p: object) -> None:
        if reason.is_failure:
            cause = cause_of_code(reason.value)
            self._is_version_refused, self._is_login_refused = cause == "version", cause == "credentials"
            self._reason = f"the broker refuses the connection: {reason}"
            return
        self._is_login_refused, self._is_version_known, self._logged = False, True, ""
        with self._subscribing:
            client.subscribe([*self._topics.subscriptions(), *self._extra.items()])
            client.publish(self._topics.availability, b"online", 1, True)
            self._is_connected = True
        _log.info(
            "connected to %s:%d, MQTT %s", self._config.host, self._config.port, "5" if self._uses_mqtt5 else "3.1.1"
        )
        self._tell(BrokerState(connected=True))

    def _disconnected(self, _client: object, _data: object, flags: Any, reason: ReasonCode, _p: object) -> None:
        self._is_connected = False
        if not self._reason and flags.is_disconnect_packet_from_server:
            self._reason = f"the broker ended the connection: {reason}"

    def _message(self, client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        acknowledge = _acknowledging(client, message)
        try:
            topic = message.topic
        except UnicodeDecodeError:
            acknowledge()
            return
        correlation = getattr(message.properties, "CorrelationData", None)
        arrival = Arrival(topic, bytes(message.payload), bool(message.retain), correlation, acknowledge)
        if not self._limit.acquire(len(arrival.payload), HANDOVER_DEADLINE_S):
            self.dropped += 1  # not acknowledged, so the broker delivers it again with the next session
            return
        if not self._call(self._take, arrival):
            self._limit.release(len(arrival.payload))

    def _take(self, arrival: Arrival) -> None:
        self._limit.release(len(arrival.payload))
        try:
            self._on_message(arrival)
        except Exception:
            _log.exception("a message on %s could not be passed to the console", arrival.topic[:80])
            arrival.acknowledge()

    def _tell(self, state: BrokerState) -> None:
        self._call(self._on_state, state)

    def _call(self, function: Callable[[Any], None], argument: object) -> bool:
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(function, argument)
        except RuntimeError:  # the loop is closed
            return False
        return True


def _acknowledging(client: paho.Client, message: paho.MQTTMessage) -> Callable[[], None]:
    mid, qos = message.mid, message.qos

    def acknowledge() -> None:
        if qos:
            client.ack(mid, qos)

    return acknowledge
