"""A connection to the broker for somebody who waits at a terminal: every step blocks, and has a deadline."""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from pi_cam_node.config import MqttConfig
from pi_cam_node.mqtt import transport
from pi_cam_node.mqtt.reconnect import Cause, ProtocolChoice, Version

T = TypeVar("T")

ANSWER_S = 5.0
KEEPALIVE_S = 30
# Retained messages follow the broker's answer at once; this long without another one, and all have come.
QUIET_S = 0.5
LISTEN_S = 3.0
# Live pictures of several nodes could come by while somebody waits for one reply.
HEARD_MAX = 1000

# Reason codes of MQTT 5 (section 2.4 of the standard); paho-mqtt translates those of 3.1.1.
_CAUSES: dict[int, Cause] = {132: "version", **dict.fromkeys((134, 135, 138, 140), "credentials")}


class NoBroker(ConnectionError):
    """There is no connection to the broker.

    Attributes:
        cause: What kind of reason it is.
    """

    def __init__(self, reason: str, cause: Cause) -> None:
        super().__init__(reason)
        self.cause: Cause = cause


@dataclass(frozen=True, slots=True)
class Received:
    """A message as the broker delivered it."""

    topic: str
    payload: bytes = field(repr=False)
    retained: bool

    @property
    def text(self) -> str:
        """The payload as text; what is no UTF-8 is replaced."""
        return self.payload.decode(errors="replace")


class BlockingClient:
    """One connection under a random client id, so that it never puts off the node's own.

    Args:
        config: The broker.
        version: Version of MQTT.

    Raises:
        NoBroker: It could not be made.
    """

    def __init__(self, config: MqttConfig, version: Version) -> None:
        self.version = version
        self._heard: deque[Received] = deque(maxlen=HEARD_MAX)
        self._acknowledged: dict[tuple[str, int], list[ReasonCode]] = {}
        self._changed = threading.Condition()
        self._answer: ReasonCode | None = None
        self._lost = False
        self._client = self._build(version)
        self._open(config)

    def _build(self, version: Version) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"pi-cam-node-call-{uuid.uuid4().hex[:8]}",
            protocol=paho.MQTTv5 if version == "5" else paho.MQTTv311,
            reconnect_on_failure=False,
        )
        client.connect_timeout = ANSWER_S
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_socket_open = _tune
        return client

    def _open(self, config: MqttConfig) -> None:
        try:
            if config.username:
                self._client.username_pw_set(config.username, transport.password_of(config))
            if config.tls.enable:
                self._client.tls_set_context(transport.tls_context(config.tls))
            self._client.connect(config.host, config.port, KEEPALIVE_S)
        except (OSError, ValueError) as error:
            raise NoBroker(transport.reason_of(error, config.host, config.port), "network") from error
        self._client.loop_start()
        with self._changed:
            self._changed.wait_for(lambda: self._answer is not None or self._lost, ANSWER_S)
        if self._answer is not None and not self._answer.is_failure:
            return
        self.close()
        if self._answer is None:
            where = f"{config.host}:{config.port}"
            raise NoBroker(f"{where} takes the connection but does not answer as a broker would", "silence")
        raise NoBroker(f"the broker refuses the connection: {self._answer}", _CAUSES.get(self._answer.value, "network"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect and end the thread."""
        self._client.disconnect()
        self._client.loop_stop()

    def subscribe(self, filters: Sequence[str]) -> list[str]:
        """Subscribe, and return the filters that the broker refused.

        Raises:
            NoBroker: The broker does not answer any more.
        """
        wanted: Any = [(f, SubscribeOptions(qos=1)) if self.version == "5" else (f, 1) for f in filters]
        _, mid = self._client.subscribe(wanted)
        reasons = self._acknowledgement("subscribe", mid)
        return [f for f, reason in zip(filters, reasons, strict=False) if reason.is_failure]

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> str:
        """Publish with QoS 1; return why the broker refused it, empty where it did not say that it does.

        Raises:
            NoBroker: The broker does not answer any more.
        """
        mid = self._client.publish(topic, payload, qos=1, retain=retain).mid
        reasons = self._acknowledgement("publish", mid)
        return str(reasons[0]) if reasons[0].is_failure else ""

    def wait_for(self, found: Callable[[Sequence[Received]], T | None], timeout_s: float) -> T | None:
        """Wait until a function of everything heard so far returns something; return that, ``None`` when it is late.

        Raises:
            NoBroker: The connection broke meanwhile.
        """
        deadline_s = time.monotonic() + timeout_s
        with self._changed:
            while (result := found(self._heard)) is None:
                if self._lost:
                    raise NoBroker("the connection to the broker broke", "network")
                left_s = deadline_s - time.monotonic()
                if left_s <= 0:
                    return None
                self._changed.wait(left_s)
            return result

    def retained(self, filters: Sequence[str]) -> dict[str, str]:
        """Subscribe, and return the retained texts by topic; what the broker refuses is missing.

        Raises:
            NoBroker: The connection broke.
        """
        self.subscribe(filters)
        deadline_s = time.monotonic() + LISTEN_S
        with self._changed:
            while (left_s := deadline_s - time.monotonic()) > 0 and not self._lost:
                if not self._changed.wait(min(left_s, QUIET_S)):
                    break
            return {message.topic: message.text for message in self._heard if message.retained and message.payload}

    def _acknowledgement(self, kind: str, mid: int | None) -> list[ReasonCode]:
        key = (kind, mid or 0)
        with self._changed:
            self._changed.wait_for(lambda: key in self._acknowledged or self._lost, ANSWER_S)
            if key not in self._acknowledged:
                raise NoBroker(f"the broker does not acknowledge a {kind}", "network")
            return self._acknowledged.pop(key)

    # ------------------------------------------------------------ paho-mqtt's callbacks, in its thread

    def _on_connect(self, _client: object, _userdata: object, _flags: object, reason: ReasonCode, _p: object) -> None:
        with self._changed:
            self._answer = reason
            self._changed.notify_all()

    def _on_disconnect(self, *_: object) -> None:
        with self._changed:
            self._lost = True
            self._changed.notify_all()

    def _on_message(self, _client: object, _userdata: object, message: paho.MQTTMessage) -> None:
        with self._changed:
            self._heard.append(Received(message.topic, bytes(message.payload), message.retain))
            self._changed.notify_all()

    def _on_publish(self, _client: object, _userdata: object, mid: int, reason: ReasonCode, _p: object) -> None:
        self._acknowledge("publish", mid, [reason])

    def _on_subscribe(self, _c: object, _userdata: object, mid: int, reasons: list[ReasonCode], _p: object) -> None:
        self._acknowledge("subscribe", mid, reasons)

    def _acknowledge(self, kind: str, mid: int, reasons: list[ReasonCode]) -> None:
        with self._changed:
            self._acknowledged[kind, mid] = reasons
            self._changed.notify_all()


def connect(config: MqttConfig) -> BlockingClient:
    """Return a connection in the version of MQTT that the settings and the broker allow.

    Raises:
        NoBroker: There is none.
    """
    choice = ProtocolChoice(config.protocol)
    while True:
        try:
            return BlockingClient(config, choice.version)
        except NoBroker as error:
            if not choice.failed(error.cause):
                raise


def _tune(_client: object, _userdata: object, sock: Any) -> None:
    transport.tune(sock)
