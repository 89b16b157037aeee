"""The actual mode of frames, and the steps of a switch."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pi_cam_node.camera.source import Controls
from pi_cam_node.camera.sources.picam.mode_watch import FRAMES_TO_CONFIRM, ModeWatch
from pi_cam_node.camera.sources.picam.plan import plan_of, step_between
from pi_cam_node.config import CameraConfig

DAY = Controls("day", 10.0, 500_000, 6.0, "stream")
NIGHT = replace(DAY, mode="night")


def test_frames_before_any_switch_bear_the_mode_of_the_start() -> None:
    assert ModeWatch("night", 2_000_000).frame(8_000) == "night"


def test_night_begins_with_the_frame_that_shows_its_exposure() -> None:
    watch = ModeWatch("day", 0)
    watch.switch("night", 500_000, live=True)
    assert [watch.frame(us) for us in (8_000, 100_000, 499_960, 8_000)] == ["day", "day", "night", "night"]


def test_day_begins_with_the_frame_that_no_longer_shows_the_fixed_exposure() -> None:
    watch = ModeWatch("night", 500_000)
    watch.switch("day", 0, live=True)
    assert [watch.frame(us) for us in (500_010, 500_010, 90_000)] == ["night", "night", "day"]


def test_a_restart_into_automatic_exposure_is_believed_at_once() -> None:
    watch = ModeWatch("night", 500_000)
    watch.switch("day", 0, live=False)
    assert watch.frame(500_000) == "day"


def test_a_restart_into_a_fixed_exposure_still_has_to_show() -> None:
    watch = ModeWatch("day", 0)
    watch.switch("night", 2_000_000, live=False)
    assert [watch.frame(us) for us in (8_000, 2_000_000)] == ["day", "night"]


def test_a_camera_that_tells_no_exposure_is_believed_at_once() -> None:
    watch = ModeWatch("day", 0)
    watch.switch("night", 500_000, live=True)
    assert watch.frame(None) == "night"


def test_a_camera_that_takes_no_exposure_changes_only_its_label() -> None:
    watch = ModeWatch("day", 0)
    watch.switch("night", 0, live=True)
    assert watch.frame(8_000) == "night"


def test_a_switch_that_does_not_show_is_overdue_after_some_frames() -> None:
    watch = ModeWatch("day", 0)
    watch.switch("night", 500_000, live=True)
    for _ in range(FRAMES_TO_CONFIRM):
        assert not watch.overdue
        assert watch.frame(8_000) == "day"
    assert watch.overdue
    watch.believe()
    assert not watch.overdue
    assert watch.frame(8_000) == "night"


@pytest.mark.parametrize(("shown_us", "confirmed"), [(99, True), (299, True), (301, False)])
def test_a_short_exposure_may_be_off_by_a_few_rows(shown_us: int, confirmed: bool) -> None:
    watch = ModeWatch("day", 0)
    watch.switch("night", 100, live=True)
    assert (watch.frame(shown_us) == "night") is confirmed


@pytest.mark.parametrize(
    ("video_mode", "night_mode", "by_day", "by_night"),
    [
        ("stream", "still", "video", "still"),
        ("stream", "stream", "video", "video"),
        ("still", "stream", "still", "still"),
        ("still", "still", "still", "still"),
    ],
)
def test_the_settings_say_which_configuration_is_for_which_mode(
    video_mode: str, night_mode: str, by_day: str, by_night: str
) -> None:
    camera = CameraConfig.model_validate({"video_mode": video_mode})
    controls = [Controls(mode, 10, 2_000_000, 6, night_mode) for mode in ("day", "night")]  # type: ignore[arg-type]
    assert [plan_of(camera, each).kind for each in controls] == [by_day, by_night]


def test_the_codec_says_which_format_is_asked_for() -> None:
    formats = {codec: plan_of(CameraConfig(codec=codec), DAY).pixel_format for codec in ("yuv420", "rgb")}
    assert formats == {"yuv420": "YUV420", "rgb": "RGB888"}


@pytest.mark.parametrize(
    ("old", "new", "tells", "step"),
    [
        (DAY, DAY, True, "nothing"),
        (DAY, NIGHT, True, "live"),
        (NIGHT, DAY, True, "live"),
        (DAY, NIGHT, False, "restart"),
        (DAY, replace(NIGHT, exposure_us=1_000_000), True, "restart"),
        (replace(NIGHT, exposure_us=1_000_000), DAY, True, "restart"),
        (NIGHT, replace(NIGHT, gain=2.0), True, "live"),
        (DAY, replace(NIGHT, night_mode="still"), True, "configure"),
        (replace(NIGHT, night_mode="still"), NIGHT, True, "configure"),
    ],
)
def test_a_switch_does_no_more_than_it_must(old: Controls, new: Controls, tells: bool, step: str) -> None:
    camera = CameraConfig()
    assert step_between(plan_of(camera, old), plan_of(camera, new), tells_exposure=tells) == step


@pytest.mark.parametrize(
    ("controls", "silence_s", "first_silence_s"),
    [
        (DAY, 3.0, 3.8),
        (replace(DAY, framerate=0.5), 12.0, 28.0),
        (replace(NIGHT, exposure_us=2_000_000), 5.0, 21.0),
        (replace(NIGHT, exposure_us=100_000_000), 201.0, 1001.0),
    ],
)
def test_patience_grows_with_rate_and_exposure(controls: Controls, silence_s: float, first_silence_s: float) -> None:
    plan = plan_of(CameraConfig(), controls)
    assert (plan.silence_s, plan.first_silence_s) == pytest.approx((silence_s, first_silence_s))
