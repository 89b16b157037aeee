"""The recording rule: recorded time spans."""

from __future__ import annotations

from typing import Any

import pytest

from pi_cam_node.config import RecordingConfig
from pi_cam_node.core.rules.recording import Begin, End, RecordingOrder, RecordingRule


def rule(mode: str = "motion", **fields: Any) -> RecordingRule:
    made = RecordingRule(RecordingConfig.model_validate({"mode": mode, "pre_roll_s": 5, "post_roll_s": 3, **fields}))
    made.camera(online=True, now_s=0.0)
    return made


def test_an_event_is_recorded_from_before_it_began_until_after_its_end() -> None:
    recording = rule()
    assert recording.began("e1", "motion", 100.0) == 5
    assert recording.steps() == [Begin(RecordingOrder("e1", "motion", 95.0, 100.0))]
    recording.ended("e1", 110.0)
    assert recording.due_s == 113.0
    recording.on_time(113.0)
    assert recording.steps() == [End(113.0, "end")]
    assert recording.order is None


def test_an_event_that_begins_before_the_end_of_the_last_one_goes_on_in_the_same_recording() -> None:
    recording = rule()
    recording.began("e1", "motion", 100.0)
    recording.steps()
    recording.ended("e1", 110.0)
    recording.began("e2", "motion", 112.0)
    recording.on_time(113.0)
    assert recording.steps() == []
    recording.ended("e2", 115.0)
    recording.on_time(118.0)
    assert recording.steps() == [End(118.0, "end")]


def test_two_events_at_a_time_are_recorded_until_both_are_over() -> None:
    recording = rule()
    recording.began("m", "motion", 100.0)
    recording.began("r", "record", 101.0)
    recording.ended("m", 105.0)
    assert recording.due_s == float("inf")
    recording.ended("r", 120.0, by_hand=True)
    recording.on_time(120.0)
    assert recording.steps()[-1] == End(120.0, "end")


def test_off_records_nothing_but_what_is_asked_for_by_hand() -> None:
    recording = rule("off")
    assert recording.began("m", "motion", 100.0) == 0
    assert recording.began("t", "trigger", 100.0) == 0
    assert recording.steps() == []
    recording.began("r", "record", 101.0)
    assert recording.steps() == [Begin(RecordingOrder("r", "record", 96.0, 101.0))]


def test_a_continuous_recording_makes_way_for_an_event_and_goes_on_after_it() -> None:
    recording = rule("continuous")
    assert recording.steps() == [Begin(RecordingOrder("", "continuous", 0.0, 0.0))]
    recording.began("e1", "motion", 100.0)
    assert recording.steps() == [Begin(RecordingOrder("e1", "motion", 95.0, 100.0))]
    recording.ended("e1", 110.0)
    recording.on_time(113.0)
    assert recording.steps() == [End(113.0, "end"), Begin(RecordingOrder("", "continuous", 113.0, 113.0))]


def test_a_lost_camera_ends_the_recording_with_what_there_is() -> None:
    recording = rule()
    recording.began("e1", "motion", 100.0)
    recording.steps()
    recording.camera(online=False, now_s=104.0)
    assert recording.steps() == [End(104.0, "camera_lost")]
    recording.on_time(200.0)
    assert recording.steps() == []


def test_privacy_ends_it_at_once() -> None:
    recording = rule("continuous")
    recording.steps()
    recording.privacy()
    (end,) = recording.steps()
    assert isinstance(end, End)
    assert (end.reason, end.at_once) == ("privacy", True)
    assert recording.order is None


def test_settings_take_effect_between_events() -> None:
    recording = rule("off")
    recording.configure(RecordingConfig(mode="continuous"), 50.0)
    assert recording.steps() == [Begin(RecordingOrder("", "continuous", 50.0, 50.0))]
    recording.configure(RecordingConfig(mode="off"), 60.0)
    assert recording.steps() == [End(60.0, "end")]


def turned(recording: RecordingRule, mode: str, now_s: float) -> list[Begin | End]:
    recording.configure(RecordingConfig.model_validate({"mode": mode, "pre_roll_s": 5, "post_roll_s": 3}), now_s)
    return recording.steps()


