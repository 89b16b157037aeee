"""The commands `media`, `events`, `keep`, `delete`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_cam_node.base.clock import iso
from pi_cam_node.core.events import MediaDeleted
from pi_cam_node.core.history import EventRow, MediaRow, Page, Query, page_of
from pi_cam_node.core.recent_events import RecentEvents
from tests.support.core_harness import CoreHarness

START = datetime(2026, 11, 28, 12, 0, 0, tzinfo=UTC)
MEDIA_FIELDS = {"id", "at", "node", "kind", "url", "thumbnail_url", "path", "bytes", "seconds", "kept"}
EVENT_FIELDS = {
    *("id", "at", "node", "kind", "url", "thumbnail_url"),
    *("ended_at", "zones", "cause", "pre_roll_s", "picture_id", "recording_id", "ended_by"),
}


def picture(number: int, *, hours: float = 0.0, kind: str = "single") -> MediaRow:
    at = START + timedelta(hours=hours or number)
    return MediaRow(f"p{number:03d}", kind, at, f"/captures/p{number:03d}.jpg", 1000 + number)


def event(number: int, *zones: str) -> EventRow:
    at = START + timedelta(minutes=number)
    return EventRow(
        f"e{number:03d}", "motion", at, at + timedelta(seconds=9), "clear", zones, picture_id=f"p{number:03d}"
    )


@pytest.fixture
def harness() -> CoreHarness:
    harness = CoreHarness()
    harness.archive.rows = {row.id: row for row in map(picture, range(50))}
    for number in range(50):
        harness.core.events.save_event(event(number, "door" if number % 2 else "yard"))
    return harness


def ask(harness: CoreHarness, verb: str, payload: object = "", **fields: Any) -> dict[str, Any]:
    """Return the final reply."""
    text = payload if isinstance(payload, str) else json.dumps(payload)
    replies = harness.send(verb, text, **fields) or harness.work()
    assert replies[-1]["stage"] == "final"
    return replies[-1]


def ids(reply: dict[str, Any]) -> list[str]:
    assert reply["ok"], reply
    (rows,) = (reply["data"][name] for name in ("media", "events") if name in reply["data"])
    return [row["id"] for row in rows]


@pytest.mark.parametrize(("verb", "fields", "letter"), [("media", MEDIA_FIELDS, "p"), ("events", EVENT_FIELDS, "e")])
def test_the_newest_come_first_twenty_unless_told_otherwise(
    harness: CoreHarness, verb: str, fields: set[str], letter: str
) -> None:
    reply = ask(harness, verb)
    assert ids(reply) == [f"{letter}{number:03d}" for number in range(49, 29, -1)]
    assert reply["data"]["more"] is True
    assert set(reply["data"][verb][0]) == fields
    assert reply["data"][verb][0]["node"] == harness.core.config.node.id


@pytest.mark.parametrize("verb", ["media", "events"])
@pytest.mark.parametrize("payload", ["3", '{"limit": 3}', '{"n": 3}', '{"limit": "3"}'])
def test_as_many_as_are_wanted(harness: CoreHarness, verb: str, payload: str) -> None:
    assert len(ids(ask(harness, verb, payload))) == 3


@pytest.mark.parametrize("verb", ["media", "events"])
@pytest.mark.parametrize(("limit", "code"), [(0, "out_of_range"), (201, "out_of_range"), (-5, "out_of_range")])
def test_a_limit_that_is_none_is_refused(harness: CoreHarness, verb: str, limit: int, code: str) -> None:
    assert ask(harness, verb, {"limit": limit})["code"] == code
    assert ask(harness, verb, str(limit))["code"] == code


@pytest.mark.parametrize("payload", ['{"limit": true}', "many", '{"limit": 2.5}', '{"before": 7}', '{"page": 2}'])
def test_what_is_no_question_is_refused(harness: CoreHarness, payload: str) -> None:
    assert ask(harness, "media", payload)["code"] == "bad_request"


def test_the_whole_list_comes_page_by_page(harness: CoreHarness) -> None:
    seen: list[str] = []
    fields: dict[str, object] = {"limit": 20}
    more = True
    while more:
        reply = ask(harness, "media", fields)
        seen += ids(reply)
        fields["before"], more = seen[-1], reply["data"]["more"]
    assert seen == [f"p{number:03d}" for number in range(49, -1, -1)]


def test_before_a_time_leaves_that_time_out(harness: CoreHarness) -> None:
    assert ids(ask(harness, "media", {"before": iso(START + timedelta(hours=10)), "limit": 2})) == ["p009", "p008"]
    assert ids(ask(harness, "events", {"before": iso(START + timedelta(minutes=10)), "limit": 1})) == ["e009"]


def test_a_day_is_asked_for_by_its_end(harness: CoreHarness) -> None:
    reply = ask(harness, "media", {"before": "2026-11-29", "limit": 200})
    assert ids(reply)[0] == "p011"
    assert reply["data"]["more"] is False


@pytest.mark.parametrize("before", ["p999", "yesterday", ""])
def test_before_an_unknown_id_is_refused(harness: CoreHarness, before: str) -> None:
    assert ask(harness, "media", {"before": before})["code"] == "bad_request"


def test_only_of_a_kind_or_zone(harness: CoreHarness) -> None:
    harness.archive.rows["x"] = picture(7, hours=200, kind="clip")
    assert ids(ask(harness, "media", {"kind": "clip"})) == ["p007"]
    assert ids(ask(harness, "events", {"zone": "door", "limit": 3})) == ["e049", "e047", "e045"]
    assert ids(ask(harness, "events", {"kind": "record"})) == []
    assert ask(harness, "events", {"kind": "record"})["message"] == "no events"


@pytest.mark.parametrize(
    ("verb", "kind", "kinds"),
    [
        ("events", "clip", "motion, trigger, record"),
        ("events", ["motion"], "motion, trigger, record"),
        ("media", "motion", "single, stack, ring, auto, event, recording, clip, timelapse"),
        ("media", "films", "single, stack, ring, auto, event, recording, clip, timelapse"),
    ],
)
def test_a_kind_that_there_is_not_is_refused_with_those_that_there_are(
    harness: CoreHarness, verb: str, kind: object, kinds: str
) -> None:
    reply = ask(harness, verb, {"kind": kind})
    assert reply["code"] == "bad_request"
    assert f"ERROR: kind: expected {kinds} (found " in reply["message"]


def test_a_filter_of_kinds_that_is_not_set_is_none(harness: CoreHarness) -> None:
    assert len(ids(ask(harness, "events", {"kind": ""}))) == len(ids(ask(harness, "events", {"kind": None}))) == 20


@pytest.mark.parametrize("verb", ["media", "events"])
def test_a_broker_that_takes_less_gets_fewer_rows_and_is_told_so(harness: CoreHarness, verb: str) -> None:
    harness.packet_limit_bytes = 6000
    reply = ask(harness, verb, {"limit": 200})
    assert 0 < len(ids(reply)) < 50
    assert reply["data"]["more"] is True
    assert len(json.dumps(reply)) < 6000
    rest = ask(harness, verb, {"limit": 200, "before": ids(reply)[-1]})
    assert int(ids(rest)[0][1:]) == int(ids(reply)[-1][1:]) - 1
    assert len(ids(ask(harness, verb, {"limit": 200}, origin="http"))) == 50


def test_privacy_hides_the_list_of_pictures_and_the_links_of_events(harness: CoreHarness) -> None:
    assert ask(harness, "events")["data"]["events"][0]["url"] == "http://porch/media/p049"
    harness.send("privacy", "on")
    harness.work()
    assert ask(harness, "media")["code"] == "privacy_on"
    row = ask(harness, "events")["data"]["events"][0]
    assert (row["url"], row["thumbnail_url"]) == (None, None)


def test_keep_and_delete(harness: CoreHarness) -> None:
    assert ask(harness, "keep", "p007")["data"] == {"id": "p007", "kept": True}
    assert harness.archive.rows["p007"].kept
    assert ask(harness, "delete", "p007")["code"] == "forbidden"
    assert ask(harness, "keep", "p007 off")["ok"]
    assert ask(harness, "delete", "p007")["message"] == "OK: deleted p007"
    assert harness.said(MediaDeleted) == [MediaDeleted("p007")]
    assert "p007" not in harness.archive.rows
    assert ask(harness, "keep", {"media_id": "p008", "off": True})["data"]["kept"] is False


@pytest.mark.parametrize(
    ("verb", "payload"),
    [("keep", ""), ("keep", "p001 perhaps"), ("keep", "nothing"), ("delete", ""), ("delete", "nothing")],
)
def test_what_is_not_there_is_neither_kept_nor_deleted(harness: CoreHarness, verb: str, payload: str) -> None:
    before = dict(harness.archive.rows)
    assert ask(harness, verb, payload)["code"] == "bad_request"
    assert harness.archive.rows == before


# ---------------------------------------------------------------- rows in memory


def test_memory_keeps_the_newest_events_and_the_last_state_of_each() -> None:
    events = RecentEvents()
    for number in range(RecentEvents.MOST + 10):
        events.save_event(event(number))
    events.save_event(event(RecentEvents.MOST))
    page = events.events(Query(limit=200))
    assert page.rows[0].id == f"e{RecentEvents.MOST + 9:03d}"
    everything = page_of([*events._rows.values()], Query(limit=1000))
    assert len(everything.rows) == RecentEvents.MOST
    assert everything.rows[-1].id == "e010"


@given(
    hours=st.lists(st.integers(0, 5), max_size=12),
    limit=st.integers(1, 200),
    before=st.integers(0, 5),
)
def test_pages_before_a_time_are_the_newest_older_ones(hours: list[int], limit: int, before: int) -> None:
    rows = [picture(number, hours=hour + 0.1) for number, hour in enumerate(hours)]
    border = START + timedelta(hours=before + 0.1)
    page: Page[MediaRow] = page_of(rows, Query(limit=limit, before=border))
    fitting = sorted((row for row in rows if row.at < border), key=lambda row: (row.at, row.id), reverse=True)
    assert list(page.rows) == fitting[:limit]
    assert page.more is (len(fitting) > limit)
