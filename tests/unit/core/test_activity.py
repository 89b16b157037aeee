"""Scene events in the core: events for listeners, orders for the recorder, stored rows."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pi_cam_node.base.threads import Progress
from pi_cam_node.config import Config
from pi_cam_node.core import activity_events as a
from pi_cam_node.core.events import CameraChanged, FaultReported
from pi_cam_node.core.film import ClipOrder, EncoderKind, Film
from pi_cam_node.core.history import Query
from pi_cam_node.core.inputs import CameraFailed, FilmFailed, FilmOpened, FilmSaved
from pi_cam_node.core.open_events import EVENTS_MAX
from pi_cam_node.core.rules.recording import EndReason, RecordingOrder
from pi_cam_node.imaging.motion.interface import Blob, MotionReport
from tests.support.core_harness import CoreHarness

AT = datetime(2026, 11, 29, 4, 32, 59, tzinfo=UTC)


class FakeRecorder:
    """A recorder that notes its orders."""

    def __init__(self) -> None:
        self.missing = ""
        self.encoder: EncoderKind = "software"
        self.calls: list[tuple[Any, ...]] = []
        self.clips: list[ClipOrder] = []

    def begin(self, order: RecordingOrder) -> None:
        self.calls.append(("begin", order))

    def end_at(self, mono_s: float, reason: EndReason) -> None:
        self.calls.append(("end_at", mono_s, reason))

    def stop_now(self, reason: EndReason) -> None:
        self.calls.append(("stop_now", reason))

    def make_clip(self, order: ClipOrder, _progress: Progress) -> Film:
        self.clips.append(order)
        return film("20261129T043259000Z-3f2a91c0-500001-clip")


def film(film_id: str, event_id: str = "", **fields: Any) -> Film:
    told = {
        "seconds": 12.0,
        "last_picture_s": 11.0,
        "frames": 120,
        "gap_s": 0.0,
        "pre_roll_s": 3.0,
        "size_bytes": 9,
        "size": (64, 48),
        "codec": "avc1.42c016",
    }
    kind: Any = film_id.rpartition("-")[2]
    made = Film(film_id, kind, Path("/captures/x.mp4"), event_id, "motion", AT, 1.0, **told, reason="end")  # type: ignore[arg-type]
    return replace(made, **fields)


class Scene:
    """A node before whose camera things move."""

    def __init__(self, **settings: Any) -> None:
        config: dict[str, dict[str, Any]] = {
            "motion": {"enable": True, "clear_s": 2},
            "recording": {"mode": "motion", "post_roll_s": 3},
        }
        for section, values in settings.items():
            config[section] = {**config.get(section, {}), **values}
        self.recorder = FakeRecorder()
        self.harness = CoreHarness(Config.model_validate(config), recorder=self.recorder)
        self.harness.see(30)
        self.harness.facts.clear()

    def moves(self, *, x: float = 0.2, share: float = 0.01) -> None:
        """Show a picture in which something moves."""
        harness = self.harness
        harness.clock.advance(0.1)
        now_s = harness.clock.monotonic()
        blob = Blob(x, 0.4, 0.05, 0.2, share, now_s - 0.3, "")
        report = MotionReport(now_s, "", False, 1.0, share, 10.0, (blob,))
        harness.step(replace(harness.frame(), motion=report))

    def rests(self, seconds: float) -> None:
        self.harness.see(round(seconds * 10))

    def told(self, kind: type) -> list[Any]:
        return [event for event in self.harness.facts if isinstance(event, kind)]

    def events(self) -> list[Any]:
        return list(self.harness.core.events.events(Query()).rows)


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


def test_a_film_belongs_to_its_event_and_recording_is_told_while_it_is_written() -> None:
    scene = Scene()
    scene.moves()
    event_id = scene.events()[0].id
    scene.harness.step(FilmOpened(event_id, "f-recording", "motion", 4.9, AT, Path("/c/f1.mp4")))
    (started,) = scene.told(a.RecordingStarted)
    assert (started.event.id, started.event.recording_id, started.event.pre_roll_s) == (event_id, "f-recording", 4.9)
    assert scene.told(a.RecordingChanged) == [a.RecordingChanged(True)]
    scene.harness.step(FilmSaved(film("f-recording", event_id)))
    (saved,) = scene.told(a.RecordingSaved)
    assert saved.event.id == event_id
    assert saved.film.url == "http://porch/media/f-recording"
    assert scene.told(a.RecordingChanged)[-1] == a.RecordingChanged(False)


def test_a_film_that_failed_is_told_and_is_a_fault() -> None:
    scene = Scene()
    scene.moves()
    event_id = scene.events()[0].id
    scene.harness.step(FilmFailed(event_id, "", "motion", "no_space", "the disk is full"))
    (failed,) = scene.told(a.RecordingFailed)
    assert failed.failure.code == "no_space"
    assert failed.event.id == event_id
    assert any("the disk is full" in fault.message for fault in scene.told(FaultReported))


def test_an_event_whose_film_failed_has_the_one_that_was_made_in_its_place() -> None:
    """Formerly it reported the lost film, and then none, although the rest was on disk."""
    scene = Scene()
    scene.moves()
    event_id = scene.events()[0].id
    for film_id in ("f1-recording", "f2-recording"):
        scene.harness.step(FilmOpened(event_id, film_id, "motion", 4.9, AT, Path("/captures/x.mp4"), 0.0))
        assert scene.events()[0].recording_id == film_id
        if film_id.startswith("f1"):
            scene.harness.step(FilmFailed(event_id, film_id, "motion", "not_saved", "deleted"))
            assert scene.events()[0].recording_id is None
            scene.harness.send("record", "on")
            joined = next(event for event in scene.events() if event.kind == "record")
            assert joined.recording_id is None, "it joins the recording, and not the film that is lost"
    scene.harness.step(FilmSaved(film("f2-recording", event_id)))
    assert {event.recording_id for event in scene.events()} == {"f2-recording"}


def test_a_film_that_was_mended_is_stored_as_one_of_the_run_that_wrote_it() -> None:
    scene, film_id = Scene(), "20261119T194501123Z-0b5c1d2e-000003-recording"
    scene.harness.step(FilmSaved(film(film_id, repaired=True)))
    (row,) = scene.harness.core.events.recordings("repaired")
    assert (row.id, row.boot) == (film_id, "0b5c1d2e")


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


def test_an_event_that_joins_a_recording_has_its_film() -> None:
    scene = Scene()
    scene.harness.send("trigger", '{"name": "door", "seconds": 1}')
    first = scene.events()[0].id
    opened_s = scene.harness.clock.monotonic()
    scene.harness.step(FilmOpened(first, "f-recording", "trigger", 3.0, AT, Path("/c/f1.mp4"), opened_s - 3.0))
    scene.rests(2)
    scene.moves()
    scene.rests(6)
    assert [call[0] for call in scene.recorder.calls] == ["begin", "end_at"], "one span"
    assert {row.id: row.recording_id for row in scene.events()} == dict.fromkeys(
        [row.id for row in scene.events()], "f-recording"
    )
    pre_roll_s = scene.events()[0].pre_roll_s
    assert pre_roll_s == pytest.approx(4.8, abs=0.2), "where it is in the film: 3 s, the rests, less what began before"
    scene.rests(5)
    scene.moves()
    newest = scene.events()[0]
    assert newest.recording_id is None, "its own film is not begun yet"


def test_an_event_that_joins_a_recording_before_its_film_is_open_has_it_too() -> None:
    scene = Scene()
    scene.moves()
    scene.harness.send("record", "2")
    oldest = scene.events()[-1]
    opened_s = scene.harness.clock.monotonic()
    scene.harness.step(FilmOpened(oldest.id, "f-recording", "motion", 3.0, AT, Path("/c/f1.mp4"), opened_s - 3.0))
    assert [row.recording_id for row in scene.events()] == ["f-recording", "f-recording"]
    assert [row.pre_roll_s for row in scene.events()] == pytest.approx([3.0, 3.0])


def test_an_event_that_ends_before_the_film_is_open_has_it_too() -> None:
    scene = Scene(motion={"enable": False})
    for seconds in ("0.3", "0.3", "30"):  # the encoder starts meanwhile
        scene.harness.send("trigger", f'{{"seconds": {seconds}}}')
        scene.rests(0.5)
    ids = [row.id for row in scene.events()]
    assert len(ids) == 3
    opened_s = scene.harness.clock.monotonic()
    scene.harness.step(FilmOpened(ids[-1], "f-recording", "trigger", 3.0, AT, Path("/c/f1.mp4"), opened_s - 4.5))
    assert [row.recording_id for row in scene.events()] == ["f-recording"] * 3
    assert [row.pre_roll_s for row in scene.events()] == pytest.approx([4.0, 3.5, 3.0], abs=0.1)


def test_an_event_whose_film_never_began_does_not_have_a_later_one() -> None:
    scene = Scene(motion={"enable": False})
    scene.harness.send("trigger", '{"seconds": 0.3}')
    scene.rests(20)
    scene.harness.send("trigger", '{"seconds": 30}')
    newest, oldest = (row.id for row in scene.events())
    opened_s = scene.harness.clock.monotonic()
    scene.harness.step(FilmOpened(newest, "f-recording", "trigger", 3.0, AT, Path("/c/f1.mp4"), opened_s - 3.0))
    assert {row.id: row.recording_id for row in scene.events()} == {newest: "f-recording", oldest: None}


def test_an_event_that_joins_a_recording_without_pre_roll_has_its_film() -> None:
    scene = Scene(motion={"enable": False}, recording={"pre_roll_s": 0})
    scene.harness.send("trigger", '{"seconds": 30}')
    opened_s = scene.harness.clock.monotonic()
    first = scene.events()[0].id
    scene.harness.step(FilmOpened(first, "f-recording", "trigger", 0.0, AT, Path("/c/f1.mp4"), opened_s))
    scene.rests(1)
    scene.harness.send("record", "2")
    assert [row.recording_id for row in scene.events()] == ["f-recording"] * 2


def test_an_event_that_is_not_recorded_does_not_have_the_film_of_another() -> None:
    scene = Scene(recording={"mode": "off"})
    scene.harness.send("record", "on")
    by_hand = scene.events()[0].id
    scene.harness.step(FilmOpened(by_hand, "f-recording", "record", 3.0, AT, Path("/c/f1.mp4")))
    scene.rests(1)
    scene.moves()
    newest = scene.events()[0]
    assert (newest.kind, newest.recording_id) == ("motion", None)


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
