"""Nodes as rows."""

from __future__ import annotations

import sqlite3

from pi_cam_node.console.nodes.registry import Nodes
from pi_cam_node.console.store import events, media, nodes
from tests.support.fakes.clock import FakeClock


def test_every_node_that_a_console_may_have_is_known_after_a_restart(db: sqlite3.Connection) -> None:
    names = [f"cam-{number:02}" for number in range(nodes.NODES_MAX)]
    for seen_ms, name in enumerate(names):
        nodes.put(db, name, name, {}, seen_ms)
    assert sorted(node for node, _info, _seen_ms in nodes.seen_since(db, 0)) == names
    assert sorted(nodes.ids(db)) == names


def test_nodes_that_somebody_made_up_come_after_those_of_which_something_is_kept(db: sqlite3.Connection) -> None:
    for seen_ms, name in enumerate(["porch", "yard", *[f"junk{number}" for number in range(100)]]):
        nodes.put(db, name, name, {}, seen_ms)
    events.put(db, events.EventRow("porch", "e1", 5, "motion", "porch"))
    media.replace(db, "yard", [media.MediaRow("yard", "m1", 5, "single")], complete=True)
    assert nodes.with_rows(db) == {"porch", "yard"}
    assert [node for node, _info, _seen_ms in nodes.seen_since(db, 0)][:3] == ["yard", "porch", "junk99"]
    assert nodes.ids(db)[:3] == ["yard", "porch", "junk99"]


def test_of_many_removed_nodes_the_oldest_is_forgotten_first(db: sqlite3.Connection) -> None:
    for seen_ms in range(nodes.NODES_MAX + 2):
        nodes.hide(db, f"cam-{seen_ms:02}", seen_ms)
    assert nodes.hidden(db) == [f"cam-{number:02}" for number in range(2, nodes.NODES_MAX + 2)]
    registry = Nodes(FakeClock())
    registry.restore_removed(nodes.hidden(db))
    registry.restore("porch", {}, 0)
    assert registry.remove("porch")
    assert list(registry.removed) == [f"cam-{number:02}" for number in range(3, nodes.NODES_MAX + 2)] + ["porch"]
