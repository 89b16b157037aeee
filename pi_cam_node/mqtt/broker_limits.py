"""What a broker offers, as it says in CONNACK (MQTT 5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BrokerLimits:
    """What a broker offers; the defaults are those of the standard, where it does not say.

    Topic aliases, shared subscriptions and subscription identifiers are never used, so their limits do not matter.

    Attributes:
        receive_maximum: QoS 1 messages that may be unacknowledged at one time.
        maximum_qos: Highest quality of service for messages to the broker.
        retain: It keeps retained messages.
        wildcards: It takes subscriptions with ``+`` and ``#``.
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

    def consequences(self) -> Iterator[str]:
        """Yield one sentence for each offer that is missing and that people would notice."""
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
    """Return what the properties of a CONNACK say; those of MQTT 3.1.1 say nothing.

    Args:
        properties: paho-mqtt's ``Properties``, or ``None``.
    """

    def told(name: str, default: int) -> int:
        return int(getattr(properties, name, default))

    packet_bytes = getattr(properties, "MaximumPacketSize", None)
    keepalive_s = getattr(properties, "ServerKeepAlive", None)
    return BrokerLimits(
        receive_maximum=told("ReceiveMaximum", 65535),
        maximum_qos=told("MaximumQoS", 2),
        retain=bool(told("RetainAvailable", 1)),
        wildcards=bool(told("WildcardSubscriptionAvailable", 1)),
        packet_bytes=None if packet_bytes is None else int(packet_bytes),
        keepalive_s=None if keepalive_s is None else int(keepalive_s),
        client_id=getattr(properties, "AssignedClientIdentifier", None),
    )
