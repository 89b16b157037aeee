"""Scene events in the core: events for listeners, orders for the recorder, stored rows."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from pi_cam_node.core import activity_events as a
from pi_cam_node.core.events import CameraChanged, FaultReported
from pi_cam_node.core.inputs import CameraFailed, FilmOpened
from pi_cam_node.core.open_events import EVENTS_MAX
from pi_cam_node.imaging.motion.interface import MotionReport
from tests.support.activity_scene import AT, Scene


def test_motion_becomes_an_event_with_its_recording_and_its_picture() -> None:
    scene = Scene()
    scene.moves()
    (began,) = scene.told(a.SceneEventBegan)
    assert (began.event.kind, began.event.cause) == ("motion", "motion")
    assert scene.told(a.MotionChanged) == [a.MotionChanged("", True)]
    assert scene.harness.facts.index(scene.told(a.MotionChanged)[0]) < scene.harness.facts.index(began)
    ((verb, order),) = scene.recorder.calls
    assert (verb, order.event_id, order.cause) == ("begin", began.event.id, "motion")
    assert order.event_mono_s - order.from_mono_s == 5.0
    assert 2.5 <= began.event.pre_roll_s <= 3.0, "the ring holds no more than three seconds yet"
    scene.rests(1.6)
    scene.harness.work()
    (pictured,) = scene.told(a.EventPictured)
    assert pictured.event.id == began.event.id
    assert pictured.event.picture_id == "event-0001"
    scene.rests(2)
    (ended,) = scene.told(a.SceneEventEnded)
    assert (ended.event.id, ended.event.ended_by) == (began.event.id, "clear")
    assert scene.told(a.MotionChanged)[-1] == a.MotionChanged("", False)
    scene.rests(3.5)
    assert scene.recorder.calls[-1][0] == "end_at"
    assert [row.id for row in scene.events()] == [began.event.id]


def test_the_picture_is_of_the_moment_that_shows_most() -> None:
    scene = Scene()
    scene.moves(share=0.01)
    scene.moves(share=0.05)
    best_s = scene.harness.clock.monotonic()
    scene.moves(share=0.02)
    scene.rests(1.5)
    scene.harness.work()
    picture, formats = scene.harness.archive.saved[-1]
    assert (picture.kind, formats) == ("event", ["jpg"])
    assert picture.first_mono_s == pytest.approx(best_s)


def test_a_lost_camera_turns_motion_off_before_it_is_told_as_lost() -> None:
    scene = Scene()
    scene.moves()
    scene.harness.facts.clear()
    scene.harness.step(CameraFailed("unplugged", "reopen", 0))
    kinds = [type(event) for event in scene.harness.facts]
    assert kinds.index(a.MotionChanged) < kinds.index(CameraChanged)
    assert scene.told(a.SceneEventEnded)[0].event.ended_by == "camera_lost"
    assert scene.recorder.calls[-1][2] == "camera_lost"


def test_privacy_ends_the_recording_at_once_and_the_event_with_it() -> None:
    scene = Scene()
    scene.moves()
    scene.harness.send("privacy", "on")
    assert ("stop_now", "privacy") in scene.recorder.calls
    assert scene.told(a.MotionChanged)[-1] == a.MotionChanged("", False)
    assert scene.told(a.SceneEventEnded)[0].event.ended_by == "privacy"


def test_disabling_motion_ends_the_event() -> None:
    scene = Scene()
    scene.moves()
    scene.harness.send("set", "motion.enable off")
    assert scene.told(a.MotionChanged)[-1] == a.MotionChanged("", False)
    assert scene.told(a.SceneEventEnded)[0].event.ended_by == "disabled"


def test_zones_have_states_of_their_own_and_are_told_as_gone() -> None:
    scene = Scene(motion={"zones": ["left=0,0 0.5,0 0.5,1 0,1"]})
    scene.moves(x=0.7)
    assert scene.told(a.MotionChanged) == []
    scene.moves(x=0.1)
    assert set(scene.told(a.MotionChanged)) == {a.MotionChanged("", True), a.MotionChanged("left", True)}
    scene.harness.send("set", "motion.zones []")
    assert scene.told(a.MotionChanged)[-1] == a.MotionChanged("left", None)


def test_a_flood_of_events_is_bounded_and_said_once() -> None:
    scene = Scene(motion={"clear_s": 0.5})
    for _ in range(EVENTS_MAX + 5):
        scene.moves()
        scene.rests(1)
    assert len(scene.told(a.SceneEventBegan)) == EVENTS_MAX
    assert len([fault for fault in scene.told(FaultReported) if fault.code == "busy"]) == 1
    assert scene.told(a.MotionChanged)[-2].on, "the state goes on being true"
    scene.moves()
    (reply,) = scene.harness.send("explain", "motion")
    assert reply["message"] == f"MOTION=ON: 1 of 1 blobs move on; no event, as {EVENTS_MAX} began within an hour"


def test_off_makes_events_with_a_picture_and_no_film() -> None:
    scene = Scene(recording={"mode": "off"})
    scene.moves()
    scene.rests(1.6)
    scene.harness.work()
    assert scene.recorder.calls == []
    assert scene.told(a.EventPictured)[0].event.pre_roll_s == 0


def test_recording_that_is_turned_off_and_on_during_an_event_ends_and_begins_then() -> None:
    scene = Scene(recording={"mode": "off"})
    scene.moves()
    scene.harness.send("set", "recording.mode motion")
    ((verb, order),) = scene.recorder.calls
    (began,) = scene.told(a.SceneEventBegan)
    assert (verb, order.event_id, order.from_mono_s) == ("begin", began.event.id, scene.now_s)
    scene.opens("film-0001", order.event_id, scene.now_s)
    assert scene.film_ids() == {began.event.id: "film-0001"}
    scene.harness.send("set", "recording.mode off")
    assert scene.recorder.calls[1:] == [("end_at", scene.now_s, "end")]
    scene.moves()
    assert len(scene.recorder.calls) == 2


def test_trigger_begins_an_event_and_makes_a_running_one_last_longer() -> None:
    scene = Scene()
    (reply,) = scene.harness.send("trigger", "door")
    assert reply["message"] == f"OK: event {reply['data']['id']}"
    assert (reply["data"]["kind"], reply["data"]["cause"]) == ("trigger", "door")
    (again,) = scene.harness.send("trigger", '{"name": "bell", "seconds": 30}')
    assert again["data"]["id"] == reply["data"]["id"]
    scene.rests(15)
    assert scene.told(a.SceneEventEnded) == []
    scene.rests(16)
    assert scene.told(a.SceneEventEnded)[0].event.ended_by == "clear"


@pytest.mark.parametrize("step_s", [-7200, 40 * 86_400])
def test_an_event_is_as_long_as_it_was_also_where_the_wall_clock_is_set_meanwhile(step_s: float) -> None:
    """Set back by two hours it ended before it began."""
    scene = Scene()
    scene.harness.send("trigger", '{"seconds": 10}')
    scene.harness.clock.step_utc(step_s)
    scene.rests(11)
    (event,) = scene.events()
    assert (event.ended_at - event.at).total_seconds() == pytest.approx(10, abs=0.2)


def test_without_motion_detection_nothing_is_recorded_for_that_reason() -> None:
    scene = Scene(motion={"enable": False})
    (reply,) = scene.harness.send("explain", "recording")
    assert reply["message"] == "RECORDING=OFF: motion.enable is off"


def test_a_trigger_keeps_an_event_of_motion_open_after_the_motion() -> None:
    scene = Scene()
    scene.moves()
    scene.harness.send("trigger")
    scene.rests(5)
    assert scene.told(a.MotionChanged)[-1] == a.MotionChanged("", False)
    assert scene.told(a.SceneEventEnded) == []
    scene.rests(6)
    assert len(scene.told(a.SceneEventEnded)) == 1


@pytest.mark.parametrize("payload", ["Door", "a b", '{"name": "x", "seconds": 0}', '{"name": ""}'])
def test_a_trigger_with_a_name_that_is_none_is_refused(payload: str) -> None:
    scene = Scene()
    (reply,) = scene.harness.send("trigger", payload)
    assert reply["code"] == "bad_request"
    assert scene.told(a.SceneEventBegan) == []


def test_a_list_of_events_names_no_picture_and_no_film_that_is_gone() -> None:
    scene = Scene()
    scene.moves()
    scene.harness.step(FilmOpened(scene.events()[0].id, "f-recording", "motion", 3.0, AT, Path("/c/f1.mp4")))
    scene.rests(1.6)
    scene.harness.work()
    scene.harness.archive.gone = {"f-recording", "event-0001"}
    scene.harness.send("events")
    (reply,) = scene.harness.work()
    (row,) = reply["data"]["events"]
    assert (row["recording_id"], row["picture_id"], row["url"]) == (None, None, None)


def test_record_begins_with_pre_roll_and_ends_when_it_is_told() -> None:
    scene = Scene(recording={"mode": "off"})
    (reply,) = scene.harness.send("record", "on")
    assert reply["message"] == f"OK: recording {reply['data']['id']}"
    assert scene.recorder.calls[0][1].cause == "record"
    (stopped,) = scene.harness.send("record", "off")
    assert stopped["message"] == "OK: recording stopped"
    assert scene.recorder.calls[-1][0] == "end_at"


def test_record_for_seconds_ends_by_itself() -> None:
    scene = Scene(recording={"mode": "off"})
    scene.harness.send("record", "4")
    scene.rests(4.2)
    assert scene.told(a.SceneEventEnded)[0].event.kind == "record"


def test_without_the_extra_record_and_clip_say_what_to_install() -> None:
    scene = Scene()
    scene.recorder.missing = "recording needs PyAV, the extra video: pip install 'pi-cam-node[video]'"
    for verb in ("record", "clip"):
        (reply,) = scene.harness.send(verb, "on" if verb == "record" else "")
        assert (reply["code"], "pip install" in reply["message"]) == ("not_saved", True)
    scene.moves()
    assert scene.recorder.calls == []
    assert scene.told(a.SceneEventBegan)[0].event.pre_roll_s == 0


def test_clip_is_made_of_the_span_that_is_asked_for() -> None:
    scene = Scene()
    scene.harness.send("clip", '{"before_s": 2}')
    now_s = scene.harness.clock.monotonic()
    (reply,) = scene.harness.work()
    (order,) = scene.recorder.clips
    assert order.first_mono_s == pytest.approx(now_s - 2)
    assert order.last_mono_s == pytest.approx(now_s)
    assert reply["message"].startswith("Saved clip: /captures/x.mp4 | 12.0 s | first frame timestamp: ")
    times = [datetime.fromisoformat(told) for told in re.findall(r"timestamp: ([-0-9]+ [:.0-9]+)", reply["message"])]
    assert [(time - AT.replace(tzinfo=None)).total_seconds() for time in times] == [0, 11], "when the last was taken"
    ages_s = [float(told) for told in re.findall(r"age: (-?[.0-9]+)s", reply["message"])]
    assert ages_s[0] - ages_s[1] == pytest.approx(11)
    assert {"id", "url", "began_at", "seconds", "frames", "gap_s", "bytes"} <= reply["data"].keys()


def test_clip_waits_for_the_end_of_a_span_that_is_not_over() -> None:
    scene = Scene()
    scene.harness.send("clip", '{"before_s": 1, "after_s": 2}')
    scene.rests(1.5)
    assert scene.recorder.clips == []
    scene.rests(1)
    scene.harness.work()
    assert len(scene.recorder.clips) == 1


@pytest.mark.parametrize(
    "payload", ['{"before_s": 0}', '{"before_s": 100, "after_s": 100}', '{"before_s": -1}', '{"at": -60}']
)
def test_a_clip_of_no_time_or_too_much_is_refused(payload: str) -> None:
    scene = Scene()
    (reply,) = scene.harness.send("clip", payload)
    assert reply["code"] == "bad_request"


def test_explain_tells_in_words_and_figures() -> None:
    scene = Scene()
    (reply,) = scene.harness.send("explain", "motion")
    assert reply["message"].startswith("MOTION=OFF: ")
    scene.moves()
    (reply,) = scene.harness.send("explain", "motion")
    assert reply["message"] == "MOTION=ON: 1 of 1 blobs move on"
    for share, words in ((0.0, "nothing differs"), (0.012, "only small places differ")):
        report = MotionReport(scene.harness.clock.monotonic(), "", False, 1.0, share, 2.0)
        scene.harness.step(replace(scene.harness.frame(), motion=report))
        (reply,) = scene.harness.send("explain", "motion")
        assert reply["message"] == f"MOTION=ON: {words} from the background (share {share})"
    (reply,) = scene.harness.send("explain", "recording")
    assert reply["data"]["cause"] == "motion"
    (reply,) = scene.harness.send("explain", "night")
    assert reply["message"].startswith("LEVEL=")
    (reply,) = scene.harness.send("explain", "rain")
    assert reply["code"] == "bad_request"


def test_a_stopping_node_ends_what_goes_on() -> None:
    scene = Scene()
    scene.moves()
    events = scene.harness.core.close()
    assert a.MotionChanged("", False) in events
    assert [event.event.ended_by for event in events if isinstance(event, a.SceneEventEnded)] == ["interrupted"]


def test_an_idle_scene_is_not_due() -> None:
    scene = Scene()
    assert scene.harness.core.activity.due_s == float("inf")
    scene.moves()
    scene.rests(10)
    assert scene.harness.core.activity.due_s == float("inf")
