"""One connection to the broker, from the TCP handshake to its end. Each connection is a new object.

The packet loop runs in the thread that calls `Session.run`, so its failure is noticed; paho-mqtt's own reconnect, which
has no jitter, is not used.
"""

from __future__ import annotations

import logging
import ssl
import threading
from contextlib import suppress

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from pi_cam_node.base.clock import Clock
from pi_cam_node.config import MqttConfig
from pi_cam_node.mqtt.connection import paho_client, transport
from pi_cam_node.mqtt.connection.broker_limits import BrokerLimits, limits_of
from pi_cam_node.mqtt.connection.diagnosis import SessionPlan
from pi_cam_node.mqtt.connection.disconnect import Cause, Disconnect, broker_words, cause_of_code, ended_by_broker
from pi_cam_node.mqtt.connection.in_flight import InFlight, Outcome, Sent, Waiting
from pi_cam_node.mqtt.connection.negotiation import ConnectOptions
from pi_cam_node.mqtt.connection.packet_loop import AT_ONCE_BYTES, PacketLoop
from pi_cam_node.mqtt.connection.session_listener import SessionListener
from pi_cam_node.mqtt.connection.size_probe import SizeProbe, probe_of
from pi_cam_node.mqtt.connection.subscriptions import NO_WILDCARDS, Subscriptions
from pi_cam_node.mqtt.connection.transport import CONNACK_TIMEOUT_S
from pi_cam_node.mqtt.messages.incoming import Incoming, incoming_of
from pi_cam_node.mqtt.messages.message import Message
from pi_cam_node.mqtt.messages.topics import Topics, is_pattern

_log = logging.getLogger(__name__)

CHECK_S = 1.0


