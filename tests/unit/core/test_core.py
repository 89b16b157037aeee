"""The core: frames, missing frames, and deadlines."""

from __future__ import annotations

from typing import Any

import pytest

from pi_cam_node.config import Config
from pi_cam_node.core.events import (
    BrightnessMeasured,
    CameraChanged,
    FaultReported,
    LiveFrameDue,
    ModeChanged,
    ModeWanted,
    PictureSaved,
    Replied,
    RingMeasured,
    SettingChanged,
    TelemetryTaken,
)
from pi_cam_node.core.inputs import CameraFailed, SwitchFailed
from pi_cam_node.core.rules.camera_timeout import frame_deadline_s
from pi_cam_node.imaging.frame import Mode
from pi_cam_node.imaging.jpeg import decode
from tests.support.core_harness import CoreHarness


def config_of(**sections: dict[str, Any]) -> Config:
    return Config.model_validate(sections)


def test_brightness_is_told_on_change_and_not_more_often_than_allowed() -> None:
    harness = CoreHarness()
    harness.see(20, level=100)
    assert [round(f.level) for f in harness.said(BrightnessMeasured)] == [100]
    harness.see(1, level=101)
    harness.see(1, level=120)
    harness.see(1, level=140)
    harness.wait(1.0)
    harness.see(1, level=160)
    assert [round(f.level) for f in harness.said(BrightnessMeasured)] == [100, 120, 160]


def test_the_camera_is_there_with_its_first_frame() -> None:
    harness = CoreHarness()
    harness.wait(1)
    assert harness.said(CameraChanged) == []
    harness.see()
    assert [f.online for f in harness.said(CameraChanged)] == [True]


def test_a_silent_camera_is_away_within_its_deadline() -> None:
    harness = CoreHarness()
    harness.see(10)
    harness.wait(4.9)
    assert [f.online for f in harness.said(CameraChanged)] == [True]
    harness.wait(0.2)
    assert [f.online for f in harness.said(CameraChanged)] == [True, False]
    harness.see()
    assert [f.online for f in harness.said(CameraChanged)] == [True, False, True]


@pytest.mark.parametrize(
    ("framerate", "exposure_us", "mode", "deadline_s"),
    [
        (10, 2_000_000, "day", 5),
        (0.5, 2_000_000, "day", 6),
        (10, 2_000_000, "night", 6),
        (10, 100_000_000, "night", 300),
    ],
)
def test_the_frame_deadline_is_as_contracted(framerate: float, exposure_us: int, mode: Mode, deadline_s: float) -> None:
    config = config_of(camera={"framerate": framerate}, night={"exposure_us": exposure_us})
    assert frame_deadline_s(config, mode) == deadline_s


def test_a_failed_camera_is_away_at_once_and_the_reason_is_told() -> None:
    harness = CoreHarness()
    harness.see()
    harness.step(CameraFailed("the process died", "respawn", 1))
    assert harness.said(CameraChanged)[-1].online is False
    assert harness.said(FaultReported)[-1] == FaultReported("camera_down", "the process died")
    assert harness.core.latest is None


def test_the_mode_told_is_the_mode_of_the_frames() -> None:
    harness = CoreHarness(config_of(night={"settle_s": 0, "min_dark_frames": 3}))
    harness.see(5, level=10)
    assert harness.said(ModeWanted) == [ModeWanted("night")]
    assert [f.mode for f in harness.said(ModeChanged)] == ["day"]
    harness.see(1, level=10, mode="night")
    assert [(f.mode, f.cause) for f in harness.said(ModeChanged)] == [("day", "start"), ("night", "light")]


def test_a_failed_switch_is_told_and_tried_again() -> None:
    harness = CoreHarness(config_of(night={"settle_s": 0, "min_dark_frames": 3}))
    harness.see(3, level=10)
    harness.step(SwitchFailed("night", "no memory"))
    assert "no memory" in harness.said(FaultReported)[-1].message
    harness.see(60, level=10)
    assert harness.said(ModeWanted) == [ModeWanted("night"), ModeWanted("night")]
    assert [f.mode for f in harness.said(ModeChanged)] == ["day"]


def test_an_override_takes_effect_without_frames() -> None:
    harness = CoreHarness()
    harness.see()
    harness.send("set", "night.override night")
    assert harness.said(ModeWanted) == [ModeWanted("night")]


def test_the_ring_follows_its_settings_at_once() -> None:
    harness = CoreHarness()
    harness.see(50)
    harness.send("set", "ring.size 10")
    assert len(harness.core.ring) == 10
    assert harness.said(RingMeasured)[0].seconds == 0


