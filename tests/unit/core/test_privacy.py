"""Privacy as the core sees it: what is let go, what is forgotten, what is refused, and what a failure leaves closed."""

from __future__ import annotations

from typing import Any

import pytest

from pi_cam_node.base.errors import NotSaved, PrivacyOn
from pi_cam_node.config import Config
from pi_cam_node.core.events import (
    CameraChanged,
    FrameTaken,
    LiveFrameDue,
    PictureSaved,
    Replied,
    RingMeasured,
    SettingChanged,
    SettingsRolledBack,
)
from pi_cam_node.core.frame_hub import FrameHub
from pi_cam_node.core.inputs import CameraFailed, WorkEnded
from pi_cam_node.core.rules.settings_rollback import PATIENCE_S
from pi_cam_node.imaging.frame import Frame
from tests.support.core_harness import CoreHarness


@pytest.fixture
def world() -> CoreHarness:
    world = CoreHarness()
    world.see(20)
    return world


def finals(replies: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(reply["verb"], reply["code"]) for reply in replies if reply["stage"] == "final"]


def switch(world: CoreHarness, word: str) -> dict[str, Any]:
    assert world.send("privacy", word) == []
    (reply,) = world.work()
    return reply


def test_the_camera_is_let_go_and_the_ring_wiped_before_the_answer(world: CoreHarness) -> None:
    assert len(world.core.ring) == 20
    world.facts.clear()
    assert world.send("privacy", "on") == [], "not before the camera is free and the disk knows"
    assert (world.privacy_port.released, len(world.core.ring), world.core.latest) == ([True], 0, None)
    assert [fact.online for fact in world.said(CameraChanged)] == [False]
    told = [(fact.key, fact.value) for fact in world.said(SettingChanged)]
    assert told == [("privacy.enable", True)], "no disk is waited for before the pictures are taken off the broker"
    assert finals(world.work()) == [("privacy", "ok")]
    assert world.privacy_port.persisted == [True]
    assert len(world.said(SettingChanged)) == 1
    assert [fact.seconds for fact in world.said(RingMeasured)] == [0.0]


def test_frames_still_on_their_way_are_dropped_whenever_they_come(world: CoreHarness) -> None:
    late = world.frame()
    switch(world, "on")
    world.facts.clear()
    world.step(late)
    assert (len(world.core.ring), world.said(LiveFrameDue), world.said(CameraChanged)) == (0, [], [])
    switch(world, "off")
    world.step(late)
    assert len(world.core.ring) == 0, "it was taken before the curtain opened"
    world.see()
    assert len(world.core.ring) == 1
    assert world.core.camera_online


def test_the_hub_shows_nothing_behind_the_curtain(world: CoreHarness) -> None:
    hub, seen = FrameHub(world.core.privacy_gate), list[Frame | None]()
    hub.subscribe(seen.append)
    hub.publish(world.frame())
    switch(world, "on")
    hub.publish(world.frame())
    assert [frame is None for frame in seen] == [False, True]
    assert hub.latest is None


@pytest.mark.parametrize("verb", ["save", "pastStack", "shortstream"])
def test_pictures_are_refused(world: CoreHarness, verb: str) -> None:
    switch(world, "on")
    assert finals(world.send(verb)) == [(verb, "privacy_on")]


def test_who_waits_for_a_frame_is_refused(world: CoreHarness) -> None:
    assert world.send("save") == []
    assert finals(world.send("privacy", "on")) == [("save", "privacy_on")]


def test_work_under_way_ends_without_a_picture(world: CoreHarness) -> None:
    world.send("pastStack", '{"at": 1}')
    world.send("privacy", "on")
    assert finals(world.work()) == [("pastStack", "privacy_on"), ("privacy", "ok")]
    assert world.archive.saved == []
    assert world.said(PictureSaved) == []


def test_a_stack_that_has_begun_ends_at_its_next_step(world: CoreHarness) -> None:
    world.send("pastStack", '{"at": 1, "count": 4}')
    ((_, job),) = world.jobs
    steps: list[int] = []

    def progress(done: int, _total: int) -> None:
        steps.append(done)
        world.core.privacy_gate.close()

    with pytest.raises(Exception, match="privacy is on"):
        job(progress)
    assert steps == [1]


