"""How a connection ended, and what the broker's reasons mean for the next one."""

from __future__ import annotations

from dataclasses import dataclass

from pi_cam_node.mqtt.in_flight import Sent
from pi_cam_node.mqtt.reconnect import Cause

# Reason code of MQTT 5 (section 2.4 of the standard) for a session that another client with our id has ended.
TAKEN_OVER = 142

# More of them, for what the broker could not read: malformed packet, protocol error.
UNREADABLE = (129, 130)

# And for a connection that is not accepted; paho-mqtt translates those of 3.1.1.
_CAUSES: dict[int, Cause] = {
    132: "version",
    134: "credentials",  # bad user name or password
    135: "credentials",  # not authorized
    138: "credentials",  # banned
    140: "credentials",  # bad authentication method
}


@dataclass(frozen=True, slots=True)
class Disconnect:
    """How a connection ended.

    Attributes:
        reason: For people.
        cause: Why it was not accepted; of no meaning where it was.
        lasted_s: How long it was up; ``None`` where the broker never accepted it.
        taken_over: Whether the broker said that another client came with our id.
        noisy: Whether one of the two could not read what the other sent.
        gave_up: Whether we ended it, since the broker was silent.
        unacknowledged: What was under way, oldest first.
        acknowledged: How many QoS 1 messages the broker took before.
    """

    reason: str
    cause: Cause
    lasted_s: float | None
    taken_over: bool
    noisy: bool
    gave_up: bool
    unacknowledged: list[Sent]
    acknowledged: int


def cause_of_code(code: int) -> Cause:
    """Return what the code of a CONNACK means."""
    return _CAUSES.get(code, "network")
