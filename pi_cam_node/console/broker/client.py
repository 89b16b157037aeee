"""Set-up of the console's paho-mqtt client: a persistent session, and options of MQTT 5."""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from pi_cam_node.config import MqttConfig
from pi_cam_node.console.broker.topics import ConsoleTopics
from pi_cam_node.mqtt.connection import transport

# The broker queues events for so long while the console is offline.
SESSION_EXPIRY_S = 7 * 86_400


def build(topics: ConsoleTopics, *, five: bool) -> paho.Client:
    """Return a client with the last will ``offline`` and manual acknowledgement."""
    client = paho.Client(
        CallbackAPIVersion.VERSION2,
        client_id=f"pi_cam_node_console-{topics.console_id}",
        clean_session=None if five else False,
        protocol=paho.MQTTv5 if five else paho.MQTTv311,
        reconnect_on_failure=False,
        manual_ack=True,
    )
    client.connect_timeout = transport.CONNECT_TIMEOUT_S
    client.will_set(topics.availability, b"offline", 1, True)
    client.on_socket_open = _tuned
    client.on_socket_register_write = _leave_it_to_the_loop
    return client


def connect(client: paho.Client, config: MqttConfig) -> None:
    """Open the connection and send CONNECT, resuming the session at the broker.

    Raises:
        OSError: The broker does not answer, or TLS fails.
    """
    if config.username:
        client.username_pw_set(config.username, transport.password_of(config))
    if config.tls.enable:
        client.tls_set_context(transport.tls_context(config.tls))
    if client.protocol == paho.MQTTv5:
        options = properties(
            PacketTypes.CONNECT,
            SessionExpiryInterval=SESSION_EXPIRY_S,
            MaximumPacketSize=transport.LARGEST_INCOMING_BYTES,
        )
        client.connect(config.host, config.port, config.keepalive_s, clean_start=False, properties=options)
    else:
        client.connect(config.host, config.port, config.keepalive_s)


def properties(packet: int, **values: object) -> Properties:
    """Return properties of MQTT 5 for a kind of packet."""
    made = Properties(packet)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(made, name, value)
    return made


def _tuned(_client: object, _data: object, sock: Any) -> None:
    with suppress(OSError, ssl.SSLError):
        transport.tune(sock)


def _leave_it_to_the_loop(_client: object, _data: object, _sock: object) -> None:
    """Do nothing: with this callback set, `publish` wakes the loop instead of writing to the socket."""
