"""Settings on trial: what proves them, what undoes them, and what is not their fault."""

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
    world = CoreHarness(Config.model_validate(sections))
    world.see(10)
    return world


def wait_in_steps(world: CoreHarness, seconds: float) -> None:
    for _ in range(round(seconds * 2)):
        world.wait(0.5)


def rolled_back(world: CoreHarness) -> list[tuple[str, ...]]:
    return [tuple(fact.settings) for fact in world.said(SettingsRolledBack)]


def test_what_may_be_on_trial_is_a_live_setting() -> None:
    assert all(catalogue()[key].live for key in ON_TRIAL)


def test_a_change_that_starves_the_camera_goes_back_within_30_s_and_says_so() -> None:
    world = world_of()
    world.send("set", "camera.width 4608")
    wait_in_steps(world, PATIENCE_S - 1)
    assert world.core.config.camera.width == 4608
    wait_in_steps(world, 2)
    assert world.core.config.camera.width == 1024
    assert world.said(SettingChanged)[-1] == SettingChanged("camera.width", 1024)
    assert rolled_back(world) == [("camera.width",)]
    assert "rolled back: camera.width" in world.said(FaultReported)[-1].message


def test_a_frame_taken_with_the_new_settings_proves_them() -> None:
    world = world_of()
    world.send("set", "camera.width 640")
    world.see(20)
    wait_in_steps(world, 120)
    assert world.core.config.camera.width == 640
    assert rolled_back(world) == []


def test_frames_that_were_on_their_way_prove_nothing() -> None:
    world = world_of()
    world.send("set", "camera.width 640")
    world.see(5)
    wait_in_steps(world, PATIENCE_S + 1)
    assert rolled_back(world) == [("camera.width",)]


def test_a_camera_that_fails_at_once_has_its_time_to_come_back() -> None:
    world = world_of()
    world.send("set", "camera.width 640")
    world.step(CameraFailed("the camera process was ended by SIGKILL", "respawn", 1))
    wait_in_steps(world, 5)
    world.see(20)
    wait_in_steps(world, 60)
    assert rolled_back(world) == []


def test_a_refused_switch_takes_the_change_back_at_once() -> None:
    world = world_of()
    world.send("set", "night.override night")
    world.step(SwitchFailed("night", "no memory"))
    assert world.core.config.night.override == "auto"
    assert rolled_back(world) == [("night.override",)]
    assert "no memory" in world.said(FaultReported)[-1].message


def test_the_late_refusal_of_a_switch_that_nobody_wants_any_more_undoes_nothing() -> None:
    world = world_of()
    world.send("set", "night.override night")
    world.send("set", "night.override day")
    world.step(SwitchFailed("night", "no memory"))
    assert world.core.config.night.override == "day"
    assert rolled_back(world) == []
    assert "no memory" in world.said(FaultReported)[-1].message


def test_a_switch_that_is_refused_without_a_change_undoes_nothing() -> None:
    world = world_of()
    world.send("set", "camera.width 640")
    world.see(20)
    world.step(SwitchFailed("night", "no memory"))
    assert rolled_back(world) == []


def test_a_camera_that_was_away_is_not_the_fault_of_a_change() -> None:
    world = world_of()
    world.step(CameraFailed("unplugged", "wait", 0))
    world.send("set", "camera.width 640")
    wait_in_steps(world, 120)
    assert world.core.config.camera.width == 640
    assert rolled_back(world) == []


def test_a_second_change_has_its_own_time_and_both_go_back_to_what_was_good() -> None:
    world = world_of()
    world.send("set", "camera.width 4608")
    wait_in_steps(world, 10)
    world.send("set", "camera.width 2048")
    world.send("set", "camera.framerate 60")
    wait_in_steps(world, 10)
    assert rolled_back(world) == []
    wait_in_steps(world, 6)
    assert world.core.config.camera.width == 1024
    assert world.core.config.camera.framerate == 10
    assert sorted(rolled_back(world)[0]) == ["camera.framerate", "camera.width"]


def test_changes_again_and_again_do_not_put_off_the_end() -> None:
    world = world_of()
    for width in (4608, 2048) * 4:
        world.send("set", f"camera.width {width}")
        wait_in_steps(world, 8)
    assert rolled_back(world)[0] == ("camera.width",)


def test_a_slider_that_moves_while_frames_come_is_never_taken_back() -> None:
    world = world_of()
    for gain in range(1, 60):
        world.send("set", f"night.gain {gain}")
        world.see(10)
    assert rolled_back(world) == []


def test_other_settings_keep_what_they_were_given_meanwhile() -> None:
    world = world_of()
    world.send("set", "camera.width 4608")
    world.send("set", "export.stack_count 7")
    wait_in_steps(world, PATIENCE_S + 1)
    assert world.core.config.export.stack_count == 7
    assert world.core.config.camera.width == 1024


def test_a_long_exposure_gets_the_time_that_it_needs() -> None:
    world = CoreHarness(Config.model_validate({"night": {"exposure_us": 2_000_000, "override": "night"}}))
    world.see(5, mode="night", every_s=2.0)
    world.send("set", "night.exposure_us 20000000")
    wait_in_steps(world, 55)
    assert rolled_back(world) == []
    wait_in_steps(world, 10)
    assert rolled_back(world) == [("night.exposure_us",)]


def test_the_way_into_the_night_counts_too() -> None:
    world = world_of(night={"exposure_us": 2_000_000})
    world.send("set", "night.override night")
    wait_in_steps(world, 21)
    assert rolled_back(world) == []
    wait_in_steps(world, 2)
    assert rolled_back(world) == [("night.override",)]
    assert world.said(ModeWanted) == [ModeWanted("night")]


@pytest.mark.parametrize(
    "change", ["night.exposure_us 200s", "camera.framerate 0", "camera.width 99999", "ring.size 1000000000"]
)
def test_what_no_camera_can_do_is_refused_before_any_trial(change: str) -> None:
    world = world_of()
    before = world.core.config
    assert [reply["code"] for reply in world.send("set", change)] == ["out_of_range"]
    assert world.core.config == before


# ------------------------------------------------------------------ overwrite_config


def test_settings_on_trial_are_written_when_they_have_proved_themselves() -> None:
    world = world_of()
    world.send("set", "camera.width 640")
    assert world.send("overwrite_config") == []
    assert world.jobs == []
    world.see(20)
    assert [reply["message"] for reply in world.work()] == ["OK: configuration dumped to /etc/config.yaml"]
    assert world.written[0].camera.width == 640


def test_settings_that_starve_the_camera_are_never_written() -> None:
    world = world_of()
    world.send("set", "camera.width 4608")
    world.send("overwrite_config")
    wait_in_steps(world, 60)
    assert world.jobs == []
    assert world.written == []


def test_a_change_behind_the_order_to_write_is_not_written() -> None:
    world = world_of()
    world.send("overwrite_config")
    world.send("set", "camera.width 4608")
    world.work()
    assert world.written[0].camera.width == 1024
