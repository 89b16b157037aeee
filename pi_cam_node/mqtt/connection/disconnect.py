"""The end of a connection, with its cause from the broker's reason code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Any, Literal

from paho.mqtt.reasoncodes import ReasonCode

from pi_cam_node.base.frozen import frozen
from pi_cam_node.mqtt.connection.in_flight import Sent

Version = Literal["5", "3.1.1"]
Cause = Literal[
    "network",
    "certificate",
    "silence",
    "hangup",
    "version",
    "credentials",
    "client id",
    "retain",
    "qos",
    "malformed",
    "taken over",
    "too large",
    "rate",
    "quota",
    "wildcards",
    "moved",
    "other",
]
"""Why a connection was not accepted, or why it ended.

``network``: it could not be made, or broke without a reason. ``certificate``: the node does not trust the broker's.
``silence``, ``hangup``: the broker neither accepted nor refused the connection: it sent nothing, or closed it.
``malformed``: one side could not parse the other's data. The rest are reasons given by the broker; ``other`` has no
consequence.
"""

# Reason codes of MQTT 5 (section 2.4 of the standard); paho-mqtt translates those of 3.1.1.
_CAUSES: dict[int, Cause] = {
    129: "malformed",  # malformed packet
    130: "malformed",  # protocol error
    132: "version",
    133: "client id",
    134: "credentials",  # bad user name or password
    135: "credentials",  # not authorized
    138: "credentials",  # banned
    140: "credentials",  # bad authentication method
    142: "taken over",  # another client connected with the same client id
    147: "quota",  # receive maximum exceeded
    149: "too large",
    150: "rate",
    151: "quota",
    154: "retain",
    155: "qos",
    156: "moved",  # use another server
    157: "moved",
    159: "rate",  # connection rate exceeded
    162: "wildcards",
}

# What paho-mqtt calls the one refusal of a subscription that MQTT 3.1.1 has.
_UNSPECIFIED = "Unspecified error"

# Length of the reason string beside a code (MQTT 5); longer texts are cut.
_REASON_CHARACTERS = 120


@frozen
class Disconnect:
    """Cause and circumstances of the end of a connection.

    Attributes:
        reason: Reason as text.
        cause: Cause of the refusal or the end.
        lasted_s: Duration in seconds; ``None`` if the broker never accepted it.
        gave_up: The node ended it, because the broker was silent or privacy required it.
        unacknowledged: QoS 1 messages that were not acknowledged, and QoS 0 ones that were not written, oldest first.
        unproven: QoS 0 messages written after the last acknowledgement, which the broker may not have received.
        acknowledged: Number of acknowledged QoS 1 messages.
        proven_bytes: Size of the largest packet that the broker accepted.
        subscribed: Whether at least one subscription was answered.
        has_pattern: Whether the broker accepted a filter with a wildcard.
        unanswered: Topic filters whose subscription was not answered.
        probe: Sizes of the largest packet that passed and of the one under way, where a packet limit was searched for.
        sent_last_s: Number of messages sent in the last second.
        foreign_topics: Reply topics chosen by clients that the broker accepted.
        delivered: Numbers of stored messages that were acknowledged but not yet deleted.
    """

    reason: str
    cause: Cause
    lasted_s: float | None = None
    gave_up: bool = False
    unacknowledged: list[Sent] = field(default_factory=list)
    unproven: list[Sent] = field(default_factory=list)
    acknowledged: int = 0
    proven_bytes: int = 0
    subscribed: bool = False
    has_pattern: bool = False
    unanswered: tuple[str, ...] = ()
    probe: tuple[int, int] | None = None
    sent_last_s: int = 0
    foreign_topics: frozenset[str] = frozenset()
    delivered: Sequence[int] = ()


def cause_of_code(code: int) -> Cause:
    """Return the cause for a reason code of CONNACK or DISCONNECT."""
    return _CAUSES.get(code, "other")


def ended_by_broker(reason: ReasonCode, properties: object) -> tuple[Cause, str]:
    """Return cause and reason text of a DISCONNECT from the broker."""
    cause = cause_of_code(reason.value)
    hint = "; is its client id used twice?" if cause == "taken over" else ""
    return cause, f"the broker ended the connection: {broker_words(reason, properties)}{hint}"


def broker_words(reason: object, properties: object) -> str:
    """Return a reason code as text, with the broker's reason string (MQTT 5), on one line.

    Args:
        reason: paho-mqtt's ``ReasonCode``.
        properties: paho-mqtt's ``Properties`` of the packet, or ``None``.
    """
    reason_string: Any = getattr(properties, "ReasonString", "")
    elsewhere: Any = getattr(properties, "ServerReference", "")
    words = "no reason given" if reason == _UNSPECIFIED else str(reason)
    more = [" ".join(str(reason_string).split())[:_REASON_CHARACTERS]] if reason_string else []
    more += [f"use {str(elsewhere)[:_REASON_CHARACTERS]}"] if elsewhere else []
    return f"{words} ({'; '.join(more)})" if more else words