def test_a_downscaled_ring_holds_small_frames() -> None:
    harness = CoreHarness(config_of(ring={"downscale": {"enable": True, "width": 32, "height": 24}}))
    harness.see(2)
    assert decode(harness.core.ring.last(1)[0].jpeg).shape == (24, 32, 3)
    harness.send("set", "ring.downscale.enable off")
    harness.see(1)
    assert decode(harness.core.ring.last(1)[0].jpeg).shape == (48, 64, 3)


def test_a_larger_picture_shrinks_the_ring_before_anything_else() -> None:
    harness = CoreHarness(config_of(ring={"max_bytes": 64 << 20}), budget_bytes=110 << 20)
    before = harness.core.ring._limits.size_bytes
    harness.send("set", "camera.width 2048")
    assert harness.core.ring._limits.size_bytes < before
    assert {f.key for f in harness.said(SettingChanged)} == {"camera.width"}


def test_live_pictures_are_shown_at_their_own_rate() -> None:
    harness = CoreHarness()
    harness.see(30)
    assert len(harness.said(LiveFrameDue)) == 3
    harness.send("set", "homeassistant.camera_fps 0")
    harness.see(30)
    assert len(harness.said(LiveFrameDue)) == 3


def test_telemetry_comes_by_interval() -> None:
    harness = CoreHarness()
    harness.see(1300)
    assert len(harness.said(TelemetryTaken)) == 2
    figures = harness.said(TelemetryTaken)[-1].figures
    assert figures["fps"] == pytest.approx(10, abs=0.2)
    assert figures["ring_frames"] == 300


def test_frames_that_waited_and_come_at_once_do_not_raise_the_frame_rate() -> None:
    """As at the start: the camera is opened before the node is up."""
    harness = CoreHarness()
    waited = []
    for _ in range(8):
        harness.clock.advance(0.1)
        waited.append(harness.frame())
    for frame in waited:
        harness.step(frame)
    assert harness.core.figures()["fps"] == pytest.approx(10, abs=0.2)


# ------------------------------------------------------------------ automatic pictures


def test_a_picture_is_saved_by_interval_and_not_at_start() -> None:
    harness = CoreHarness(config_of(export={"auto_save_interval_s": 60}))
    harness.see(590)
    assert harness.jobs == []
    harness.see(20)
    harness.work()
    assert [p.kind for p, _ in harness.archive.saved] == ["auto"]
    assert len(harness.said(PictureSaved)) == 1
    assert harness.said(Replied) == []
    harness.see(600)
    harness.work()
    assert len(harness.archive.saved) == 2


def test_a_short_interval_waits_until_the_exposure_has_settled() -> None:
    harness = CoreHarness(config_of(export={"auto_save_interval_s": 1}, night={"settle_s": 30}))
    harness.see(290)
    assert harness.jobs == []
    harness.see(15)
    assert len(harness.jobs) == 1


def test_the_automatic_picture_may_come_from_the_ring() -> None:
    harness = CoreHarness(config_of(export={"auto_save_interval_s": 60, "auto_save_use_ring": True}))
    harness.see(610)
    harness.work()
    assert [(p.kind, p.method) for p, _ in harness.archive.saved] == [("auto", "mean")]


def test_a_failing_automatic_picture_waits_for_the_next_interval() -> None:
    harness = CoreHarness(config_of(export={"auto_save_interval_s": 60}))
    harness.archive.error = OSError("dead card")
    harness.see(640)
    assert len(harness.jobs) == 1
    harness.work()
    harness.see(100)
    assert harness.jobs == []
    assert harness.said(FaultReported)


def test_an_interval_of_zero_never_saves() -> None:
    harness = CoreHarness(config_of(export={"auto_save_interval_s": 0}))
    harness.see(3000, every_s=1.0)
    assert harness.jobs == []


def test_a_jump_of_the_wall_clock_moves_no_interval() -> None:
    harness = CoreHarness(config_of(export={"auto_save_interval_s": 60}))
    harness.see(300)
    harness.clock.step_utc(-40 * 86400)
    harness.see(310)
    assert len(harness.jobs) == 1
    harness.clock.step_utc(80 * 86400)
    harness.see(50)
    assert len(harness.jobs) == 1
    assert harness.said(CameraChanged)[-1].online


def test_a_frame_with_the_time_of_an_older_one_does_no_harm() -> None:
    harness = CoreHarness()
    harness.see(3)
    old = harness.frame()
    harness.see(3)
    harness.step(old)
    assert [f.seq for f in harness.core.ring.last(10)] == [1, 2, 3, 5, 6, 7]
