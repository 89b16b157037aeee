"""Detects another running node with the same node id. No I/O.

Two boards with one node id (a copied card, two hosts called ``raspberrypi``) each execute every command and overwrite
each other's retained state. Each node publishes its boot id on ``info``, by which the other one is detected.
"""

from __future__ import annotations

from pi_cam_node.base.strict_json import json_object

# Interval in which both nodes repeat their retained messages during a conflict.
REPEAT_S = 60.0
# The conflict is over after this time without a message of the other node.
OVER_S = 150.0
_CHARACTERS = 40


class IdConflict:
    """Detects a second node with the same id. Thread: the link's.

    Args:
        boot_id: Boot id of this run of the node; empty to disable the check.
        node_id: ``node.id``.
    """

    def __init__(self, boot_id: str, node_id: str) -> None:
        self._boot_id = boot_id
        self._node_id = node_id
        self._other = ""
        self._seen_s = self._told_s = float("-inf")

    def info_seen(self, payload: bytes, now_s: float) -> None:
        """Handle a live message on the node's own ``info``."""
        info = json_object(payload)
        boot = info.get("boot")
        if not self._boot_id or not isinstance(boot, str) or not boot or boot == self._boot_id:
            return
        self._other = f"boot {boot[:_CHARACTERS]!a}, {str(info.get('model') or 'board unknown')[:_CHARACTERS]!a}"
        self._seen_s = now_s

    def due(self, now_s: float) -> str | None:
        """Return the message due now: the conflict, at most each `REPEAT_S`; empty, once, when it is over."""
        if not self._other:
            return None
        if now_s - self._seen_s >= OVER_S:
            self._other, self._told_s = "", float("-inf")
            return ""
        if now_s - self._told_s < REPEAT_S:
            return None
        self._told_s = now_s
        return (
            f"another node with the id {self._node_id} is running ({self._other}): both carry out each command and "
            "overwrite each other's states; set another node.id on one of them and restart it"
        )