@pytest.mark.parametrize("mode", ["motion", "continuous"])
def test_off_ends_the_recording_of_an_event_that_goes_on(mode: str) -> None:
    recording = rule(mode)
    recording.began("m", "motion", 100.0)
    recording.steps()
    assert turned(recording, "off", 110.0) == [End(110.0, "end")]
    recording.ended("m", 120.0)
    assert (recording.due_s, recording.order) == (float("inf"), None)


def test_off_ends_the_post_roll() -> None:
    recording = rule()
    recording.began("m", "motion", 100.0)
    recording.ended("m", 110.0)
    recording.steps()
    assert turned(recording, "off", 111.0) == [End(111.0, "end")]


def test_off_spares_what_is_recorded_by_hand() -> None:
    recording = rule()
    recording.began("m", "motion", 100.0)
    recording.began("r", "record", 101.0)
    recording.steps()
    assert turned(recording, "off", 110.0) == []
    recording.ended("r", 120.0)
    assert turned(recording, "off", 121.0) == []
    recording.on_time(123.0)
    assert recording.steps() == [End(123.0, "end")], "with its post-roll"


def test_off_ends_what_a_recording_by_hand_went_on_for() -> None:
    recording = rule()
    recording.began("r", "record", 100.0)
    recording.began("m", "motion", 101.0)
    recording.ended("r", 102.0, by_hand=True)
    recording.steps()
    assert turned(recording, "off", 110.0) == [End(110.0, "end")]


def test_on_records_an_event_that_goes_on_from_now() -> None:
    recording = rule("off")
    recording.began("m", "motion", 100.0)
    recording.began("t", "trigger", 101.0)
    assert turned(recording, "motion", 110.0) == [Begin(RecordingOrder("m", "motion", 110.0, 110.0))]
    assert recording.covers("m")
    assert recording.covers("t")
    recording.ended("m", 111.0)
    recording.ended("t", 112.0)
    recording.on_time(115.0)
    assert recording.steps() == [End(115.0, "end")]


def test_on_joins_an_event_that_goes_on_to_a_recording_by_hand() -> None:
    recording = rule("off")
    recording.began("r", "record", 100.0)
    recording.began("m", "motion", 101.0)
    recording.ended("r", 105.0)
    recording.steps()
    assert turned(recording, "motion", 106.0) == []
    assert recording.due_s == float("inf")


def test_on_records_no_event_that_is_over() -> None:
    recording = rule("off")
    recording.began("m", "motion", 100.0)
    recording.ended("m", 105.0)
    assert turned(recording, "motion", 110.0) == []


@pytest.mark.parametrize("changed", [{"idle_fps": 5}, {"quality": 80}])
def test_a_continuous_recording_goes_on_with_changed_pictures(changed: dict[str, Any]) -> None:
    recording, config = rule("continuous"), RecordingConfig(mode="continuous")
    recording.steps()
    recording.configure(config.model_copy(update={"post_roll_s": 9.0}), 40.0)
    assert recording.steps() == [], "nothing that concerns it"
    recording.configure(config.model_copy(update=changed), 50.0)
    assert recording.steps() == [Begin(RecordingOrder("", "continuous", 50.0, 50.0))]
    off = config.model_copy(update={"mode": "off", "idle_fps": 7})
    recording.configure(off, 60.0)
    assert recording.steps() == [End(60.0, "end")]
    recording.began("e1", "record", 70.0)
    recording.steps()
    recording.configure(off.model_copy(update=changed), 71.0)
    assert recording.steps() == [], "an event goes on as it began"


def test_explain_says_why_nothing_is_recorded() -> None:
    recording = rule("off")
    assert recording.explain(1.0, has_motion=True)["why_not"] == "recording.mode is off"
    recording.configure(RecordingConfig(mode="motion"), 1.0)
    assert recording.explain(1.0, has_motion=True)["why_not"] == "nothing moves"
    recording.camera(online=False, now_s=2.0)
    assert recording.explain(3.0, has_motion=True)["why_not"] == "no frames arrive from the camera"
