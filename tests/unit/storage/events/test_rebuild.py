"""Rebuilding events and films from side-cars, including malformed ones."""

from __future__ import annotations

import json
import os
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from pi_cam_node.core.history import EventRow, Query, RecordingRow
from pi_cam_node.core.sidecar import event_of
from pi_cam_node.storage.events.rebuild import _recording, rows_in
from pi_cam_node.storage.events.rows import events, recordings, save_event, save_recording
from pi_cam_node.storage.events.schema import open_writer

ID = "20261128T120000000Z-3f2a91c0-000042-recording"
AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
EVENT = EventRow(
    "e1",
    "motion",
    AT,
    AT + timedelta(seconds=3),
    "clear",
    ("door",),
    "door",
    4.5,
    "p1",
    ID,
    "3f2a91c0",
    clock_set=False,
)
FACTS = {
    "id": ID,
    "first_at": "2026-11-28T11:59:55.500Z",
    "last_at": "2026-11-28T12:00:08.000Z",
    "boot": "3f2a91c0",
    "clock_set": False,
    "frames_count": 130,
    "gap_s": 0.25,
    "codec": "avc1.42c01e",
    "width": 640,
    "height": 480,
    "cause": "motion",
    "event": EVENT.facts(),
}


def test_a_side_car_gives_its_film_and_its_event(tmp_path: Path) -> None:
    (tmp_path / f"{ID}.mp4").write_bytes(b"film!")
    (tmp_path / f"{ID}.json").write_text(json.dumps(FACTS))
    (tmp_path / "holiday.mp4").write_bytes(b"somebody else's")
    recording, event = rows_in(tmp_path)
    assert event == EVENT
    assert recording == RecordingRow(
        ID,
        "closed",
        str(tmp_path / f"{ID}.mp4"),
        AT - timedelta(seconds=4.5),
        AT + timedelta(seconds=8),
        "motion",
        "3f2a91c0",
        5,
        130,
        0.25,
        "avc1.42c01e",
        640,
        480,
    )


def test_a_film_without_side_car_is_known_by_its_name(tmp_path: Path) -> None:
    (tmp_path / f"{ID}.mp4").write_bytes(b"film!")
    (row,) = rows_in(tmp_path)
    assert (row.id, row.at) == (ID, AT)


def test_a_folder_that_is_not_there_has_none(tmp_path: Path) -> None:
    assert list(rows_in(tmp_path / "captures")) == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@effort(deadline=None)
@given(
    facts=st.fixed_dictionaries({}, optional={name: json_values for name in FACTS if name != "event"}),
    event=st.fixed_dictionaries(
        {}, optional={name: json_values | st.just(value) for name, value in EVENT.facts().items()}
    ),
)
def test_odd_side_cars_give_rows_or_nothing(facts: dict[str, Any], event: dict[str, Any]) -> None:
    told = {**facts, "event": event}
    assert _recording(ID, "/captures/x.mp4", told).id == ID
    row = event_of(told, ID)
    assert row is None or EventRow(**{field: getattr(row, field) for field in row.__dataclass_fields__}) == row


TOO_EARLY = "0001-01-01T00:00:00+14:00"  # the year 0 in UTC


@pytest.mark.parametrize("text", ["\ud800", TOO_EARLY, "9999-12-31T23:59:59-14:00"])
def test_what_a_side_car_says_can_be_stored_and_read_again(tmp_path: Path, text: str) -> None:
    event = {**EVENT.facts(), "cause": text, "zones": [text], "picture_id": text, "ended_at": text}
    facts = {**FACTS, "cause": text, "boot": text, "first_at": text, "last_at": text, "codec": text, "event": event}
    (tmp_path / f"{ID}.mp4").write_bytes(b"film!")
    (tmp_path / f"{ID}.json").write_text(json.dumps(facts))
    with closing(open_writer(tmp_path / "events.db")) as connection:
        for row in rows_in(tmp_path):
            if isinstance(row, EventRow):
                save_event(connection, row)
            else:
                save_recording(connection, row)
        assert [row.id for row in events(connection, Query()).rows] == ["e1"]
        assert [row.at for row in recordings(connection, ["closed"])] == [AT]


def test_a_pipe_in_place_of_a_side_car_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / f"{ID}.mp4").write_bytes(b"film!")
    os.mkfifo(tmp_path / f"{ID}.json")
    assert [row.id for row in rows_in(tmp_path)] == [ID]
