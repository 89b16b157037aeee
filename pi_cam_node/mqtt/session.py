"""One connection to the broker, from the TCP handshake to its end. Its successor is built anew.

paho-mqtt's loop runs in the thread that calls `Session.run`, so a loop that dies cannot go unnoticed,
and its own reconnecting, which has neither jitter nor an end, is not used.
"""

from __future__ import annotations

import logging
import ssl
import threading
from contextlib import suppress
from typing import Any, Protocol

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from pi_cam_node.base.clock import Clock
from pi_cam_node.config import MqttConfig
from pi_cam_node.mqtt import transport
from pi_cam_node.mqtt.disconnect import TAKEN_OVER, UNREADABLE, Disconnect, cause_of_code
from pi_cam_node.mqtt.in_flight import InFlight, Outcome, Sent, Waiting
from pi_cam_node.mqtt.incoming import Incoming
from pi_cam_node.mqtt.message import Message
from pi_cam_node.mqtt.paho_client import build, connect, publish_properties, release
from pi_cam_node.mqtt.reconnect import Cause, Version
from pi_cam_node.mqtt.topics import Topics

_log = logging.getLogger(__name__)

CONNACK_TIMEOUT_S = 5.0
CHECK_S = 1.0


class Listener(Protocol):
    """Whom a session tells. Everything is called in the session's thread and must not block."""

    def on_accepted(self, session: Session) -> None:
        """The broker accepted the connection, and subscriptions are on their way."""
        ...

    def on_message(self, incoming: Incoming) -> None:
        """A message came."""
        ...

    def on_refused(self, what: str, topic: str, reason: str) -> None:
        """The broker refused a subscription or a publication."""
        ...

    def on_check(self) -> None:
        """About a second has passed."""
        ...


