"""One row per event, also with repeated and partial messages."""

from __future__ import annotations

import sqlite3
from itertools import permutations

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.console.store import audit, events, nodes
from pi_cam_node.console.store.events import DATA_MAX_BYTES, EventFilter, EventRow


def row(node: str = "porch", name: str = "e1", at_ms: int = 1000, kind: str = "motion", **more: object) -> EventRow:
    return EventRow(node, name, at_ms, kind, node, **more)  # type: ignore[arg-type]


def message(kind: str, **more: object) -> dict[str, object]:
    return {
        "event_type": kind,
        "id": "e1",
        "at": "2026-11-20T19:45:02.000Z",
        "began_at": "2026-11-20T19:45:00.000Z",
        **more,
    }


MESSAGES = (
    message("motion_started", zones=["door"]),
    message("recording_started"),
    message("motion_ended", zones=["door", "path"]),
    message("recording_saved", media={"id": "film", "kind": "recording"}, seconds=8.2),
)


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_the_parts_of_an_event_are_one_row_in_any_order(db: sqlite3.Connection, order: tuple[int, ...]) -> None:
    for number in (*order, *order):
        found = events.row_of("porch", MESSAGES[number], 1_795_203_900_000)
        assert found is not None
        events.put(db, found)
    (one,) = events.newest(db, EventFilter(), 10)
    assert (one.kind, one.at_ms, one.data["media"]["id"]) == ("motion", 1795203900000, "film")


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_cause_of_an_event_is_not_that_of_its_film(db: sqlite3.Connection, order: tuple[int, ...]) -> None:
    parts = (
        message("triggered", cause="doorbell"),
        message("recording_started", cause="trigger"),
        message("recording_saved", cause="trigger", media={"id": "film", "kind": "recording"}),
    )
    for number in (*order, *order):
        found = events.row_of("porch", parts[number], 0)
        assert found is not None
        events.put(db, found)
    (one,) = events.newest(db, EventFilter(), 10)
    assert (one.kind, one.data["cause"], one.data["media"]["id"]) == ("trigger", "doorbell", "film")


def test_an_event_has_its_picture_while_it_is_under_way(db: sqlite3.Connection) -> None:
    """The node names it at the end; until then it stood as a row of its own beside an event without a picture."""
    over = message("motion_ended", ended_at="2026-11-20T19:45:04.000Z")
    saved = message("picture_saved", cause="event", media={"id": "p1", "kind": "event"})
    later = "2026-11-20T19:45:05.000Z"
    under_way = message("motion_started") | {"id": "e2", "at": later, "began_at": later, "ended_at": None}
    picture = saved | {"id": "p1", "at": "2026-11-20T19:45:06.000Z", "began_at": None}
    asked_for = picture | {"id": "p2", "cause": "command", "media": {"id": "p2", "kind": "single"}}
    for body in (over, under_way, asked_for, picture, picture):
        found = events.row_of("porch", body, 0)
        assert found is not None
        events.put(db, found)
    listed = [(one.id, one.media) for one in events.newest(db, EventFilter(), 10)]
    assert listed == [("p2", "p2"), ("e2", "p1"), ("e1", None)]
    ended = events.row_of("porch", under_way | {"event_type": "motion_ended", "picture_id": "p3"}, 0)
    assert ended is not None
    assert events.put(db, ended)[0].media == "p3", "what the node says in the end"


def test_the_same_id_of_two_nodes_is_two_events(db: sqlite3.Connection) -> None:
    for node in ("porch", "hall", "porch"):
        events.put(db, row(node))
    assert len(events.newest(db, EventFilter(), 10)) == 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"event_type": "motion_started"},
        {"event_type": "party", "id": "x"},
        {"event_type": "motion_started", "id": 4},
        {"event_type": "motion_started", "id": "x" * 300},
    ],
)
def test_what_is_no_event_is_no_row(body: dict[str, object]) -> None:
    assert events.row_of("porch", body, 0) is None


def test_pictures_of_intervals_are_kept_and_not_listed(db: sqlite3.Connection) -> None:
    told = {
        "event_type": "picture_saved",
        "id": "p1",
        "at": "2026-11-20T19:45:02.000Z",
        "cause": "interval",
        "media": {"id": "p1"},
    }
    found = events.row_of("porch", told, 0)
    assert found is not None
    events.put(db, found)
    assert events.newest(db, EventFilter(), 10) == []
    assert [one.media for one in events.newest(db, EventFilter(kinds=("interval",)), 10)] == ["p1"]


