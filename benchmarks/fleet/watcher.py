"""MQTT client that monitors a fleet: availability, replies, and retained topics of each node.

It never subscribes to everything, as a broker drops messages beyond a queue limit (mosquitto: ``max_queued_messages``,
1,000 by default), which the retained messages of a thousand nodes exceed.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Collection, Mapping
from typing import Any

from benchmarks.fleet.simulated import BASE
from benchmarks.fleet.wire import Connection

POLL_S = 0.05
LOOK_S = 10.0
ASK_S = 60.0


class Watcher:
    """A client that subscribes to the availability and the replies of all nodes.

    Args:
        port: Port of the broker.
        name: Client id.
        finds_by_wildcard: Whether a wildcard subscription receives retained messages.
    """

    def __init__(self, port: int, name: str = "watcher", *, finds_by_wildcard: bool = True) -> None:
        self.table: dict[str, dict[str, bytes]] = {}
        self.heard: list[tuple[float, str, bytes]] = []
        self._replies: dict[str, dict[str, tuple[float, dict[str, Any]]]] = {}
        self._finds_by_wildcard = finds_by_wildcard
        self._connection = Connection(port, name, self._hear)
        self._task: asyncio.Task[None] | None = None

    async def open(self, known: Collection[str] = ()) -> None:
        """Connect and subscribe.

        Args:
            known: Ids of nodes that may be online already.

        Raises:
            OSError: The broker is not reachable.
        """
        await self._connection.open()
        self._task = asyncio.create_task(self._connection.run())
        await self.listen("+/availability", "+/reply/+")
        if known and not self._finds_by_wildcard:
            await self.listen(*(f"{node}/availability" for node in known))

    async def close(self) -> None:
        """Disconnect."""
        self._connection.close()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=ASK_S)

    def online(self) -> set[str]:
        """Return the ids of the nodes that are online."""
        return {node for node, topics in self.table.items() if topics.get("availability") == b"online"}

    async def wait_online(self, count: int, timeout_s: float) -> float:
        """Wait until a number of nodes is online; return the seconds that it took.

        Raises:
            TimeoutError: Fewer nodes are online after the timeout.
        """
        began_s = time.monotonic()
        while len(self.online()) < count:
            if time.monotonic() - began_s > timeout_s:
                away = sorted(self.table.keys() - self.online())[:5]
                told = f"{len(self.online())} of {count} nodes are online after {timeout_s:g} s"
                raise TimeoutError(f"{told}; among those that are not: {', '.join(away) or 'none ever heard of'}")
            await asyncio.sleep(POLL_S)
        return time.monotonic() - began_s

    async def listen(self, *filters: str) -> None:
        """Subscribe to topics below the base topic, and collect messages in `table` and `heard` until `leave`."""
        await self._connection.subscribe([f"{BASE}/{one}" for one in filters])

    async def leave(self, *filters: str) -> None:
        """Unsubscribe from the filters of `listen`."""
        await self._connection.unsubscribe([f"{BASE}/{one}" for one in filters])

    async def look(self, node: str, wanted: Collection[str], timeout_s: float = LOOK_S) -> dict[str, bytes]:
        """Return a node's retained messages once all wanted topics are received, or after the timeout."""
        table = self.table[node] = {}
        filters = [f"{node}/#"] if self._finds_by_wildcard else [f"{node}/{topic}" for topic in wanted]
        await self.listen(*filters)
        began_s = time.monotonic()
        while not table.keys() >= set(wanted) and time.monotonic() - began_s < timeout_s:  # noqa: ASYNC110 - the broker's
            await asyncio.sleep(0.005)
        await self.leave(*filters)
        return table

    async def ask_all(
        self, verb: str, count: int, fields: Mapping[str, object] | None = None, *, to: str = "all"
    ) -> dict[str, tuple[float, dict[str, Any]]]:
        """Send one command to all nodes, or to a group; return time in seconds and final reply by node."""
        name = f"fleet-{time.monotonic_ns()}"
        replies = self._replies[name] = {}
        began_s = time.monotonic()
        body = json.dumps({"id": name, **(fields or {})}).encode()
        await self._connection.publish(f"{BASE}/{to}/cmd/{verb}", body)
        while len(replies) < count and time.monotonic() - began_s < ASK_S:  # noqa: ASYNC110 - the nodes' answers
            await asyncio.sleep(POLL_S)
        return {node: (at_s - began_s, reply) for node, (at_s, reply) in replies.items()}

    def _hear(self, topic: str, payload: bytes) -> None:
        _, _, rest = topic.partition("/")
        node, _, key = rest.partition("/")
        if key.startswith("reply/"):
            self._take_reply(node, payload)
        elif node not in {"all", "group"} and not key.startswith(("cmd", "set")):
            self.heard.append((time.monotonic(), topic, payload))
            self.table.setdefault(node, {})[key] = payload

    def _take_reply(self, node: str, payload: bytes) -> None:
        reply = json.loads(payload)
        if reply.get("stage") == "final" and reply.get("id") in self._replies:
            self._replies[reply["id"]][node] = time.monotonic(), reply