class Session:
    """One connection.

    Args:
        config: The broker.
        topics: The node's topics.
        client_id: Under which to connect.
        version: Version of MQTT.
        clock: Tells the time.
        listener: Is told what comes.
        one_at_a_time: Let one message wait for its acknowledgement at a time.
    """

    def __init__(
        self,
        config: MqttConfig,
        topics: Topics,
        client_id: str,
        version: Version,
        *,
        clock: Clock,
        listener: Listener,
        one_at_a_time: bool = False,
    ) -> None:
        self.version = version
        self._config = config
        self._topics = topics
        self._clock = clock
        self._listener = listener
        self._five = version == "5"
        self._in_flight = InFlight()
        self._reason = ""
        self._cause: Cause = "network"
        self._taken_over = self._noisy = self._gave_up = False
        self._accepted_s: float | None = None
        self._abandoned = threading.Event()
        self._filters: list[str] = []
        self._tls: transport.TlsContext | None = None
        self.packet_limit_bytes: int | None = None  # the largest that the broker takes, where it said so
        self._client = build(client_id, version, topics.availability)
        if one_at_a_time:
            self._client.max_inflight_messages_set(1)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.on_publish = self._on_publish
        self._client.on_subscribe = self._on_subscribe

    @property
    def is_idle(self) -> bool:
        """Whether the broker has taken everything that was sent."""
        return self._in_flight.is_empty

    @property
    def is_busy(self) -> bool:
        """Whether so much is under way that a whole stream of frames would not fit."""
        return self._in_flight.is_busy

    def run(self) -> Disconnect:
        """Connect and stay connected; return how it ended. Raises nothing."""
        try:
            self._connect()
            self._loop()
        except OSError as error:
            self._reason = self._reason or transport.reason_of(error, self._config.host, self._config.port)
            if isinstance(error, ssl.SSLCertVerificationError):
                self._cause = "certificate"
        except Exception as error:
            _log.exception("the connection to the broker failed in an unforeseen way")
            self._noisy = True  # paho-mqtt before 2.2 stumbles over packets that are none
            self._reason = transport.reason_of(error, self._config.host, self._config.port)
        release(self._client, self._tls)
        lasted_s = None if self._accepted_s is None else self._clock.monotonic() - self._accepted_s
        reason, left = self._reason or "the connection broke", self._in_flight.close()
        why = (self._taken_over, self._noisy, self._gave_up)
        return Disconnect(reason, self._cause, lasted_s, *why, left, self._in_flight.acknowledged)

    def publish(self, waiting: Waiting, *, force: bool = False) -> Outcome:
        """Hand a message over; never blocks.

        Args:
            waiting: The message.
            force: Also beyond what may be under way: for the retained table, which is bounded by itself.

        Thread: the node thread.
        """
        message = waiting.message
        limit = self.packet_limit_bytes
        if limit is not None and message.size_bytes > limit:
            return Outcome.NEVER
        if not force and not self._in_flight.has_room(message):
            return Outcome.LATER
        try:
            receipt = self._publish(message)
        except ValueError:
            return Outcome.NEVER
        if receipt.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return Outcome.LATER
        return Outcome.SENT if self._in_flight.add(Sent(waiting, receipt, self._clock.monotonic())) else Outcome.LATER

    def leave(self, farewell: Message | None, wait_s: float) -> None:
        """Say goodbye and disconnect; where the goodbye is not acknowledged in time the last will shall say it.

        Thread: any but the session's.
        """
        if farewell is not None and not self._is_said(farewell, wait_s):
            self._abandoned.set()  # after a DISCONNECT the broker would forget the last will
        else:
            self._client.disconnect()

    def _is_said(self, farewell: Message, wait_s: float) -> bool:
        with suppress(ValueError, RuntimeError):  # raised where the connection is gone: nobody to say it to
            receipt = self._publish(farewell)
            receipt.wait_for_publish(wait_s)
            return receipt.is_published()
        return False

    def abandon(self) -> list[Sent]:
        """End without a goodbye, within about a second; return what was not acknowledged. Thread: any."""
        self._abandoned.set()
        return self._in_flight.close()

    @property
    def carries_pictures(self) -> bool:
        """Whether pictures are on their way: not acknowledged, or with the kernel, which takes all that comes."""
        return self._in_flight.carries_pictures or transport.has_unsent_picture(self._client.socket())

    def reset(self) -> None:
        """End at once, and let the kernel drop what it has not sent. Thread: any."""
        self._reason, self._gave_up = "broken off, since pictures were on their way", True
        self._abandoned.set()
        transport.cut(self._client.socket())

    # ------------------------------------------------------------ the life of a connection

    def _connect(self) -> None:
        config = self._config
        if config.username:
            self._client.username_pw_set(config.username, transport.password_of(config))
        if config.tls.enable:
            self._tls = transport.tls_context(config.tls)
            self._client.tls_set_context(self._tls)
        connect(self._client, config)
        # From here on a broker that hangs up before it answers may dislike the version of MQTT.
        self._cause = "silence"

    def _loop(self) -> None:
        connected_s = check_s = self._clock.monotonic()
        while not self._abandoned.is_set() and self._read():
            sock: Any = self._client.socket()
            if sock is not None:
                transport.acknowledge_at_once(sock)
            now_s = self._clock.monotonic()
            if self._accepted_s is None and now_s - connected_s > CONNACK_TIMEOUT_S:
                self._reason = "the broker takes the connection but does not answer"
                return
            if now_s - check_s >= CHECK_S:
                check_s = now_s
                self._listener.on_check()
                if self._in_flight.is_stuck(now_s):
                    self._reason = "the broker acknowledges nothing any more"
                    self._gave_up = True
                    return

    def _read(self) -> bool:
        """Let paho-mqtt read and write for a second at most; return whether the connection still stands."""
        result = self._client.loop(CHECK_S)
        self._noisy = self._noisy or result == MQTTErrorCode.MQTT_ERR_PROTOCOL
        return result == MQTTErrorCode.MQTT_ERR_SUCCESS

    def _publish(self, message: Message) -> paho.MQTTMessageInfo:
        properties = publish_properties(message) if self._five else None
        return self._client.publish(message.topic, message.payload, message.qos, message.retain, properties)

    # ------------------------------------------------------------ paho-mqtt's callbacks, in the session's thread

    def _on_connect(
        self, _client: object, _userdata: object, _flags: object, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._reason = f"the broker refuses the connection: {reason}"
            self._cause = cause_of_code(reason.value)
            return
        self._accepted_s = self._clock.monotonic()
        self.packet_limit_bytes = getattr(properties, "MaximumPacketSize", None)
        self._subscribe()
        self._listener.on_accepted(self)

    def _subscribe(self) -> None:
        """Subscribe to everything in one packet.

        Commands ask for the retain flag as published, also on a live message: a retained command would run
        again at each connect, so it is refused the first time.
        """
        wanted = [(f, True) for f in self._topics.command_filters()]
        wanted += [(f, False) for f in self._topics.notice_filters()]
        self._filters = [topic_filter for topic_filter, _ in wanted]
        if self._five:
            self._client.subscribe([(f, SubscribeOptions(qos=1, retainAsPublished=flag)) for f, flag in wanted])
        else:
            self._client.subscribe([(f, 1) for f in self._filters])

    def _on_disconnect(
        self, _client: object, _userdata: object, flags: paho.DisconnectFlags, reason: ReasonCode, _properties: object
    ) -> None:
        if self._reason:
            return  # paho-mqtt tells some endings twice
        if flags.is_disconnect_packet_from_server:
            self._taken_over, self._noisy = reason.value == TAKEN_OVER, reason.value in UNREADABLE
            hint = "; is its client id used twice?" if self._taken_over else ""
            self._reason = f"the broker ended the connection: {reason}{hint}"
        elif self._accepted_s is None:
            self._reason = "the broker hung up before it answered"
        elif reason.getName() == "Keep alive timeout":
            self._reason = "the broker does not answer any more"
            self._gave_up = True

    def _on_message(self, _client: object, _userdata: object, message: paho.MQTTMessage) -> None:
        properties: Any = message.properties
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return  # no topic of ours
        incoming = Incoming(
            topic=topic,
            payload=bytes(message.payload),
            retained=message.retain,
            reply_to=getattr(properties, "ResponseTopic", None),
            correlation=getattr(properties, "CorrelationData", None),
        )
        self._listener.on_message(incoming)

    def _on_publish(self, _client: object, _userdata: object, mid: int, reason: ReasonCode, _props: object) -> None:
        if reason.is_failure:
            self._listener.on_refused("publish on", self._in_flight.topic_of(mid), str(reason))

    def _on_subscribe(
        self, _client: object, _userdata: object, _mid: int, reasons: list[ReasonCode], _properties: object
    ) -> None:
        for topic_filter, reason in zip(self._filters, reasons, strict=False):
            if reason.is_failure:
                self._listener.on_refused("subscribe to", topic_filter, str(reason))
