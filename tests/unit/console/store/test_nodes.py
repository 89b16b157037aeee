"""Nodes as rows."""

from __future__ import annotations

import sqlite3

from pi_cam_node.console.store import nodes


def test_every_node_that_a_console_may_have_is_known_after_a_restart(db: sqlite3.Connection) -> None:
    names = [f"cam-{number:02}" for number in range(nodes.NODES_MAX)]
    for seen_ms, name in enumerate(names):
        nodes.put(db, name, name, {}, seen_ms)
    assert sorted(node for node, _info, _seen_ms in nodes.seen_since(db, 0)) == names
    assert sorted(nodes.ids(db)) == names
