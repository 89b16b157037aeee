"""Trials of settings: confirmation, rollback, and unrelated faults."""

from __future__ import annotations

from typing import Any

import pytest

from pi_cam_node.config import Config
from pi_cam_node.config.catalogue import catalogue
from pi_cam_node.core.events import FaultReported, ModeWanted, SettingChanged, SettingsRolledBack
from pi_cam_node.core.inputs import CameraFailed, SwitchFailed
from pi_cam_node.core.rules.settings_rollback import ON_TRIAL, PATIENCE_S
from tests.support.core_harness import CoreHarness


def world_of(**sections: dict[str, Any]) -> CoreHarness:
    harness = CoreHarness(Config.model_validate(sections))
    harness.see(10)
    return harness


def wait_in_steps(harness: CoreHarness, seconds: float) -> None:
    for _ in range(round(seconds * 2)):
        harness.wait(0.5)


def rolled_back(harness: CoreHarness) -> list[tuple[str, ...]]:
    return [tuple(fact.settings) for fact in harness.said(SettingsRolledBack)]


def test_what_may_be_on_trial_is_a_live_setting() -> None:
    assert all(catalogue()[key].live for key in ON_TRIAL)


def test_a_change_that_starves_the_camera_goes_back_within_30_s_and_says_so() -> None:
    harness = world_of()
    harness.send("set", "camera.width 4608")
    wait_in_steps(harness, PATIENCE_S - 1)
    assert harness.core.config.camera.width == 4608
    wait_in_steps(harness, 2)
    assert harness.core.config.camera.width == 1024
    assert harness.said(SettingChanged)[-1] == SettingChanged("camera.width", 1024)
    assert rolled_back(harness) == [("camera.width",)]
    assert "rolled back: camera.width" in harness.said(FaultReported)[-1].message


def test_a_frame_taken_with_the_new_settings_proves_them() -> None:
    harness = world_of()
    harness.send("set", "camera.width 640")
    harness.see(20)
    wait_in_steps(harness, 120)
    assert harness.core.config.camera.width == 640
    assert rolled_back(harness) == []


def test_frames_that_were_on_their_way_prove_nothing() -> None:
    harness = world_of()
    harness.send("set", "camera.width 640")
    harness.see(5)
    wait_in_steps(harness, PATIENCE_S + 1)
    assert rolled_back(harness) == [("camera.width",)]


def test_a_camera_that_fails_at_once_has_its_time_to_come_back() -> None:
    harness = world_of()
    harness.send("set", "camera.width 640")
    harness.step(CameraFailed("the camera process was ended by SIGKILL", "respawn", 1))
    wait_in_steps(harness, 5)
    harness.see(20)
    wait_in_steps(harness, 60)
    assert rolled_back(harness) == []


def test_a_refused_switch_takes_the_change_back_at_once() -> None:
    harness = world_of()
    harness.send("set", "night.override night")
    harness.step(SwitchFailed("night", "no memory"))
    assert harness.core.config.night.override == "auto"
    assert rolled_back(harness) == [("night.override",)]
    assert "no memory" in harness.said(FaultReported)[-1].message


def test_the_late_refusal_of_a_switch_that_nobody_wants_any_more_undoes_nothing() -> None:
    harness = world_of()
    harness.send("set", "night.override night")
    harness.send("set", "night.override day")
    harness.step(SwitchFailed("night", "no memory"))
    assert harness.core.config.night.override == "day"
    assert rolled_back(harness) == []
    assert "no memory" in harness.said(FaultReported)[-1].message


def test_a_switch_that_is_refused_without_a_change_undoes_nothing() -> None:
    harness = world_of()
    harness.send("set", "camera.width 640")
    harness.see(20)
    harness.step(SwitchFailed("night", "no memory"))
    assert rolled_back(harness) == []