def test_a_picture_that_was_written_meanwhile_is_shown_to_nobody(world: CoreHarness) -> None:
    world.send("pastStack", '{"at": 1, "thumbnail": true}')
    ((number, job),) = world.jobs
    world.jobs.clear()
    result = job(lambda _done, _total: None)
    world.send("privacy", "on")
    facts = world.step(WorkEnded(number, result=result))
    (reply,) = [fact.body for fact in facts if isinstance(fact, Replied)]
    assert (reply["code"], "thumbnail" in str(reply["data"])) == ("privacy_on", False)
    assert world.said(PictureSaved) == []


def test_a_disk_that_refuses_keeps_privacy_on_and_says_so(world: CoreHarness) -> None:
    world.privacy_port.error = NotSaved("the disk is read-only")
    reply = switch(world, "on")
    assert (reply["code"], reply["message"]) == ("not_saved", "ERROR: privacy is on, but: the disk is read-only")
    assert world.core.config.privacy.enable
    assert finals(world.send("save")) == [("save", "privacy_on")]


def test_privacy_that_cannot_be_forgotten_stays_on(world: CoreHarness) -> None:
    switch(world, "on")
    world.privacy_port.error = NotSaved("the disk is read-only")
    reply = switch(world, "off")
    assert reply["code"] == "not_saved"
    assert reply["message"].startswith("ERROR: privacy stays on")
    assert (world.privacy_port.released, world.core.config.privacy.enable) == ([True], True)
    assert finals(world.send("save")) == [("save", "privacy_on")]


def test_a_worker_without_room_does_not_keep_the_camera_open(world: CoreHarness) -> None:
    world.worker_full = True
    assert finals(world.send("privacy", "on")) == [("privacy", "busy")]
    assert (world.privacy_port.released, len(world.core.ring), world.core.config.privacy.enable) == ([True], 0, True)


def test_the_last_switch_wins(world: CoreHarness) -> None:
    world.send("privacy", "on")
    world.send("privacy", "off")
    world.send("privacy", "on")
    assert [code for _, code in finals(world.work())] == ["busy", "busy", "ok"]
    assert (world.privacy_port.persisted, world.core.config.privacy.enable) == ([True, True], True)
    assert world.core.privacy_gate.closed


def test_a_switch_that_fails_leaves_what_is_told_as_it_is(world: CoreHarness) -> None:
    world.send("privacy", "on")
    world.privacy_port.error = NotSaved("the disk is read-only")
    world.send("privacy", "off")
    assert [code for _, code in finals(world.work())] == ["busy", "not_saved"]
    assert [(fact.key, fact.value) for fact in world.said(SettingChanged)] == [("privacy.enable", True)]
    assert (world.core.config.privacy.enable, world.core.privacy_gate.closed) == (True, True)


def test_a_refused_off_opens_nothing_later(world: CoreHarness) -> None:
    switch(world, "on")
    world.send("privacy", "off")
    assert finals([dict(fact.body) for fact in world.wait(121) if isinstance(fact, Replied)]) == [
        ("privacy", "timeout")
    ]
    assert world.work() == []
    assert world.privacy_port.persisted == [True], "the file that remembers it was not removed by a job that came late"
    world.wait(31)
    world.work()
    assert world.privacy_port.persisted == [True, True], "and it is made again, in case it was being removed"


@pytest.mark.parametrize("why", ["no room", "refused"])
def test_what_the_disk_did_not_remember_is_tried_until_it_does(world: CoreHarness, why: str) -> None:
    world.worker_full = why == "no room"
    world.privacy_port.error = None if why == "no room" else NotSaved("the disk is full")
    world.send("privacy", "on")
    world.work()
    for _ in range(3):
        world.wait(31)
        world.work()
    assert (world.privacy_port.persisted, world.core.config.privacy.enable) == ([], True)
    world.worker_full, world.privacy_port.error = False, None
    world.wait(31)
    world.work()
    assert world.privacy_port.persisted == [True]
    world.wait(300)
    assert world.jobs == [], "it is remembered"


