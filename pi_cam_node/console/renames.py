"""Follows renamed nodes: moves the events and media of a former id to the node that claims it.

Any node can claim the id of another. Rows move if nothing is at the broker under the id, or else when its topics are
emptied, for which a broker with an ACL wants the login of that id.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from pi_cam_node.console.journal import Entry, Journal
from pi_cam_node.console.nodes.node import Node
from pi_cam_node.console.nodes.registry import Nodes
from pi_cam_node.console.store import nodes as node_rows

# Until the retained messages of every other node have come.
HEARD_WITHIN_S = 5.0
# A renamed node empties the topics of its former id within seconds; later claims to the id are ignored.
RENAMED_WITHIN_S = 60.0


class Renames:
    """Former ids that nodes claim, and those that are settled. Thread: the loop's.

    Args:
        nodes: All nodes.
        journal: Writes to the database.
        sleep: Sleeps for some seconds; replaced in tests.
        start: Runs a task in the background.
    """

    def __init__(
        self,
        nodes: Nodes,
        journal: Journal,
        sleep: Callable[[float], Awaitable[None]],
        start: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._nodes = nodes
        self._journal = journal
        self._sleep = sleep
        self._start = start
        # Former ids of each node that count no more: another node may use them by now.
        self._settled: dict[str, frozenset[str]] = {}
        self._waiting: set[str] = set()

    def restore(self, infos: Mapping[str, Mapping[str, Any]]) -> None:
        """Take the former ids in the stored ``info`` of each node as settled."""
        self._settled = {node: Node(node, info=dict(info)).former_ids for node, info in infos.items()}

    def forget(self, node_id: str) -> None:
        """Drop what is known of a node."""
        self._settled.pop(node_id, None)

    def told(self, node: Node) -> None:
        """Process the ``info`` of a node, which may name former ids."""
        if self._claims(node) and node.id not in self._waiting:
            self._waiting.add(node.id)
            self._start(self._follow(node))

    def gone(self, old: str) -> None:
        """Move the rows of an id whose topics were emptied to the node that claims it, if there is one."""
        claimant = next((node for node in self._nodes if old in self._claims(node)), None)
        if claimant is not None:
            self._move(old, claimant)

    async def _follow(self, node: Node) -> None:
        claimed = self._claims(node)
        try:
            await self._sleep(HEARD_WITHIN_S)
            for old in claimed & self._claims(node):
                if not self._nodes.is_heard(old):
                    self._move(old, node)
                    self._nodes.forget_renamed(old)
            await self._sleep(RENAMED_WITHIN_S)
        finally:
            self._waiting.discard(node.id)
            if self._nodes.get(node.id) is node:
                self._settled[node.id] = (self._settled.get(node.id, frozenset()) | claimed) & node.former_ids

    def _claims(self, node: Node) -> frozenset[str]:
        """Return the former ids of a node that are not settled."""
        return node.former_ids - self._settled.get(node.id, frozenset())

    def _move(self, old: str, node: Node) -> None:
        self._settled[node.id] = self._settled.get(node.id, frozenset()) | {old}
        self._journal.put(Entry(lambda db: node_rows.rename(db, old, node.id)))
