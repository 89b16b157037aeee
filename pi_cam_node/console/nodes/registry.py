"""Registry of the nodes on the broker, with listeners for their changes.

Any client with write access below the base topic can invent nodes, also by retained messages. So that these do not fill
the registry for good, a node without live messages lately and without stored rows is evicted for one that publishes;
retained messages of a few nodes beyond the limit are remembered.
"""

from __future__ import annotations

import logging
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from pi_cam_node.base.clock import Clock, epoch_ms
from pi_cam_node.config.sections.node import NODE_ID_PATTERN
from pi_cam_node.console.names import order_of
from pi_cam_node.console.nodes.node import Node
from pi_cam_node.console.store.nodes import NODES_MAX

_log = logging.getLogger(__name__)

# A node that published nothing for so long may be evicted; telemetry is published every minute by default.
SILENT_S = 3600.0
# Largest remembered payload of a node beyond the limit.
WAITING_MAX_BYTES = 16 << 10
# Thumbnails of past pictures, for nodes whose pictures cannot be fetched.
THUMBNAILS_MAX = 64

OnChange = Callable[[Node, str], None]


class Nodes:
    """The nodes by id. Thread: the loop's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._nodes: dict[str, Node] = {}
        # Retained messages of nodes that an owner removed, by node.
        self._removed: OrderedDict[str, Node] = OrderedDict()
        # Retained messages of nodes beyond the limit, by node.
        self._waiting: OrderedDict[str, Node] = OrderedDict()
        self._said_full_s = float("-inf")
        self._listeners: list[OnChange] = []
        self._thumbnails: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    def __iter__(self) -> Iterator[Node]:
        """Yield the nodes by name."""
        return iter(sorted(self._nodes.values(), key=lambda node: (order_of(node.name), node.id)))

    def __len__(self) -> int:
        return len(self._nodes)

    def get(self, node_id: str) -> Node | None:
        """Return a node by id; ``None`` if unknown."""
        return self._nodes.get(node_id)

    def on_change(self, listener: OnChange) -> None:
        """Register a listener, called with a node and its changed part.

        Parts: ``availability``, ``camera``, ``info``, ``state``, ``config``, ``telemetry``, ``media``,
        ``thumbnail``, ``frame``, ``gone``; ``dropped`` for one that made room for another.
        """
        self._listeners.append(listener)

    def restore(self, node_id: str, info: dict[str, Any], last_seen_ms: int, *, has_rows: bool = False) -> None:
        """Restore a node from the database: offline and with unknown privacy until it publishes."""
        self._nodes[node_id] = Node(node_id, online=False, info=info, last_seen_ms=last_seen_ms, has_rows=has_rows)

    def note_rows(self, node_id: str) -> None:
        """Record that rows of a node are stored from now on."""
        node = self._nodes.get(node_id)
        if node is not None:
            node.has_rows = True

    def restore_removed(self, node_ids: Iterable[str]) -> None:
        """Restore the ids of removed nodes from the database; see `remove`."""
        self._removed.update((node_id, Node(node_id)) for node_id in node_ids)

    def remove(self, node_id: str) -> bool:
        """Remove a node until it publishes again; return false, and do nothing, if it is there (see `is_there`).

        Its retained messages stay at the broker and do not bring it back, not even after a restart of the console.
        """
        node = self._nodes.get(node_id)
        if node is None or self.is_there(node):
            return False
        self._removed[node_id] = Node(node_id)
        while len(self._removed) > NODES_MAX:
            self._removed.popitem(last=False)
        self._forget(node_id)
        return True

    def is_there(self, node: Node) -> bool:
        """Tell whether a node is online and has published lately.

        Its retained ``online`` alone proves nothing: without a session that ends, it stays at the broker for ever.
        """
        return bool(node.online) and node.heard_s >= self._clock.monotonic() - SILENT_S

    def is_heard(self, node_id: str) -> bool:
        """Tell whether a node's availability, or a live message of it, has come from the broker."""
        node = self._nodes.get(node_id)
        return node is not None and node.heard_s > float("-inf")

    def is_removed(self, node_id: str) -> bool:
        """Tell whether a node was removed and has published nothing since."""
        return node_id in self._removed

    @property
    def removed(self) -> Sequence[str]:
        """Ids of the nodes that were removed."""
        return list(self._removed)

    def forget_renamed(self, old_id: str) -> None:
        """Drop the former id of a renamed node, unless another node uses it now."""
        old = self._nodes.get(old_id)
        if old is not None and not old.online:
            self._forget(old_id)

    def apply(self, node_id: str, rest: str, payload: bytes, *, retained: bool) -> None:
        """Process a message of a node."""
        if re.fullmatch(NODE_ID_PATTERN, node_id) is None:
            return
        if rest == "availability" and not payload:
            if not retained:
                self._removed.pop(node_id, None)
                self._waiting.pop(node_id, None)
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
        changed = node.apply(rest, payload, epoch_ms(self._clock.utcnow()))
        if not changed:
            return
        if node.states.get("privacy") == "ON" and changed in {"state", "media", "thumbnail", "frame"}:
            self._hide(node)
        elif changed == "media" or (changed == "thumbnail" and retained):
            self._keep_thumbnail(node)
        self._tell(node, changed)

    def miss_unheard(self, since_s: float) -> None:
        """Mark nodes as offline whose last live message, or availability, is older than ``since_s`` (monotonic)."""
        for node in self:
            if node.online and node.heard_s < since_s:
                node.online = False
                self._tell(node, "availability")

    def thumbnail(self, node_id: str, picture_id: str) -> bytes:
        """Return the thumbnail of a recent picture of a node; empty if there is none."""
        node = self._nodes.get(node_id)
        return b"" if node is None or node.is_private else self._thumbnails.get((node_id, picture_id), b"")

    def _new(self, node_id: str, rest: str, payload: bytes, *, is_live: bool) -> Node | None:
        """Create a node for its first message; ``None`` if the payload is empty or the topic is no state."""
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
            node.apply(rest, payload, epoch_ms(self._clock.utcnow()))
            node.hide()
        self._wait(node)
        return None

    def _make_room(self, node_id: str) -> bool:
        """Evict a node for one that publishes, if the limit is reached; return whether there is room.

        Nodes that never published live messages go first, offline before online, then those seen longest ago.
        """
        if len(self._nodes) < NODES_MAX:
            return True
        now_s = self._clock.monotonic()
        silent = [node for node in self._nodes.values() if not node.has_rows and node.live_s < now_s - SILENT_S]
        if silent:
            gone = min(silent, key=lambda node: (node.live_s, bool(node.online), node.last_seen_ms))
            _log.warning(
                "node %s is dropped for node %s: it is silent and has no events, pictures or films", gone.id, node_id
            )
            del self._nodes[gone.id]
            self._wait(replace(gone))
            gone.online = None
            self._hide(gone)
            self._tell(gone, "dropped")
        elif now_s - self._said_full_s >= SILENT_S:
            self._said_full_s = now_s
            _log.warning(
                "node %s is ignored: %d nodes are known, all of them active or with events, pictures or films; "
                "console.nodes can list those that are shown",
                node_id,
                NODES_MAX,
            )
        return bool(silent)

    def _wait(self, node: Node) -> None:
        node.hide()
        self._waiting[node.id] = node
        while len(self._waiting) > NODES_MAX:
            self._waiting.popitem(last=False)

    def _returns(self, node_id: str, rest: str, payload: bytes, *, is_live: bool) -> bool:
        """Bring a removed node back if it published a live message; retained messages are only stored for then."""
        node = self._removed[node_id]
        if not is_live:
            node.apply(rest, payload, epoch_ms(self._clock.utcnow()))
            return False
        if not self._make_room(node_id):
            return False
        self._nodes[node_id] = self._removed.pop(node_id)
        for part in ("info", "availability"):
            self._tell(node, part)
        return True

    def _forget(self, node_id: str) -> None:
        """Drop a node that was removed, or whose availability topic was emptied because it was erased or renamed."""
        node = self._nodes.pop(node_id, None) or Node(node_id)
        node.online = None
        self._hide(node)
        self._tell(node, "gone")

    def _hide(self, node: Node) -> None:
        node.hide()
        for key in [key for key in self._thumbnails if key[0] == node.id]:
            del self._thumbnails[key]

    def _keep_thumbnail(self, node: Node) -> None:
        """Store the thumbnail under its picture's id; metadata follows it, except among retained messages."""
        picture = str(node.media_last.get("id") or "")
        if picture and node.thumbnail and (node.id, picture) not in self._thumbnails:
            self._thumbnails[node.id, picture] = node.thumbnail
            while len(self._thumbnails) > THUMBNAILS_MAX:
                self._thumbnails.popitem(last=False)

    def _tell(self, node: Node, part: str) -> None:
        for listener in list(self._listeners):
            listener(node, part)
