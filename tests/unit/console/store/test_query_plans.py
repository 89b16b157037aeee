"""Lists are read by an index, so that the time does not depend on the number of rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest

from pi_cam_node.console.store import devices, events
from pi_cam_node.console.store.events import EventFilter

BEFORE = (1_795_203_900_000, 900_000)


def plan_of(db: sqlite3.Connection, ask: Callable[[], object]) -> list[str]:
    """Return the steps by which SQLite answers what is asked."""
    statements: list[str] = []
    db.set_trace_callback(statements.append)
    ask()
    db.set_trace_callback(None)
    (asked,) = [one for one in statements if one.startswith("SELECT")]
    return [str(step[3]) for step in db.execute(f"EXPLAIN QUERY PLAN {asked}")]


@pytest.mark.parametrize(
    "wanted",
    [
        EventFilter(),
        EventFilter(before=BEFORE),
        EventFilter(frozenset({"porch"})),
        EventFilter(frozenset({"porch"}), before=BEFORE),
        EventFilter(frozenset({None}), before=BEFORE),
        EventFilter(kinds=("motion",)),
        EventFilter(frozenset({"porch"}), ("motion",)),
        EventFilter(sensor="front_door"),
    ],
    ids=repr,
)
def test_a_page_of_events_is_read_in_the_order_of_an_index(db: sqlite3.Connection, wanted: EventFilter) -> None:
    plan = plan_of(db, lambda: events.newest(db, wanted, 50))
    assert plan[0].startswith(("SCAN e USING INDEX", "SEARCH e USING INDEX")), plan
    assert not any("TEMP B-TREE" in step for step in plan), plan
    assert all("USING" in step for step in plan if step.startswith(("SCAN", "SEARCH"))), plan


def test_what_is_due_is_found_without_reading_what_was_sent(db: sqlite3.Connection) -> None:
    assert any("USING INDEX delivery_due" in step for step in plan_of(db, lambda: devices.due(db, 1, 8, ("phone",))))
    assert any("delivery_due" in step for step in plan_of(db, lambda: devices.next_due_ms(db)))
