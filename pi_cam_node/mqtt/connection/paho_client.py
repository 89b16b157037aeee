"""Sets up paho-mqtt clients and publishes with them, for the node's sessions and the command line."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from pi_cam_node.base.frozen import frozen
from pi_cam_node.config import MqttConfig
from pi_cam_node.mqtt.connection import transport
from pi_cam_node.mqtt.connection.broker_limits import BrokerLimits
from pi_cam_node.mqtt.connection.negotiation import ConnectOptions
from pi_cam_node.mqtt.messages.message import Message
from pi_cam_node.mqtt.messages.topics import Topics

MACHINE_ID = Path("/etc/machine-id")
# paho-mqtt gives up a silent broker after twice the keepalive plus two of its checks, one per second.
KEEPALIVE_LESS_S = 2
# Will delay (MQTT 5): shorter disconnections are not published.
WILL_DELAY_S = 10
SESSION_EXPIRY_S = 30


def client_id_of(config: MqttConfig, topics: Topics, machine: str) -> str:
    """Return the client id: always the same for one node on one machine.

    With a random id the broker would publish the last will of the previous session after the ``online`` of the new one.
    """
    digest = hashlib.sha256((machine + topics.node_id).encode()).hexdigest()
    return config.client_id or f"{topics.base}-{topics.node_id}-{digest[:8]}".replace("/", "-")


def machine_id() -> str:
    """Return an identifier of this machine; empty if there is none."""
    try:
        return MACHINE_ID.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""  # a container without one: only the node id is used


@frozen
class Will:
    """The last will: what the broker publishes when the connection ends without a DISCONNECT."""

    topic: str
    payload: bytes = field(repr=False)


def availability_will(topics: Topics) -> Will:
    """Return the node's last will."""
    return Will(topics.availability, b"offline")


def command_line_will(topics: Topics) -> Will:
    """Return a will without effect, an empty reply; brokers apply the same restrictions to it as to the node's."""
    return Will(topics.reply("doctor"), b"")


def build(client_id: str, options: ConnectOptions, will: Will) -> paho.Client:
    """Return a client without automatic reconnect."""
    five = options.version == "5"
    client = _Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=None if five else True,
        protocol=paho.MQTTv5 if five else paho.MQTTv311,
        reconnect_on_failure=False,
    )
    client.connect_timeout = transport.CONNECT_TIMEOUT_S
    client.max_inflight_messages_set(options.window)
    delay = _properties(PacketTypes.WILLMESSAGE, WillDelayInterval=WILL_DELAY_S) if five else None
    client.will_set(will.topic, will.payload, options.will_qos, options.will_retain, delay)
    client.on_socket_open = _on_socket_open
    # With this callback set, publish() does not write.
    client.on_socket_register_write = _do_not_write_here
    return client


def set_login(client: paho.Client, config: MqttConfig) -> transport.TlsContext | None:
    """Set user name, password and TLS as configured; return the TLS context, if any.

    Raises:
        OSError: A configured file cannot be read, or holds no password.
    """
    if config.username:
        client.username_pw_set(config.username, transport.password_of(config))
    if not config.tls.enable:
        return None
    tls = transport.tls_context(config.tls)
    client.tls_set_context(tls)
    return tls


def connect(client: paho.Client, config: MqttConfig) -> None:
    """Open the connection and send CONNECT with a clean start.

    Raises:
        OSError: The broker does not respond, or TLS fails.
    """
    keepalive_s = config.keepalive_s - KEEPALIVE_LESS_S
    if client.protocol != paho.MQTTv5:
        client.connect(config.host, config.port, keepalive_s)
        return
    properties = _properties(
        PacketTypes.CONNECT,
        SessionExpiryInterval=SESSION_EXPIRY_S,
        MaximumPacketSize=transport.LARGEST_INCOMING_BYTES,
    )
    client.connect(config.host, config.port, keepalive_s, clean_start=True, properties=properties)


def publish(client: paho.Client, message: Message, limits: BrokerLimits) -> paho.MQTTMessageInfo:
    """Queue a message within the broker's limits; return its receipt.

    Raises:
        ValueError: Topic or payload is invalid.
    """
    properties = _publish_properties(message) if client.protocol == paho.MQTTv5 else None
    qos, retain = min(message.qos, limits.maximum_qos), message.retain and limits.retain
    return client.publish(message.topic, message.payload, qos, retain, properties)


def _publish_properties(message: Message) -> Properties | None:
    """Return the MQTT 5 properties of a message, not to be modified; ``None`` for none."""
    if message.correlation is None and not message.user:
        return _usual_properties(message.expires_s, message.content_type)
    return _message_properties(message.expires_s, message.content_type, message.correlation, message.user)


def _message_properties(
    expires_s: int, content_type: str, correlation: bytes | None, user: tuple[tuple[str, str], ...]
) -> Properties | None:
    values: dict[str, object] = {}
    if expires_s:
        values["MessageExpiryInterval"] = expires_s
    if content_type:
        values["ContentType"] = content_type
    if correlation is not None:
        values["CorrelationData"] = correlation
    if user:
        values["UserProperty"] = list(user)
    return _properties(PacketTypes.PUBLISH, **values) if values else None


class _Client(paho.Client):
    """Leaves it to its reader to close a broken connection.

    A failed write closed it, and with it went, unread, what the broker had sent before: mostly why it ended.
    """

    def _sock_send(self, buf: bytes | bytearray) -> int:
        try:
            return super()._sock_send(buf)
        except ConnectionError:
            if self.socket() is None:
                raise
            raise BlockingIOError from None


class _PackedOnce(Properties):
    """Immutable properties with a cached encoding, which paho-mqtt would repeat for each message."""

    def pack(self) -> bytes:
        """Return the encoded properties."""
        packed: bytes | None = self.__dict__.get("packed")
        if packed is None:
            packed = self.__dict__["packed"] = super().pack()  # type: ignore[no-untyped-call]
        return packed


@cache
def _usual_properties(expires_s: int, content_type: str) -> Properties | None:
    """Return cached properties for common values, as paho-mqtt validates them slowly."""
    return _message_properties(expires_s, content_type, None, ())


def request_properties(reply_topic: str) -> Properties:
    """Return the MQTT 5 properties of a request: its response topic."""
    return _properties(PacketTypes.PUBLISH, ResponseTopic=reply_topic)


def _properties(packet: int, **values: object) -> Properties:
    made = _PackedOnce(packet)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(made, name, value)
    return made


def _on_socket_open(_client: object, _userdata: object, sock: Any) -> None:
    transport.tune(sock)


def _do_not_write_here(_client: object, _userdata: object, _sock: object) -> None:
    """Do nothing: `PacketLoop` writes."""


def release(client: paho.Client, tls: transport.TlsContext | None) -> None:
    """Close the socket, and break the reference cycle through the callbacks, so that the client is freed."""
    sock = client.socket()
    with suppress(OSError):
        if sock is not None:
            sock.close()
        if tls is not None:
            tls.close_socket()
    client.on_connect = client.on_disconnect = client.on_message = None
    client.on_publish = client.on_subscribe = None
