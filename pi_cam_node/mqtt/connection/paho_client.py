"""Sets up paho-mqtt and publishes with it, for the node's sessions and for the command line alike."""

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
CONNECT_TIMEOUT_S = 5.0
# paho-mqtt gives up a silent broker after twice the keepalive and two of its looks at the time, once a second each.
KEEPALIVE_LESS_S = 2
# A gap shorter than this stays unseen: the broker publishes the last will only after it (MQTT 5).
WILL_DELAY_S = 10
SESSION_EXPIRY_S = 30
# Larger messages are not delivered at all (MQTT 5); the largest that is understood is far smaller.
LARGEST_INCOMING_BYTES = 4 << 20


def client_id_of(config: MqttConfig, topics: Topics, machine: str) -> str:
    """Return the client id: always the same for one node on one machine.

    With another id at each start the broker would publish the last will of the session before over the
    ``online`` of the new one.
    """
    digest = hashlib.sha256((machine + topics.node_id).encode()).hexdigest()
    return config.client_id or f"{topics.base}-{topics.node_id}-{digest[:8]}".replace("/", "-")


def machine_id() -> str:
    """Return an identifier of this machine, empty where there is none."""
    try:
        return MACHINE_ID.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""  # a container without one: the node id alone must do


@frozen
class Will:
    """The last will: what the broker publishes when the connection ends without a DISCONNECT."""

    topic: str
    payload: bytes = field(repr=False)


def availability_will(topics: Topics) -> Will:
    """Return the node's last will."""
    return Will(topics.availability, b"offline")


def command_line_will(topics: Topics) -> Will:
    """Return a will without content, an empty reply, that a broker judges as it does the node's."""
    return Will(topics.reply("doctor"), b"")


def build(client_id: str, options: ConnectOptions, will: Will) -> paho.Client:
    """Return a client that leaves reconnecting to its owner."""
    five = options.version == "5"
    client = paho.Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=None if five else True,
        protocol=paho.MQTTv5 if five else paho.MQTTv311,
        reconnect_on_failure=False,
    )
    client.connect_timeout = CONNECT_TIMEOUT_S
    client.max_inflight_messages_set(options.window)
    delay = _properties(PacketTypes.WILLMESSAGE, WillDelayInterval=WILL_DELAY_S) if five else None
    client.will_set(will.topic, will.payload, options.will_qos, options.will_retain, delay)
    client.on_socket_open = _on_socket_open
    # With this callback set publish() leaves the writing to the loop, which it wakes.
    client.on_socket_register_write = _do_not_write_here
    return client


def set_login(client: paho.Client, config: MqttConfig) -> transport.TlsContext | None:
    """Set name, password and TLS as configured; return the TLS context where there is one.

    Raises:
        OSError: A file that the settings name cannot be read, or holds no password.
    """
    if config.username:
        client.username_pw_set(config.username, transport.password_of(config))
    if not config.tls.enable:
        return None
    tls = transport.tls_context(config.tls)
    client.tls_set_context(tls)
    return tls


def connect(client: paho.Client, config: MqttConfig) -> None:
    """Open the connection and send CONNECT; a broker's old session is not continued.

    Raises:
        OSError: No broker answers, or TLS fails.
    """
    keepalive_s = config.keepalive_s - KEEPALIVE_LESS_S
    if client.protocol != paho.MQTTv5:
        client.connect(config.host, config.port, keepalive_s)
        return
    properties = _properties(
        PacketTypes.CONNECT, SessionExpiryInterval=SESSION_EXPIRY_S, MaximumPacketSize=LARGEST_INCOMING_BYTES
    )
    client.connect(config.host, config.port, keepalive_s, clean_start=True, properties=properties)


def publish(client: paho.Client, message: Message, limits: BrokerLimits) -> paho.MQTTMessageInfo:
    """Queue a message, as the broker takes it; return its receipt.

    Raises:
        ValueError: The topic or the payload is none.
    """
    properties = _publish_properties(message) if client.protocol == paho.MQTTv5 else None
    qos, retain = min(message.qos, limits.maximum_qos), message.retain and limits.retain
    return client.publish(message.topic, message.payload, qos, retain, properties)


def _publish_properties(message: Message) -> Properties | None:
    """Return the MQTT 5 properties of a message, ``None`` where there are none; they are not to be changed."""
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


class _PackedOnce(Properties):
    """Properties that are not changed any more: paho-mqtt packs them anew for each message."""

    def pack(self) -> bytes:
        """Return them as they are on the wire."""
        packed: bytes | None = self.__dict__.get("packed")
        if packed is None:
            packed = self.__dict__["packed"] = super().pack()  # type: ignore[no-untyped-call]
        return packed


@cache
def _usual_properties(expires_s: int, content_type: str) -> Properties | None:
    """Return the properties of most messages, which differ by few values: paho-mqtt checks each for long."""
    return _message_properties(expires_s, content_type, None, ())


def request_properties(reply_topic: str) -> Properties:
    """Return what MQTT 5 carries beside a request: where its replies go."""
    return _properties(PacketTypes.PUBLISH, ResponseTopic=reply_topic)


def _properties(packet: int, **values: object) -> Properties:
    made = _PackedOnce(packet)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(made, name, value)
    return made


def _on_socket_open(_client: object, _userdata: object, sock: Any) -> None:
    transport.tune(sock)


def _do_not_write_here(_client: object, _userdata: object, _sock: object) -> None:
    """Do nothing: the loop has been woken already."""


def release(client: paho.Client, tls: transport.TlsContext | None) -> None:
    """Close the socket, and break the reference cycle through the callbacks so that the rest closes, too."""
    sock = client.socket()
    with suppress(OSError):
        if sock is not None:
            sock.close()
        if tls is not None:
            tls.close_socket()
    client.on_connect = client.on_disconnect = client.on_message = None
    client.on_publish = client.on_subscribe = None
