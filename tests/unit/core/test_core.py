"""What follows from frames, from their absence, and from time."""

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
    world = CoreHarness()
    world.see(20, level=100)
    assert [round(f.level) for f in world.said(BrightnessMeasured)] == [100]
    world.see(1, level=101)
    world.see(1, level=120)
    world.see(1, level=140)
    world.wait(1.0)
    world.see(1, level=160)
    assert [round(f.level) for f in world.said(BrightnessMeasured)] == [100, 120, 160]


def test_the_camera_is_there_with_its_first_frame() -> None:
    world = CoreHarness()
    world.wait(1)
    assert world.said(CameraChanged) == []
    world.see()
    assert [f.online for f in world.said(CameraChanged)] == [True]


def test_a_silent_camera_is_away_within_its_deadline() -> None:
    world = CoreHarness()
    world.see(10)
    world.wait(4.9)
    assert [f.online for f in world.said(CameraChanged)] == [True]
    world.wait(0.2)
    assert [f.online for f in world.said(CameraChanged)] == [True, False]
    world.see()
    assert [f.online for f in world.said(CameraChanged)] == [True, False, True]


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
    world = CoreHarness()
    world.see()
    world.step(CameraFailed("the process died", "respawn", 1))
    assert world.said(CameraChanged)[-1].online is False
    assert world.said(FaultReported)[-1] == FaultReported("camera_down", "the process died")
    assert world.core.latest is None


def test_the_mode_told_is_the_mode_of_the_frames() -> None:
    world = CoreHarness(config_of(night={"settle_s": 0, "min_dark_frames": 3}))
    world.see(5, level=10)
    assert world.said(ModeWanted) == [ModeWanted("night")]
    assert [f.mode for f in world.said(ModeChanged)] == ["day"]
    world.see(1, level=10, mode="night")
    assert [(f.mode, f.cause) for f in world.said(ModeChanged)] == [("day", "start"), ("night", "light")]


def test_a_failed_switch_is_told_and_tried_again() -> None:
    world = CoreHarness(config_of(night={"settle_s": 0, "min_dark_frames": 3}))
    world.see(3, level=10)
    world.step(SwitchFailed("night", "no memory"))
    assert "no memory" in world.said(FaultReported)[-1].message
    world.see(60, level=10)
    assert world.said(ModeWanted) == [ModeWanted("night"), ModeWanted("night")]
    assert [f.mode for f in world.said(ModeChanged)] == ["day"]


def test_an_override_takes_effect_without_frames() -> None:
    world = CoreHarness()
    world.see()
    world.send("set", "night.override night")
    assert world.said(ModeWanted) == [ModeWanted("night")]


def test_the_ring_follows_its_settings_at_once() -> None:
    world = CoreHarness()
    world.see(50)
    world.send("set", "ring.size 10")
    assert len(world.core.ring) == 10
    assert world.said(RingMeasured)[0].seconds == 0


def test_a_downscaled_ring_holds_small_frames() -> None:
    world = CoreHarness(config_of(ring={"downscale": {"enable": True, "width": 32, "height": 24}}))
    world.see(2)
    assert decode(world.core.ring.last(1)[0].jpeg).shape == (24, 32, 3)
    world.send("set", "ring.downscale.enable off")
    world.see(1)
    assert decode(world.core.ring.last(1)[0].jpeg).shape == (48, 64, 3)


def test_a_larger_picture_shrinks_the_ring_before_anything_else() -> None:
    world = CoreHarness(config_of(ring={"max_bytes": 64 << 20}), budget_bytes=110 << 20)
    before = world.core.ring._limits.size_bytes
    world.send("set", "camera.width 2048")
    assert world.core.ring._limits.size_bytes < before
    assert {f.key for f in world.said(SettingChanged)} == {"camera.width"}


def test_live_pictures_are_shown_at_their_own_rate() -> None:
    world = CoreHarness()
    world.see(30)
    assert len(world.said(LiveFrameDue)) == 3
    world.send("set", "homeassistant.camera_fps 0")
    world.see(30)
    assert len(world.said(LiveFrameDue)) == 3


def test_telemetry_comes_by_interval() -> None:
    world = CoreHarness()
    world.see(1300)
    assert len(world.said(TelemetryTaken)) == 2
    figures = world.said(TelemetryTaken)[-1].figures
    assert figures["fps"] == pytest.approx(10, abs=0.2)
    assert figures["ring_frames"] == 300


# ------------------------------------------------------------------ automatic pictures


def test_a_picture_is_saved_by_interval_and_not_at_start() -> None:
    world = CoreHarness(config_of(export={"auto_save_interval_s": 60}))
    world.see(590)
    assert world.jobs == []
    world.see(20)
    world.work()
    assert [p.kind for p, _ in world.archive.saved] == ["auto"]
    assert len(world.said(PictureSaved)) == 1
    assert world.said(Replied) == []
    world.see(600)
    world.work()
    assert len(world.archive.saved) == 2


def test_a_short_interval_waits_until_the_exposure_has_settled() -> None:
    world = CoreHarness(config_of(export={"auto_save_interval_s": 1}, night={"settle_s": 30}))
    world.see(290)
    assert world.jobs == []
    world.see(15)
    assert len(world.jobs) == 1


def test_the_automatic_picture_may_come_from_the_ring() -> None:
    world = CoreHarness(config_of(export={"auto_save_interval_s": 60, "auto_save_use_ring": True}))
    world.see(610)
    world.work()
    assert [(p.kind, p.method) for p, _ in world.archive.saved] == [("auto", "mean")]


def test_a_failing_automatic_picture_waits_for_the_next_interval() -> None:
    world = CoreHarness(config_of(export={"auto_save_interval_s": 60}))
    world.archive.error = OSError("dead card")
    world.see(640)
    assert len(world.jobs) == 1
    world.work()
    world.see(100)
    assert world.jobs == []
    assert world.said(FaultReported)


def test_an_interval_of_zero_never_saves() -> None:
    world = CoreHarness(config_of(export={"auto_save_interval_s": 0}))
    world.see(3000, every_s=1.0)
    assert world.jobs == []


def test_a_jump_of_the_wall_clock_moves_no_interval() -> None:
    world = CoreHarness(config_of(export={"auto_save_interval_s": 60}))
    world.see(300)
    world.clock.step_utc(-40 * 86400)
    world.see(310)
    assert len(world.jobs) == 1
    world.clock.step_utc(80 * 86400)
    world.see(50)
    assert len(world.jobs) == 1
    assert world.said(CameraChanged)[-1].online


def test_a_frame_with_the_time_of_an_older_one_does_no_harm() -> None:
    world = CoreHarness()
    world.see(3)
    old = world.frame()
    world.see(3)
    world.step(old)
    assert [f.seq for f in world.core.ring.last(10)] == [1, 2, 3, 5, 6, 7]