class Session:
    """One connection to the broker.

    Args:
        config: The broker.
        topics: The node's topics.
        client_id: Client id.
        options: Version, last will and window.
        plan: Restrictions from findings about the broker.
        clock: Tells the time.
        listener: Receiver of the session's events.
    """

    def __init__(
        self,
        config: MqttConfig,
        topics: Topics,
        client_id: str,
        options: ConnectOptions,
        plan: SessionPlan,
        *,
        clock: Clock,
        listener: SessionListener,
    ) -> None:
        self.version = options.version
        self.limits = BrokerLimits()  # limits of the broker, as far as known
        self._config, self._topics = config, topics
        self._options = options
        self._plan, self._clock = plan, clock
        self._listener = listener
        self.in_flight = InFlight(plan.patience)
        self._reason = ""
        self._cause: Cause = "network"
        self._accepted_s: float | None = None
        self._is_up = self._gave_up = self._is_refused = False
        self._abandoned, self._handing_over = threading.Event(), threading.Lock()
        self._probe: SizeProbe | None = None
        self._tls: transport.TlsContext | None = None
        self._arrived: list[Incoming] = []
        self._client = paho_client.build(client_id, options, paho_client.availability_will(topics))
        self._packets = PacketLoop(self._client)
        if plan.one_message_at_a_time:
            self._client.max_inflight_messages_set(1)
        self.subscriptions = Subscriptions(self._client, topics, plan, clock, five=options.version == "5")
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.on_publish = self._on_publish
        self._client.on_subscribe = self._on_subscribe

    def run(self) -> Disconnect:
        """Connect and stay connected; return the end. Does not raise."""
        try:
            self._connect()
            self._loop()
        except OSError as error:
            self._reason = self._reason or transport.reason_of(error, self._config.host, self._config.port)
            self._cause = "certificate" if isinstance(error, ssl.SSLCertVerificationError) else self._cause
        except Exception as error:
            _log.exception("the connection to the broker failed in an unforeseen way")
            self._cause = "malformed"  # paho-mqtt raises various errors for malformed packets
            self._reason = transport.reason_of(error, self._config.host, self._config.port)
        self._packets.close()
        paho_client.release(self._client, self._tls)
        now_s, in_flight = self._clock.monotonic(), self.in_flight
        with self._handing_over:  # the message being sent now may be the cause
            unacknowledged = in_flight.close()
        return Disconnect(
            self._reason or "the connection broke",
            self._cause,
            lasted_s=None if self._accepted_s is None else now_s - self._accepted_s,
            gave_up=self._gave_up,
            unacknowledged=unacknowledged,
            unproven=in_flight.unproven,
            delivered=in_flight.take_delivered(),
            acknowledged=in_flight.acknowledged,
            proven_bytes=in_flight.proven_bytes,
            subscribed=self.subscriptions.has_answer,
            has_pattern=any(map(is_pattern, self.subscriptions.granted)),
            unanswered=self.subscriptions.unanswered,
            probe=self._probe.under_way if self._probe is not None else None,
            sent_last_s=in_flight.count_since(now_s - 1 - CHECK_S),
            foreign_topics=in_flight.foreign_topics,
        )

    def publish(self, waiting: Waiting, *, force: bool = False) -> Outcome:
        """Send a message within the broker's limits; never blocks.

        Args:
            waiting: The message.
            force: Ignore the in-flight limit, for the retained state, whose size is bounded.

        Thread: the node thread.
        """
        message = waiting.message
        limit = self.limits.packet_bytes
        if limit is not None and message.size_bytes > limit:
            return Outcome.NEVER
        if not force and not self.in_flight.has_room(message):
            return Outcome.LATER
        with self._handing_over:
            try:
                receipt = self._publish(message)
            except ValueError:
                return Outcome.NEVER
            if receipt.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return Outcome.LATER
            sent = Sent(waiting, receipt, self._clock.monotonic())
            return Outcome.SENT if self.in_flight.add(sent) else Outcome.LATER

    def disconnect(self, last_message: Message | None, wait_s: float) -> None:
        """Publish a last message and disconnect; if it is not acknowledged in time, leave that to the last will.

        Thread: any but the session's.
        """
        is_out = last_message is None
        with suppress(ValueError, RuntimeError):  # raised if the connection is closed
            if last_message is not None:
                (receipt := self._publish(last_message)).wait_for_publish(wait_s)
                is_out = receipt.is_published()
        if is_out:
            self._client.disconnect()
            self._packets.flush(at_once=False)
        else:
            self._abandoned.set()  # after a DISCONNECT the broker would forget the last will

    def abandon(self) -> list[Sent]:
        """End without DISCONNECT, within about a second; return unacknowledged messages. Thread: any."""
        self._abandoned.set()
        return self.in_flight.close()

    def search_limit(self, proven_bytes: int, suspect_bytes: int) -> None:
        """Search for the broker's packet limit, in the session's thread. Thread: any."""
        if self._probe is None:
            self._probe = probe_of(self._client, self._topics.probe, proven_bytes, suspect_bytes)

    @property
    def carries_pictures(self) -> bool:
        """Whether pictures are in flight: unacknowledged, or in the kernel's send buffer."""
        return self.in_flight.carries_pictures or transport.has_unsent_picture(self._client.socket())

    def reset(self) -> None:
        """End at once, discarding the kernel's send buffer. Thread: any."""
        self._reason, self._gave_up = "closed by the node, as pictures were in flight", True
        self._abandoned.set()
        transport.cut(self._client.socket())

    # ------------------------------------------------------------ course of a connection

    def _connect(self) -> None:
        self._tls = paho_client.set_login(self._client, self._config)
        paho_client.connect(self._client, self._config)
        self._packets.open()
        # From here on a closed connection may be a refusal of MQTT version or will.
        self._cause = "hangup"

    def _loop(self) -> None:
        connected_s = check_s = self._clock.monotonic()
        while not self._abandoned.is_set() and self._exchange():
            now_s = self._clock.monotonic()
            if self._accepted_s is None and now_s - connected_s > CONNACK_TIMEOUT_S:
                self._reason, self._cause = "the broker takes the connection but does not answer", "silence"
                return
            if self._is_up and self._probe is not None and (result := self._probe.step(now_s)) is not None:
                self._listener.on_probed(*result)
            if now_s - check_s >= CHECK_S:
                check_s = now_s
                self._listener.on_check()
                if self.in_flight.is_stuck(now_s) or self.subscriptions.is_stuck(now_s):
                    self._reason, self._gave_up = "the broker acknowledges nothing any more", True
                    return

    def _exchange(self) -> bool:
        """Read and write for a second at most; return whether the connection is still open."""
        try:
            result = self._packets.turn(CHECK_S)
        finally:
            self._deliver()
        if result == MQTTErrorCode.MQTT_ERR_PROTOCOL:
            self._cause = "malformed" if self._accepted_s is not None else self._cause
        return result == MQTTErrorCode.MQTT_ERR_SUCCESS

    def _deliver(self) -> None:
        """Pass on received messages, once their acknowledgements are written, for which replies would have to wait."""
        arrived, self._arrived = self._arrived, []
        for incoming in arrived:
            self._listener.on_message(incoming)

    def _publish(self, message: Message) -> paho.MQTTMessageInfo:
        receipt = paho_client.publish(self._client, message, self.limits)
        self._packets.flush(at_once=message.size_bytes <= AT_ONCE_BYTES)
        return receipt

    # ------------------------------------------------------------ paho-mqtt's callbacks, in the session's thread

    def _on_connect(
        self, _client: object, _userdata: object, _flags: object, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._reason = f"the broker refuses the connection: {broker_words(reason, properties)}"
            self._cause = cause_of_code(reason.value)
            return
        self._accepted_s = self._clock.monotonic()
        self._cause = "network"
        announced = limits_of(properties)
        self.limits = announced.restricted(retain=self._options.will_retain, maximum_qos=self._options.will_qos)
        if not self._listener.on_offer(self.limits):
            self._client.disconnect()
            return
        self.subscriptions.start(wildcards=self.limits.wildcards and self._plan.wildcards)
        if not self._plan.one_filter_at_a_time:
            self._come_up()

    def _come_up(self) -> None:
        if not self._is_up:
            self._deliver()  # earlier messages first
            self._is_up = True
            self._listener.on_accepted(self.version, self.limits)

    def _on_disconnect(
        self, _client: object, _userdata: object, flags: paho.DisconnectFlags, reason: ReasonCode, properties: object
    ) -> None:
        if self._reason:
            return  # paho-mqtt reports some ends twice
        if flags.is_disconnect_packet_from_server:
            self._cause, self._reason = ended_by_broker(reason, properties)
        elif self._accepted_s is None:
            self._reason = "the broker hung up before it answered"
        elif reason.getName() == "Keep alive timeout":
            self._reason = "the broker does not answer any more"
            self._gave_up = True

    def _on_message(self, _client: object, _userdata: object, message: paho.MQTTMessage) -> None:
        try:
            incoming = incoming_of(message)
        except UnicodeDecodeError:
            return  # not a topic of the node
        if incoming.topic == self._topics.probe and self._probe is not None:
            self._probe.echoed()
        else:
            self._arrived.append(incoming)

    def _on_publish(self, _client: object, _userdata: object, mid: int, reason: ReasonCode, properties: object) -> None:
        if self._probe is not None and self._probe.acknowledged(mid, self._clock.monotonic()):
            return
        if reason.is_failure or self._is_refused:
            self._is_refused = True
            words = broker_words(reason, properties) if reason.is_failure else ""
            self._listener.on_answered("publish on", self.in_flight.topic_of(mid), words)

    def _on_subscribe(
        self, _client: object, _userdata: object, mid: int, reasons: list[ReasonCode], properties: object
    ) -> None:
        for topic_filter, reason in self.subscriptions.answered(mid, reasons):
            if reason.value == NO_WILDCARDS:
                self.subscriptions.start(wildcards=False)
                break
            self._listener.on_answered("subscribe to", topic_filter, broker_words(reason, properties))
        if self.subscriptions.is_complete:
            self._come_up()
