"""Lists of the console: the place of a row, as its cursor or a time, and the words of its cause."""

from __future__ import annotations

from typing import get_args, get_type_hints

import pytest
from pytest_mock import MockerFixture

pytest.importorskip("jinja2", reason="the extra console is not installed")

from pi_cam_node.console.store.events import EventRow
from pi_cam_node.console.web import event_views, events, recordings
from pi_cam_node.core.rules.night import Cause
from pi_cam_node.mqtt.messages.payloads import PictureSavedEvent

AT_MS = 1_795_938_397_433
AT = "2026-11-29T07:46:37.433Z"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f"{AT_MS}-20261129T074637433Z-c945dad2-000332-stack", (AT_MS, "20261129T074637433Z-c945dad2-000332-stack")),
        (AT, (AT_MS, "")),
        ("", None),
        ("nothing", None),
        ("12-", None),
        ("1" * 300 + "-x", None),
    ],
)
def test_a_place_in_the_list_of_recordings(text: str, place: tuple[int, str] | None) -> None:
    assert recordings.place_of(text) == place


@pytest.mark.parametrize(
    ("text", "place"), [(f"{AT_MS}-12", (AT_MS, 12)), (AT, (AT_MS, 0)), ("", None), ("x-1", None), ("noT-1", None)]
)
def test_a_place_in_the_list_of_events(text: str, place: tuple[int, int] | None) -> None:
    assert events.place_of(text) == place


def test_a_row_tells_its_own_place() -> None:
    assert events.place_of(events.cursor_of(EventRow("porch", "e", AT_MS, "motion", rowid=12))) == (AT_MS, 12)


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        *(("mode", cause) for cause in (*get_args(Cause), "command")),
        *(("picture", cause) for cause in get_args(get_type_hints(PictureSavedEvent)["cause"])),
        *(("record", cause) for cause in ("motion", "trigger", "record", "continuous")),
        ("trigger", "trigger"),
    ],
)
def test_a_cause_is_told_in_words(kind: str, cause: str) -> None:
    words = event_views.cause_of(EventRow("porch", "e", AT_MS, kind, data={"cause": cause}))
    assert words.endswith(".")


@pytest.mark.parametrize("name", ["light", "camera", "motion", "doorbell"])
def test_a_sensor_is_called_by_its_name_whatever_that_means_elsewhere(name: str) -> None:
    assert event_views.cause_of(EventRow("porch", "e", AT_MS, "trigger", data={"cause": name})) == name


def test_a_cause_that_is_words_already_is_told_as_it_is() -> None:
    told = EventRow("porch", "e", AT_MS, "camera_lost", data={"cause": "no frames for 5 s"})
    assert event_views.cause_of(told) == "no frames for 5 s"
    assert event_views.cause_of(EventRow("porch", "e", AT_MS, "camera_lost")) == ""


def test_a_camera_that_privacy_took_is_not_told_as_lost(mocker: MockerFixture) -> None:
    context = mocker.Mock()
    context.now_ms.return_value = AT_MS
    told = [
        event_views.view(EventRow("porch", "e", AT_MS, "camera_lost", data={"cause": cause}), context).title
        for cause in ("privacy", "no frames")
    ]
    assert told == ["Privacy switched on", "Camera lost"]
