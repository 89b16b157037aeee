"""A `BrokerLink` with its inbox, as in the node, and with short waits between connections."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.config import MqttConfig
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import BrokerConnected, Input
from pi_cam_node.core.privacy_gate import PrivacyGate
from pi_cam_node.mqtt.connection.backoff import Backoff
from pi_cam_node.mqtt.link import BrokerLink
from pi_cam_node.mqtt.messages.message import Message
from pi_cam_node.mqtt.messages.privacy_filter import PrivacyFilter
from pi_cam_node.mqtt.messages.topics import Topics
from pi_cam_node.mqtt.outbox import Outbox
from tests.support.broker import HOST, WAIT_S, Client

TOPICS = Topics("pi_cam_node", "porch", ["garden"], "homeassistant", "homeassistant/status")
ONLINE = Message(TOPICS.availability, b"online", retain=True)
OFFLINE = Message(TOPICS.availability, b"offline", retain=True)

# Longest wait at a time, as the link's thread may set an earlier due time meanwhile.
TURN_S = 0.05

A = TypeVar("A", bound=Input)


class ShortWaits(random.Random):
    """Random numbers for `Backoff` that shorten random waits; fixed waits are not affected."""

    def uniform(self, a: float, b: float) -> float:
        """Return a twentieth of a second."""
        return 0.05


class LinkHarness:
    """Runs a link within a ``with`` block; disconnects without a last message.

    Args:
        port: Port of the broker.
        host: Host of the broker.
        backoff: Waits between connections; very short by default.
        settings: Settings of the section ``mqtt``.
    """

    def __init__(self, port: int, *, host: str = HOST, backoff: Backoff | None = None, **settings: Any) -> None:
        self.inbox = Inbox()
        self.seen: list[Input] = []
        self.backoff = backoff or Backoff(ShortWaits())
        self.config = MqttConfig(host=host, port=port, **settings)
        self.link = BrokerLink(
            self.config, TOPICS, self.inbox, SystemClock(), backoff=self.backoff,
            outbox=Outbox(), privacy_filter=PrivacyFilter(PrivacyGate()),
        )  # fmt: skip

    def __enter__(self) -> Self:
        self.link.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.link.close(None, 2)

    def expect(
        self, kind: type[A], matches: Callable[[A], object] = lambda _arrival: True, timeout_s: float = WAIT_S
    ) -> A:
        """Return the next input of a type that meets a condition; earlier inputs are dropped."""
        deadline_s = time.monotonic() + timeout_s
        while (left_s := deadline_s - time.monotonic()) > 0:
            arrival = self._take(left_s)
            if arrival is None or not isinstance(arrival, Input):
                continue
            self.seen.append(arrival)
            if isinstance(arrival, kind) and matches(arrival):
                return arrival
        raise AssertionError(f"waited {timeout_s:g} s for {kind.__name__}; came: {self.seen}")

    def drain(self, quiet_s: float = 0.3) -> list[Input]:
        """Take inputs until no more arrive."""
        taken: list[Input] = []
        while isinstance(arrival := self._take(quiet_s), Input):
            taken.append(arrival)
        self.seen += taken
        return taken

    def _take(self, timeout_s: float) -> object:
        """Take one input; run due work while waiting, as the node thread does."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            now_s = time.monotonic()
            if self.link.due_s <= now_s:
                self.link.on_time(now_s)
            arrival = self.inbox.take(max(0.0, min(self.link.due_s, deadline_s, now_s + TURN_S) - now_s))
            if arrival is not None or time.monotonic() >= deadline_s:
                return arrival

    def up(self, client: Client) -> BrokerConnected:
        """Wait for the connection, and for the acknowledgements of subscriptions and birth messages."""
        connected = self.expect(BrokerConnected)
        client.subscribe(TOPICS.availability)
        self.announce()
        client.wait_for(TOPICS.availability, "online")
        return connected

    def announce(self, *messages: Message) -> None:
        """Send birth messages that end with ``online``."""
        self.link.announce([*messages, ONLINE])


def password_file(folder: Path, password: str) -> Path:
    """Write a password file with a line end."""
    path = folder / "password"
    path.write_text(password + "\n")
    return path
