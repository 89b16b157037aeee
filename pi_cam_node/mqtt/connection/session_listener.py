"""Callbacks of a session to its owner: called in the session's thread, never to block."""

from __future__ import annotations

from typing import Literal, Protocol

from pi_cam_node.mqtt.connection.broker_limits import BrokerLimits
from pi_cam_node.mqtt.connection.disconnect import Version
from pi_cam_node.mqtt.messages.incoming import Incoming

Action = Literal["subscribe to", "publish on", "publish or hear"]
"""What a broker may refuse, in words that a topic follows; the last is what is known where it says nothing."""


class SessionListener(Protocol):
    """Receiver of a session's events."""

    def on_offer(self, limits: BrokerLimits) -> bool:
        """The broker accepted the connection; return whether to keep it, or reconnect with other options."""
        ...

    def on_accepted(self, version: Version, limits: BrokerLimits) -> None:
        """The session is up, and subscriptions are sent."""
        ...

    def on_message(self, incoming: Incoming) -> None:
        """A message arrived."""
        ...

    def on_answered(self, action: Action, topic: str, refusal: str) -> None:
        """The broker refused a subscription or a publication, or accepts one after such a refusal (no text)."""
        ...

    def on_probed(self, passed_bytes: int, failed_bytes: int | None) -> None:
        """A search for the packet limit has ended; ``None``: all sizes passed."""
        ...

    def on_check(self) -> None:
        """Called about once a second."""
        ...