def test_a_picture_that_another_event_shows_is_not_listed_twice(db: sqlite3.Connection) -> None:
    events.put(db, row(name="p1", kind="picture", media="p1"))
    events.put(db, EventRow("", "r1", 2000, "rule", "porch", "door", "Door", "p1"))
    assert [one.kind for one in events.newest(db, EventFilter(), 10)] == ["rule"]


def test_pages_follow_each_other_without_gap_or_repeat(db: sqlite3.Connection) -> None:
    for number in range(25):
        events.put(db, row(name=f"e{number}", at_ms=1000 + number // 3))
    seen: list[int] = []
    before = None
    while page := events.newest(db, EventFilter(before=before), 4):
        seen += [one.rowid for one in page]
        before = (page[-1].at_ms, page[-1].rowid)
    assert len(seen) == len(set(seen)) == 25


def test_only_chosen_cameras_are_listed(db: sqlite3.Connection) -> None:
    events.put(db, row("porch"))
    events.put(db, row("hall"))
    events.put(db, EventRow("", "r", 1, "rule"))
    assert [one.camera for one in events.newest(db, EventFilter(frozenset({"hall"})), 10)] == ["hall"]
    assert events.newest(db, EventFilter(frozenset()), 10) == []


def test_an_erased_node_leaves_nothing(db: sqlite3.Connection) -> None:
    events.put(db, row("porch"))
    events.put(db, row("hall"))
    events.put(db, EventRow("", "r", 1, "rule", "porch"))
    nodes.erase(db, "porch")
    assert [one.node for one in events.newest(db, EventFilter(), 10)] == ["hall"]


def test_a_renamed_node_takes_its_rows_along(db: sqlite3.Connection) -> None:
    events.put(db, row("old", "a"))
    events.put(db, row("old", "b"))
    events.put(db, row("new", "b"))
    nodes.rename(db, "old", "new")
    assert sorted((one.node, one.id, one.camera) for one in events.newest(db, EventFilter(), 10)) == [
        ("new", "a", "new"),
        ("new", "b", "new"),
    ]


def test_the_audit_is_bounded_and_remembers_who_is_at_home(db: sqlite3.Connection, mocker: MockerFixture) -> None:
    mocker.patch.object(audit, "KEPT_ROWS", 10)
    mocker.patch.object(audit, "KEPT_OF_ACCOUNT", 10)
    assert audit.mode(db) == "home"
    audit.add(db, audit.AuditRow(0, "anna", "mode", "away"))
    for number in range(50):
        audit.add(db, audit.AuditRow(number, "anna", "login", "x"))
    assert audit.mode(db) == "away"
    assert len(audit.newest(db, 100)) == 11


def test_no_account_hides_what_it_did_behind_what_it_does(db: sqlite3.Connection, mocker: MockerFixture) -> None:
    mocker.patch.object(audit, "KEPT_ROWS", 10)
    mocker.patch.object(audit, "KEPT_OF_ACCOUNT", 5)
    for number in range(5):
        audit.add(db, audit.AuditRow(number, "anna", "rule", f"rule {number}"))
    for number in range(100):
        audit.add(db, audit.AuditRow(number, "guest", "device", f"gets pushes on {number}"))
    kept = [one.what for one in audit.newest(db, 100)]
    assert kept[5:] == [f"rule {number}" for number in range(4, -1, -1)]
    assert kept[:5] == [f"gets pushes on {number}" for number in range(99, 94, -1)]


def test_of_fields_that_are_too_long_the_short_ones_are_kept() -> None:
    said = message("picture_saved", cause="event", frames=list(range(4000)), zones=["door"])
    found = events.row_of("porch", said, 0)
    assert found is not None
    assert "frames" not in found.data
    assert (found.data["cause"], found.data["zones"]) == ("event", ["door"])


def test_an_event_of_the_far_future_is_one_of_now() -> None:
    """It would be the first of every list, and kept for ever."""
    now_ms = 1_795_203_900_000
    for began, at_ms in (("9999-01-01T00:00:00Z", now_ms), ("2026-11-20T19:45:00.000Z", 1_795_203_900_000)):
        found = events.row_of("porch", message("motion_started", began_at=began), now_ms)
        assert found is not None
        assert found.at_ms == at_ms


def test_an_event_that_is_told_more_and_more_does_not_grow_for_ever(db: sqlite3.Connection) -> None:
    for number in range(6):
        said = events.row_of("porch", message("motion_started", **{f"key{number}": "x" * (DATA_MAX_BYTES // 4)}), 0)
        assert said is not None
        kept, _ = events.put(db, said)
    assert "key5" in kept.data
    assert "key0" not in kept.data
    assert db.execute("SELECT length(data) FROM event").fetchone()[0] <= DATA_MAX_BYTES
