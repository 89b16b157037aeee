"""Privacy in the core: released, deleted, refused, and failures."""

from __future__ import annotations

from typing import Any

import pytest

from pi_cam_node.base.errors import NotSaved, PrivacyOn
from pi_cam_node.base.threads import Progress
from pi_cam_node.config import Config
from pi_cam_node.core.activity_events import EventPictured
from pi_cam_node.core.events import (
    CameraChanged,
    FrameTaken,
    LiveFrameDue,
    PictureReloaded,
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
def harness() -> CoreHarness:
    harness = CoreHarness()
    harness.see(20)
    return harness


def finals(replies: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(reply["verb"], reply["code"]) for reply in replies if reply["stage"] == "final"]


def switch(harness: CoreHarness, word: str) -> dict[str, Any]:
    assert harness.send("privacy", word) == []
    (reply,) = harness.work()
    return reply


def test_the_camera_is_let_go_and_the_ring_wiped_before_the_answer(harness: CoreHarness) -> None:
    assert len(harness.core.ring) == 20
    harness.facts.clear()
    assert harness.send("privacy", "on") == [], "not before the camera is free and the disk knows"
    assert (harness.privacy_port.released, len(harness.core.ring), harness.core.latest) == ([True], 0, None)
    assert [fact.online for fact in harness.said(CameraChanged)] == [False]
    told = [(fact.key, fact.value) for fact in harness.said(SettingChanged)]
    assert told == [("privacy.enable", True)], "no disk is waited for before the pictures are taken off the broker"
    assert finals(harness.work()) == [("privacy", "ok")]
    assert harness.privacy_port.persisted == [True]
    assert len(harness.said(SettingChanged)) == 1
    assert [fact.seconds for fact in harness.said(RingMeasured)] == [0.0]


def test_frames_still_on_their_way_are_dropped_whenever_they_come(harness: CoreHarness) -> None:
    late = harness.frame()
    switch(harness, "on")
    harness.facts.clear()
    harness.step(late)
    assert (len(harness.core.ring), harness.said(LiveFrameDue), harness.said(CameraChanged)) == (0, [], [])
    switch(harness, "off")
    harness.step(late)
    assert len(harness.core.ring) == 0, "it was taken before the gate opened"
    harness.see()
    assert len(harness.core.ring) == 1
    assert harness.core.camera_online


def test_the_hub_shows_nothing_behind_the_curtain(harness: CoreHarness) -> None:
    hub, seen = FrameHub(harness.core.privacy_gate), list[Frame | None]()
    hub.subscribe(seen.append)
    hub.publish(harness.frame())
    switch(harness, "on")
    hub.publish(harness.frame())
    assert [frame is None for frame in seen] == [False, True]
    assert hub.latest is None


@pytest.mark.parametrize("verb", ["save", "pastStack", "shortstream"])
def test_pictures_are_refused(harness: CoreHarness, verb: str) -> None:
    switch(harness, "on")
    assert finals(harness.send(verb)) == [(verb, "privacy_on")]


def test_who_waits_for_a_frame_is_refused(harness: CoreHarness) -> None:
    assert harness.send("save") == []
    assert finals(harness.send("privacy", "on")) == [("save", "privacy_on")]


def test_work_under_way_ends_without_a_picture(harness: CoreHarness) -> None:
    harness.send("pastStack", '{"at": 1}')
    harness.send("privacy", "on")
    assert finals(harness.work()) == [("pastStack", "privacy_on"), ("privacy", "ok")]
    assert harness.archive.saved == []
    assert harness.said(PictureSaved) == []


def test_a_stack_that_has_begun_ends_at_its_next_step(harness: CoreHarness) -> None:
    harness.send("pastStack", '{"at": 1, "count": 4}')
    ((_, job),) = harness.jobs
    steps: list[int] = []

    def progress(done: int, _total: int) -> None:
        steps.append(done)
        harness.core.privacy_gate.close()

    with pytest.raises(Exception, match="privacy is on"):
        job(progress)
    assert steps == [1]


def test_a_picture_that_was_written_meanwhile_is_shown_to_nobody(harness: CoreHarness) -> None:
    harness.send("pastStack", '{"at": 1, "thumbnail": true}')
    ((number, job),) = harness.jobs
    harness.jobs.clear()
    result = job(lambda _done, _total: None)
    harness.send("privacy", "on")
    facts = harness.step(WorkEnded(number, result=result))
    (reply,) = [fact.body for fact in facts if isinstance(fact, Replied)]
    assert (reply["code"], "thumbnail" in str(reply["data"])) == ("privacy_on", False)
    assert harness.said(PictureSaved) == []


def test_a_disk_that_refuses_keeps_privacy_on_and_says_so(harness: CoreHarness) -> None:
    harness.privacy_port.error = NotSaved("the disk is read-only")
    reply = switch(harness, "on")
    assert (reply["code"], reply["message"]) == ("not_saved", "ERROR: privacy is on, but: the disk is read-only")
    assert harness.core.config.privacy.enable
    assert finals(harness.send("save")) == [("save", "privacy_on")]


def test_privacy_that_cannot_be_forgotten_stays_on(harness: CoreHarness) -> None:
    switch(harness, "on")
    harness.privacy_port.error = NotSaved("the disk is read-only")
    reply = switch(harness, "off")
    assert reply["code"] == "not_saved"
    assert reply["message"].startswith("ERROR: privacy stays on")
    assert (harness.privacy_port.released, harness.core.config.privacy.enable) == ([True], True)
    assert finals(harness.send("save")) == [("save", "privacy_on")]


def test_a_worker_without_room_does_not_keep_the_camera_open(harness: CoreHarness) -> None:
    harness.worker_full = True
    assert finals(harness.send("privacy", "on")) == [("privacy", "busy")]
    assert (harness.privacy_port.released, len(harness.core.ring), harness.core.config.privacy.enable) == (
        [True],
        0,
        True,
    )


def test_the_last_switch_wins(harness: CoreHarness) -> None:
    harness.send("privacy", "on")
    harness.send("privacy", "off")
    harness.send("privacy", "on")
    assert [code for _, code in finals(harness.work())] == ["busy", "busy", "ok"]
    assert (harness.privacy_port.persisted, harness.core.config.privacy.enable) == ([True, True], True)
    assert harness.core.privacy_gate.closed


def test_a_switch_that_fails_leaves_what_is_told_as_it_is(harness: CoreHarness) -> None:
    harness.send("privacy", "on")
    harness.privacy_port.error = NotSaved("the disk is read-only")
    harness.send("privacy", "off")
    assert [code for _, code in finals(harness.work())] == ["busy", "not_saved"]
    assert [(fact.key, fact.value) for fact in harness.said(SettingChanged)] == [("privacy.enable", True)]
    assert (harness.core.config.privacy.enable, harness.core.privacy_gate.closed) == (True, True)


def test_a_refused_off_opens_nothing_later(harness: CoreHarness) -> None:
    switch(harness, "on")
    harness.send("privacy", "off")
    assert finals([dict(fact.body) for fact in harness.wait(121) if isinstance(fact, Replied)]) == [
        ("privacy", "timeout")
    ]
    assert harness.work() == []
    assert harness.privacy_port.persisted == [True], (
        "the file that remembers it was not removed by a job that came late"
    )
    harness.wait(31)
    harness.work()
    assert harness.privacy_port.persisted == [True, True], "and it is made again, in case it was being removed"


@pytest.mark.parametrize("why", ["no room", "refused"])
def test_what_the_disk_did_not_remember_is_tried_until_it_does(harness: CoreHarness, why: str) -> None:
    harness.worker_full = why == "no room"
    harness.privacy_port.error = None if why == "no room" else NotSaved("the disk is full")
    harness.send("privacy", "on")
    harness.work()
    for _ in range(3):
        harness.wait(31)
        harness.work()
    assert (harness.privacy_port.persisted, harness.core.config.privacy.enable) == ([], True)
    harness.worker_full, harness.privacy_port.error = False, None
    harness.wait(31)
    harness.work()
    assert harness.privacy_port.persisted == [True]
    harness.wait(300)
    assert harness.jobs == [], "it is remembered"


def test_what_is_older_than_a_time_of_privacy_is_not_shown_after_it(harness: CoreHarness) -> None:
    privacy_gate = harness.core.privacy_gate
    before = privacy_gate.generation
    privacy_gate.check(before)
    switch(harness, "on")
    switch(harness, "off")
    privacy_gate.check()
    with pytest.raises(PrivacyOn):
        privacy_gate.check(before)


def test_a_stack_begun_before_a_short_privacy_ends_without_a_picture(harness: CoreHarness) -> None:
    harness.send("pastStack", '{"at": 1}')
    ((_, job),) = harness.jobs
    harness.jobs.clear()
    switch(harness, "on")
    switch(harness, "off")
    with pytest.raises(PrivacyOn):
        job(lambda _done, _total: None)


def test_the_last_picture_and_the_last_event_are_told_again_afterwards(harness: CoreHarness) -> None:
    harness.send("save", "jpg")
    harness.see(5)
    harness.work()
    harness.send("trigger", "door")
    harness.see(20)
    harness.work()
    (event,) = harness.said(EventPictured)
    last = harness.said(PictureSaved)[-1]
    switch(harness, "on")
    harness.facts.clear()
    harness.send("privacy", "off")
    harness.work()
    assert harness.said(PictureReloaded) == []
    harness.work()
    assert [told.picture.id for told in harness.said(PictureReloaded)] == [last.id]
    (again,) = harness.said(EventPictured)
    assert (again.event.id, again.url, again.reloaded) == (event.event.id, event.url, True)
    assert harness.said(PictureSaved) == [], "nothing was saved"


def test_what_would_be_told_again_is_not_where_privacy_is_on_by_then(harness: CoreHarness) -> None:
    harness.send("save", "jpg")
    harness.see(5)
    harness.work()
    harness.core.activity.pictures.last.reload(harness.core.config)
    harness.send("privacy", "on")
    harness.facts.clear()
    harness.work()
    assert harness.said(PictureReloaded) == []


def test_set_is_the_same_switch(harness: CoreHarness) -> None:
    harness.send("set", "privacy.enable on")
    (reply,) = harness.work()
    assert reply["message"] == "OK: changed privacy.enable from off to on"
    assert reply["data"] == {"key": "privacy.enable", "old": False, "new": True, "live": True}
    assert harness.privacy_port.released == [True]
    assert finals(harness.send("set", "privacy.enable perhaps")) == [("set", "out_of_range")]
    assert finals(harness.send("privacy")) == [("privacy", "bad_request")]


def test_a_start_in_privacy_is_dark_from_the_first_moment() -> None:
    harness = CoreHarness(Config.model_validate({"privacy": {"enable": True}, "export": {"auto_save_interval_s": 60}}))
    harness.see(700)
    assert (len(harness.core.ring), harness.jobs, harness.said(LiveFrameDue)) == (0, [], [])
    assert finals(harness.send("save")) == [("save", "privacy_on")]


def test_auto_save_rests(harness: CoreHarness) -> None:
    switch(harness, "on")
    harness.see(100, every_s=60)
    assert harness.jobs == []


def test_settings_on_trial_are_not_taken_back_because_privacy_hides_their_frames(harness: CoreHarness) -> None:
    harness.send("set", "camera.framerate 20")
    switch(harness, "on")
    harness.wait(60)
    harness.wait(60)
    assert harness.core.config.camera.framerate == 20
    switch(harness, "off")
    harness.wait(PATIENCE_S - 1)
    harness.see()
    harness.wait(4)
    assert harness.core.config.camera.framerate == 20, "a frame has proved them"
    assert harness.core.unproven is None


@pytest.mark.parametrize("in_privacy", [False, True], ids=["before privacy", "in privacy"])
def test_settings_that_starve_the_camera_go_back_also_over_a_time_of_privacy(
    harness: CoreHarness, in_privacy: bool
) -> None:
    before = harness.core.config.camera.width
    if not in_privacy:
        harness.send("set", "camera.width 4608")
    switch(harness, "on")
    if in_privacy:
        harness.send("set", "camera.width 4608")
    assert finals(harness.send("overwrite_config")) == [("overwrite_config", "privacy_on")]
    harness.work()
    assert harness.written == [], "what is unproven is not written"
    harness.wait(3600)
    assert harness.core.config.camera.width == 4608
    switch(harness, "off")
    harness.wait(PATIENCE_S - 1)
    assert harness.core.config.camera.width == 4608
    harness.wait(1)
    assert harness.core.config.camera.width == before
    assert len(harness.said(SettingsRolledBack)) == 1


def test_a_frame_whose_exposure_began_in_privacy_is_not_shown_though_it_ended_after_it(harness: CoreHarness) -> None:
    switch(harness, "on")
    switch(harness, "off")
    harness.facts.clear()
    harness.clock.advance(1.0)
    harness.step(harness.frame(exposed_before_s=1.5))
    assert (len(harness.core.ring), harness.said(FrameTaken)) == (0, [])
    harness.step(harness.frame(exposed_before_s=0.5))
    assert (len(harness.core.ring), len(harness.said(FrameTaken))) == (1, 1)


def test_a_node_that_stops_while_it_switches_stays_closed(harness: CoreHarness) -> None:
    harness.send("privacy", "on")
    harness.core.close()
    assert harness.core.privacy_gate.closed
    assert harness.core.config.privacy.enable


def test_a_camera_that_fails_while_it_is_let_go_changes_nothing(harness: CoreHarness) -> None:
    harness.send("privacy", "on")
    harness.step(CameraFailed("no frames", "respawn", 1))
    assert finals(harness.work()) == [("privacy", "ok")]


def test_work_on_pictures_that_privacy_wipes_under_it_is_refused_as_privacy_does(harness: CoreHarness) -> None:
    selected = harness.core.ring.last(3)

    def job(_progress: Progress) -> object:
        switch(harness, "on")
        return selected[0].jpeg

    with pytest.raises(PrivacyOn):
        harness.core.privacy_gate.guard_job(job)(lambda _done, _total: None)
