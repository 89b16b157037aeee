"""Subscribes to retained topics by exact name: RabbitMQ sends no retained messages for wildcard subscriptions."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Iterable
from typing import Protocol

from pi_cam_node.config.sections.node import NODE_ID_PATTERN
from pi_cam_node.console.broker.topics import ConsoleTopics
from pi_cam_node.console.store.nodes import NODES_MAX

_log = logging.getLogger(__name__)

# Brokers send retained messages right after the subscription.
WAIT_S = 2.0
# Its reply is small, and every node implements it.
QUESTION = "health"


class _Link(Protocol):
    """The methods of `BrokerLink` that are used here."""

    def subscribe(self, topic: str, qos: int = 1) -> None: ...

    def publish(self, topic: str, payload: bytes) -> bool: ...


class RetainedByName:
    """Subscribes to each topic of each node by name if a connection brought no retained message. Thread: the loop's.

    Nodes are known from the database, from their publications, and from their replies to a command sent to all.

    Args:
        topics: The console's topics.
        link: Returns the connection, which is made later.
    """

    def __init__(self, topics: ConsoleTopics, link: Callable[[], _Link]) -> None:
        self._topics = topics
        self._link = link
        self._known: set[str] = set()
        self._subscribed: set[str] = set()
        self._has_retained = False
        self._timer: asyncio.TimerHandle | None = None
        self.is_needed = False

    def restore(self, names: Iterable[str]) -> None:
        """Set the ids of nodes known from the database."""
        self._known.update(filter(self._topics.listens_to, names))

    def connected(self) -> None:
        """Wait for retained messages; subscribe by name if none comes."""
        self.disconnected()
        self._has_retained = False
        self._timer = asyncio.get_running_loop().call_later(WAIT_S, self._judge)

    def disconnected(self) -> None:
        """Stop waiting."""
        if self._timer is not None:
            self._timer.cancel()

    def saw(self, node: str, *, retained: bool = False) -> None:
        """Note a message of a node."""
        self._has_retained = self._has_retained or retained
        if re.fullmatch(NODE_ID_PATTERN, node) is None or len(self._known) >= NODES_MAX:
            return
        if not self._topics.listens_to(node):
            return
        self._known.add(node)
        if self.is_needed:
            self._ask(node)

    def _judge(self) -> None:
        if self._has_retained and not self.is_needed:
            return
        if not self.is_needed and self._known:
            _log.info("this broker sends no retained messages to wildcards; topics are subscribed to by name")
        self.is_needed = True
        for node in sorted(self._known):
            self._ask(node)
        self._link().publish(self._topics.command("all", QUESTION), b"")

    def _ask(self, node: str) -> None:
        if node not in self._subscribed:
            self._subscribed.add(node)
            for topic, qos in self._topics.retained_of(node):
                self._link().subscribe(topic, qos)
