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
        receive_maximum: QoS 1 messages that may be unacknowledged at one time.
        maximum_qos: Highest quality of service for messages to the broker.
        retain: Whether the broker keeps retained messages.
        wildcards: Whether the broker takes subscriptions with ``+`` and ``#``.
        packet_bytes: Largest packet that it takes; ``None`` for no limit but the protocol's.
        keepalive_s: Keepalive that it demands instead of the node's; paho-mqtt obeys it.
        client_id: The id that it gave the node instead of the node's own.
    """

    receive_maximum: int = 65535
    maximum_qos: int = 2
    retain: bool = True
    wildcards: bool = True
    packet_bytes: int | None = None
    keepalive_s: int | None = None
    client_id: str | None = None

    def restricted(self, *, retain: bool, maximum_qos: int) -> BrokerLimits:
        """Return the limits with what the broker's refusals told, which does not stand in its announcement."""
        return replace(self, retain=self.retain and retain, maximum_qos=self.maximum_qos if maximum_qos else 0)

    def consequences(self) -> Iterator[str]:
        """Yield one sentence for each missing feature that people would notice."""
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
