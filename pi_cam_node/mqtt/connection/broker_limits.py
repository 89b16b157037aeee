"""Limits and features that a broker announces in CONNACK (MQTT 5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pi_cam_node.base.frozen import frozen


@frozen
class BrokerLimits:
    """Limits and features of a broker; a default is the standard's value for a missing property.

    Topic aliases, shared subscriptions and subscription identifiers are never used, so their limits do not matter.

    Attributes:
        receive_maximum: Greatest number of unacknowledged QoS 1 messages.
        maximum_qos: Highest quality of service for messages to the broker.
        retain: Whether the broker supports retained messages.
        wildcards: Whether the broker supports subscriptions with ``+`` and ``#``.
        packet_bytes: Maximum packet size; ``None``: the protocol's.
        keepalive_s: Keepalive imposed by the broker; paho-mqtt applies it.
        client_id: Client id assigned by the broker.
    """

    receive_maximum: int = 65535
    maximum_qos: int = 2
    retain: bool = True
    wildcards: bool = True
    packet_bytes: int | None = None
    keepalive_s: int | None = None
    client_id: str | None = None

    def restricted(self, *, retain: bool, maximum_qos: int) -> BrokerLimits:
        """Return the limits with restrictions learned from the broker's refusals."""
        return replace(self, retain=self.retain and retain, maximum_qos=self.maximum_qos if maximum_qos else 0)

    def consequences(self) -> Iterator[str]:
        """Yield a sentence for each missing feature with visible consequences."""
        if not self.retain:
            yield (
                "the broker keeps no retained messages: who connects later sees nothing before the next change, and "
                "Home Assistant finds the node only while both run; allow retained messages on it"
            )
        if self.maximum_qos < 1:
            yield "the broker takes QoS 0 only: messages can be lost without a trace"
        if not self.wildcards:
            yield "the broker takes no wildcard subscriptions: commands are subscribed to one by one"


def limits_of(properties: object) -> BrokerLimits:
    """Return the limits in the properties of a CONNACK; the defaults for MQTT 3.1.1.

    Args:
        properties: paho-mqtt's ``Properties``, or ``None``.
    """

    def announced(name: str, default: int) -> int:
        return int(getattr(properties, name, default))

    packet_bytes = getattr(properties, "MaximumPacketSize", None)
    keepalive_s = getattr(properties, "ServerKeepAlive", None)
    return BrokerLimits(
        receive_maximum=announced("ReceiveMaximum", 65535),
        maximum_qos=announced("MaximumQoS", 2),
        retain=bool(announced("RetainAvailable", 1)),
        wildcards=bool(announced("WildcardSubscriptionAvailable", 1)),
        packet_bytes=None if packet_bytes is None else int(packet_bytes),
        keepalive_s=None if keepalive_s is None else int(keepalive_s),
        client_id=getattr(properties, "AssignedClientIdentifier", None),
    )
