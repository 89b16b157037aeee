"""Converts a message of the broker to an input of the node. Pure."""

from __future__ import annotations

from dataclasses import field
from typing import Any

import paho.mqtt.client as paho

from pi_cam_node.base.frozen import frozen
from pi_cam_node.core.commands.parsing import MAX_PAYLOAD_BYTES
from pi_cam_node.core.inputs import CommandArrived, DiscoveryFound, HomeAssistantStarted, Input, StaleWillSeen
from pi_cam_node.mqtt.messages.set_payload import command_of
from pi_cam_node.mqtt.messages.topics import Notice, ParsedCommand, Topics

# No message to the node is larger, and many may come at once.
KEPT_BYTES = 256 << 10


@frozen
class Incoming:
    """A message as the broker delivered it; MQTT 5 alone knows ``reply_to`` and ``correlation``."""

    topic: str
    payload: bytes = field(repr=False)
    retained: bool
    reply_to: str | None = None
    correlation: bytes | None = None


def incoming_of(message: paho.MQTTMessage) -> Incoming:
    """Return a message of paho-mqtt as an `Incoming`, of a very large payload the beginning.

    Raises:
        UnicodeDecodeError: The topic is not UTF-8.
    """
    properties: Any = message.properties
    return Incoming(
        topic=message.topic,
        payload=bytes(message.payload[:KEPT_BYTES]),
        retained=message.retain,
        reply_to=getattr(properties, "ResponseTopic", None),
        correlation=getattr(properties, "CorrelationData", None),
    )


def parse_message(incoming: Incoming, topics: Topics, mono_s: float) -> Input | None:
    """Return the input that a message stands for, ``None`` where it has no meaning.

    Args:
        incoming: The message.
        topics: The node's topics.
        mono_s: When it came, on the monotonic clock.
    """
    meaning = topics.parse(incoming.topic)
    if isinstance(meaning, ParsedCommand):
        return _command(incoming, meaning, topics, mono_s)
    if meaning is Notice.HOME_ASSISTANT:
        # A retained one may be old, and the node publishes everything after a connect anyway.
        started = incoming.payload == b"online" and not incoming.retained
        return HomeAssistantStarted() if started else None
    if meaning is Notice.OWN_AVAILABILITY:
        # A retained one is what the node's last session left; the birth message that follows this connect replaces it.
        return StaleWillSeen() if incoming.payload == b"offline" and not incoming.retained else None
    if meaning is Notice.OWN_DISCOVERY and incoming.retained and incoming.payload:
        return DiscoveryFound(incoming.payload)
    return None


def _command(incoming: Incoming, command: ParsedCommand, topics: Topics, mono_s: float) -> CommandArrived:
    payload = incoming.payload
    if command.set_key is not None:
        is_large = len(payload) > MAX_PAYLOAD_BYTES
        payload = command.set_key.encode() + b" " + payload if is_large else command_of(command.set_key, payload)
    # One byte over the limit is enough to be refused as too large.
    return CommandArrived(
        verb=command.verb,
        payload=payload[: MAX_PAYLOAD_BYTES + 1],
        mono_s=mono_s,
        retained=incoming.retained,
        reply_to=incoming.reply_to if topics.may_reply_to(incoming.reply_to) else None,
        correlation=incoming.correlation,
    )
