"""Registry of the nodes on the broker, with listeners for their changes.

Whoever may write below the base topic can make up nodes, and what a broker keeps stays there. So that these take no
place of a node for good, one that has not said anything itself lately, and of which nothing is kept here, makes room
for one that speaks; what the broker kept of nodes for which there is no room is remembered, of a few.
"""

from __future__ import annotations

import logging
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from pi_cam_node.base.clock import Clock
from pi_cam_node.config.sections.node import NODE_ID_PATTERN
from pi_cam_node.console.nodes.node import Node
from pi_cam_node.console.store.nodes import NODES_MAX

_log = logging.getLogger(__name__)

# A node tells its figures each minute, unless told otherwise. One that is silent for so long may make room.
SILENT_S = 3600.0
# Of each topic of a node for which there is no room.
WAITING_MAX_BYTES = 16 << 10
# Thumbnails of past pictures, for nodes whose pictures cannot be fetched.
THUMBNAILS_MAX = 64

OnChange = Callable[[Node, str], None]


class Nodes:
    """The nodes by id. Thread: the loop's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._nodes: dict[str, Node] = {}
        # What the broker keeps of nodes that an owner removed.
        self._removed: OrderedDict[str, Node] = OrderedDict()
        # What the broker keeps of nodes for which there is no room.
        self._waiting: OrderedDict[str, Node] = OrderedDict()
        self._said_full_s = float("-inf")
        self._listeners: list[OnChange] = []
        self._thumbnails: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    def __iter__(self) -> Iterator[Node]:
        """Yield the nodes by name."""
        return iter(sorted(self._nodes.values(), key=lambda node: (node.name.lower(), node.id)))

    def __len__(self) -> int:
        return len(self._nodes)

    def get(self, node_id: str) -> Node | None:
        """Return a node, ``None`` where there is none of this id."""
        return self._nodes.get(node_id)

    def on_change(self, listener: OnChange) -> None:
        """Have a function called with the node and the part of it that changed.

        Parts: ``availability``, ``camera``, ``info``, ``state``, ``config``, ``telemetry``, ``media``,
        ``thumbnail``, ``frame``, ``gone``.
        """
        self._listeners.append(listener)

    def restore(self, node_id: str, info: dict[str, Any], last_seen_ms: int, *, has_rows: bool = False) -> None:
        """Restore a node from before this start: offline, until it is heard; whether privacy is on is not known."""
        self._nodes[node_id] = Node(node_id, online=False, info=info, last_seen_ms=last_seen_ms, has_rows=has_rows)

    def note_rows(self, node_id: str) -> None:
        """Note that something of a node is kept from now on."""
        node = self._nodes.get(node_id)
        if node is not None:
            node.has_rows = True

    def restore_removed(self, node_ids: Iterable[str]) -> None:
        """Restore which nodes were removed before this start; see `remove`."""
        self._removed.update((node_id, Node(node_id)) for node_id in node_ids)

    def remove(self, node_id: str) -> bool:
        """Remove a node that is gone for good, until it says something; return whether it was offline, as it must be.

        What the broker keeps of it stays there, and brings it back neither now nor after a new start.
        """
        node = self._nodes.get(node_id)
        if node is None or node.online:
            return False
        self._removed[node_id] = Node(node_id)
        while len(self._removed) > NODES_MAX:
            self._removed.popitem(last=False)
        self._forget(node_id)
        return True

    def is_removed(self, node_id: str) -> bool:
        """Return whether a node was removed and has said nothing since."""
        return node_id in self._removed

    @property
    def removed(self) -> Sequence[str]:
        """Ids of the nodes that were removed."""
        return list(self._removed)

    def forget_renamed(self, old_id: str) -> None:
        """Forget the former id of a node, unless another node has it now."""
        old = self._nodes.get(old_id)
        if old is not None and not old.online:
            self._forget(old_id)

    def apply(self, node_id: str, rest: str, payload: bytes, *, retained: bool) -> None:
        """Process a topic of a node."""
        if re.fullmatch(NODE_ID_PATTERN, node_id) is None:
            return
        if rest == "availability" and not payload:
            if not retained:
                self._removed.pop(node_id, None)
                self._waiting.pop(node_id, Node(node_id))
                self._forget(node_id)
            return
        is_live = not retained and bool(payload) and (rest, payload) != ("availability", b"offline")
        if node_id in self._removed and not self._returns(node_id, rest, payload, is_live=is_live):
            return
        node = self._nodes.get(node_id) or self._new(node_id, rest, payload, is_live=is_live)
        if node is not None:
            self._apply_to(node, rest, payload, retained=retained, is_live=is_live)

    def _apply_to(self, node: Node, rest: str, payload: bytes, *, retained: bool, is_live: bool) -> None:
        if is_live:
            node.live_s = self._clock.monotonic()
        if rest == "availability" or not retained:
            node.heard_s = self._clock.monotonic()
        changed = node.apply(rest, payload, self._now_ms())
        if not changed:
            return
        if node.states.get("privacy") == "ON" and changed in {"state", "media", "thumbnail", "frame"}:
            self._hide(node)
        elif changed == "media" or (changed == "thumbnail" and retained):
            self._keep_thumbnail(node)
        self._tell(node, changed)

    def miss_unheard(self, since_s: float) -> None:
        """Mark nodes as offline of which nothing came since a time (monotonic seconds), retained messages included."""
        for node in self:
            if node.online and node.heard_s < since_s:
                node.online = False
                self._tell(node, "availability")

    def thumbnail(self, node_id: str, picture_id: str) -> bytes:
        """Return the thumbnail of a picture that a node retained lately; empty where there is none."""
        node = self._nodes.get(node_id)
        return b"" if node is None or node.is_private else self._thumbnails.get((node_id, picture_id), b"")

    def _new(self, node_id: str, rest: str, payload: bytes, *, is_live: bool) -> Node | None:
        """Return a node that was not known; ``None`` for emptied topics and what is no state: those make none."""
        if not payload or rest.startswith(("event/", "reply/", "frame")):
            return None
        if len(self._nodes) < NODES_MAX:
            return self._nodes.setdefault(node_id, self._waiting.pop(node_id, Node(node_id)))
        node = self._waiting.pop(node_id, Node(node_id))
        if is_live and self._make_room(node_id):
            self._nodes[node_id] = node
            for part in ("info", "availability"):
                self._tell(node, part)
            return node
        if len(payload) <= WAITING_MAX_BYTES:
            node.apply(rest, payload, self._now_ms())
            node.hide()
        self._wait(node)
        return None

    def _make_room(self, node_id: str) -> bool:
        """Have room for a node that speaks; return whether there is any.

        First go those that were never heard themselves, of these those that are offline, and those that were seen
        longest ago.
        """
        if len(self._nodes) < NODES_MAX:
            return True
        now_s = self._clock.monotonic()
        silent = [node for node in self._nodes.values() if not node.has_rows and node.live_s < now_s - SILENT_S]
        if silent:
            gone = min(silent, key=lambda node: (node.live_s, bool(node.online), node.last_seen_ms))
            _log.warning("node %s, which says nothing and has nothing here, makes room for %s", gone.id, node_id)
            del self._nodes[gone.id]
            self._wait(replace(gone))
            gone.online = None
            self._hide(gone)
            self._tell(gone, "availability")
        elif now_s - self._said_full_s >= SILENT_S:
            self._said_full_s = now_s
            _log.warning(
                "node %s is left out: %d are known already, and all are there or have events", node_id, NODES_MAX
            )
        return bool(silent)

    def _wait(self, node: Node) -> None:
        node.hide()
        self._waiting[node.id] = node
        while len(self._waiting) > NODES_MAX:
            self._waiting.popitem(last=False)

    def _returns(self, node_id: str, rest: str, payload: bytes, *, is_live: bool) -> bool:
        """Bring a removed node back with what it says itself, and with what the broker kept of it, if it says it."""
        node = self._removed[node_id]
        if not is_live:
            node.apply(rest, payload, self._now_ms())
            return False
        if not self._make_room(node_id):
            return False
        self._nodes[node_id] = self._removed.pop(node_id)
        for part in ("info", "availability"):
            self._tell(node, part)
        return True

    def _forget(self, node_id: str) -> None:
        """Forget a node: its availability was emptied (it was erased, or renamed), or an owner removed it."""
        node = self._nodes.pop(node_id, None) or Node(node_id)
        node.online = None
        self._hide(node)
        self._tell(node, "gone")

    def _hide(self, node: Node) -> None:
        node.hide()
        for key in [key for key in self._thumbnails if key[0] == node.id]:
            del self._thumbnails[key]

    def _keep_thumbnail(self, node: Node) -> None:
        """Keep the thumbnail under its picture's id; the facts come after it, but for those that the broker kept."""
        picture = str(node.media_last.get("id") or "")
        if picture and node.thumbnail and (node.id, picture) not in self._thumbnails:
            self._thumbnails[node.id, picture] = node.thumbnail
            while len(self._thumbnails) > THUMBNAILS_MAX:
                self._thumbnails.popitem(last=False)

    def _tell(self, node: Node, part: str) -> None:
        for listener in list(self._listeners):
            listener(node, part)

    def _now_ms(self) -> int:
        return round(self._clock.utcnow().timestamp() * 1000)