def test_a_camera_that_was_away_is_not_the_fault_of_a_change() -> None:
    harness = world_of()
    harness.step(CameraFailed("unplugged", "wait", 0))
    harness.send("set", "camera.width 640")
    wait_in_steps(harness, 120)
    assert harness.core.config.camera.width == 640
    assert rolled_back(harness) == []


def test_a_second_change_has_its_own_time_and_both_go_back_to_what_was_good() -> None:
    harness = world_of()
    harness.send("set", "camera.width 4608")
    wait_in_steps(harness, 10)
    harness.send("set", "camera.width 2048")
    harness.send("set", "camera.framerate 60")
    wait_in_steps(harness, 10)
    assert rolled_back(harness) == []
    wait_in_steps(harness, 6)
    assert harness.core.config.camera.width == 1024
    assert harness.core.config.camera.framerate == 10
    assert sorted(rolled_back(harness)[0]) == ["camera.framerate", "camera.width"]


def test_changes_again_and_again_do_not_put_off_the_end() -> None:
    harness = world_of()
    for width in (4608, 2048) * 4:
        harness.send("set", f"camera.width {width}")
        wait_in_steps(harness, 8)
    assert rolled_back(harness)[0] == ("camera.width",)


def test_a_slider_that_moves_while_frames_come_is_never_taken_back() -> None:
    harness = world_of()
    for gain in range(1, 60):
        harness.send("set", f"night.gain {gain}")
        harness.see(10)
    assert rolled_back(harness) == []


def test_other_settings_keep_what_they_were_given_meanwhile() -> None:
    harness = world_of()
    harness.send("set", "camera.width 4608")
    harness.send("set", "export.stack_count 7")
    wait_in_steps(harness, PATIENCE_S + 1)
    assert harness.core.config.export.stack_count == 7
    assert harness.core.config.camera.width == 1024


def test_a_long_exposure_gets_the_time_that_it_needs() -> None:
    harness = CoreHarness(Config.model_validate({"night": {"exposure_us": 2_000_000, "override": "night"}}))
    harness.see(5, mode="night", every_s=2.0)
    harness.send("set", "night.exposure_us 20000000")
    wait_in_steps(harness, 55)
    assert rolled_back(harness) == []
    wait_in_steps(harness, 10)
    assert rolled_back(harness) == [("night.exposure_us",)]


def test_the_way_into_the_night_counts_too() -> None:
    harness = world_of(night={"exposure_us": 2_000_000})
    harness.send("set", "night.override night")
    wait_in_steps(harness, 21)
    assert rolled_back(harness) == []
    wait_in_steps(harness, 2)
    assert rolled_back(harness) == [("night.override",)]
    assert harness.said(ModeWanted) == [ModeWanted("night")]


@pytest.mark.parametrize(
    "change", ["night.exposure_us 200s", "camera.framerate 0", "camera.width 99999", "ring.size 1000000000"]
)
def test_what_no_camera_can_do_is_refused_before_any_trial(change: str) -> None:
    harness = world_of()
    before = harness.core.config
    assert [reply["code"] for reply in harness.send("set", change)] == ["out_of_range"]
    assert harness.core.config == before


# ------------------------------------------------------------------ overwrite_config


def test_settings_on_trial_are_written_when_they_have_proved_themselves() -> None:
    harness = world_of()
    harness.send("set", "camera.width 640")
    assert harness.send("overwrite_config") == []
    assert harness.jobs == []
    harness.see(20)
    assert [reply["message"] for reply in harness.work()] == ["OK: configuration dumped to /etc/config.yaml"]
    assert harness.written[0].camera.width == 640


def test_settings_that_starve_the_camera_are_never_written() -> None:
    harness = world_of()
    harness.send("set", "camera.width 4608")
    harness.send("overwrite_config")
    wait_in_steps(harness, 60)
    assert harness.jobs == []
    assert harness.written == []


def test_a_change_behind_the_order_to_write_is_not_written() -> None:
    harness = world_of()
    harness.send("overwrite_config")
    harness.send("set", "camera.width 4608")
    harness.work()
    assert harness.written[0].camera.width == 1024