def test_what_is_older_than_a_time_of_privacy_is_not_shown_after_it(world: CoreHarness) -> None:
    privacy_gate = world.core.privacy_gate
    before = privacy_gate.generation
    privacy_gate.check(before)
    switch(world, "on")
    switch(world, "off")
    privacy_gate.check()
    with pytest.raises(PrivacyOn):
        privacy_gate.check(before)


def test_a_stack_begun_before_a_short_privacy_ends_without_a_picture(world: CoreHarness) -> None:
    world.send("pastStack", '{"at": 1}')
    ((_, job),) = world.jobs
    world.jobs.clear()
    switch(world, "on")
    switch(world, "off")
    with pytest.raises(PrivacyOn):
        job(lambda _done, _total: None)


def test_set_is_the_same_switch(world: CoreHarness) -> None:
    world.send("set", "privacy.enable on")
    (reply,) = world.work()
    assert reply["message"] == "OK: changed privacy.enable from off to on"
    assert reply["data"] == {"key": "privacy.enable", "old": False, "new": True, "live": True}
    assert world.privacy_port.released == [True]
    assert finals(world.send("set", "privacy.enable perhaps")) == [("set", "out_of_range")]
    assert finals(world.send("privacy")) == [("privacy", "bad_request")]


def test_a_start_in_privacy_is_dark_from_the_first_moment() -> None:
    world = CoreHarness(Config.model_validate({"privacy": {"enable": True}, "export": {"auto_save_interval_s": 60}}))
    world.see(700)
    assert (len(world.core.ring), world.jobs, world.said(LiveFrameDue)) == (0, [], [])
    assert finals(world.send("save")) == [("save", "privacy_on")]


def test_auto_save_rests(world: CoreHarness) -> None:
    switch(world, "on")
    world.see(100, every_s=60)
    assert world.jobs == []


def test_settings_on_trial_are_not_taken_back_because_privacy_hides_their_frames(world: CoreHarness) -> None:
    world.send("set", "camera.framerate 20")
    switch(world, "on")
    world.wait(60)
    world.wait(60)
    assert world.core.config.camera.framerate == 20
    switch(world, "off")
    world.wait(PATIENCE_S - 1)
    world.see()
    world.wait(4)
    assert world.core.config.camera.framerate == 20, "a frame has proved them"
    assert world.core.unproven is None


@pytest.mark.parametrize("in_privacy", [False, True], ids=["before privacy", "in privacy"])
def test_settings_that_starve_the_camera_go_back_also_over_a_time_of_privacy(
    world: CoreHarness, in_privacy: bool
) -> None:
    before = world.core.config.camera.width
    if not in_privacy:
        world.send("set", "camera.width 4608")
    switch(world, "on")
    if in_privacy:
        world.send("set", "camera.width 4608")
    assert finals(world.send("overwrite_config")) == [("overwrite_config", "privacy_on")]
    world.work()
    assert world.written == [], "what is unproven is not written"
    world.wait(3600)
    assert world.core.config.camera.width == 4608
    switch(world, "off")
    world.wait(PATIENCE_S - 1)
    assert world.core.config.camera.width == 4608
    world.wait(1)
    assert world.core.config.camera.width == before
    assert len(world.said(SettingsRolledBack)) == 1


def test_a_frame_whose_exposure_began_in_privacy_is_not_shown_though_it_ended_after_it(world: CoreHarness) -> None:
    switch(world, "on")
    switch(world, "off")
    world.facts.clear()
    world.clock.advance(1.0)
    world.step(world.frame(exposed_before_s=1.5))
    assert (len(world.core.ring), world.said(FrameTaken)) == (0, [])
    world.step(world.frame(exposed_before_s=0.5))
    assert (len(world.core.ring), len(world.said(FrameTaken))) == (1, 1)


def test_a_node_that_stops_while_it_switches_stays_closed(world: CoreHarness) -> None:
    world.send("privacy", "on")
    world.core.close()
    assert world.core.privacy_gate.closed
    assert world.core.config.privacy.enable


def test_a_camera_that_fails_while_it_is_let_go_changes_nothing(world: CoreHarness) -> None:
    world.send("privacy", "on")
    world.step(CameraFailed("no frames", "respawn", 1))
    assert finals(world.work()) == [("privacy", "ok")]
