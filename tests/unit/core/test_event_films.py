"""Films of events in the core: which event has which film."""

from __future__ import annotations

from pathlib import Path

import pytest

from pi_cam_node.core import activity_events as a
from pi_cam_node.core.events import FaultReported
from pi_cam_node.core.history import Query
from pi_cam_node.core.inputs import FilmFailed, FilmOpened, FilmSaved
from pi_cam_node.core.open_events import REMEMBERED
from tests.support.activity_scene import AT, Scene, film


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
    scene.harness.step(FilmSaved(film("f2-recording", event_id, first_mono_s=scene.now_s)))
    assert {event.recording_id for event in scene.events()} == {"f2-recording"}


def test_a_film_that_was_mended_is_stored_as_one_of_the_run_that_wrote_it() -> None:
    scene, film_id = Scene(), "20261119T194501123Z-0b5c1d2e-000003-recording"
    scene.harness.step(FilmSaved(film(film_id, repaired=True)))
    (row,) = scene.harness.core.events.recordings("repaired")
    assert (row.id, row.boot) == (film_id, "0b5c1d2e")


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


def test_a_film_that_opens_late_is_not_that_of_an_event_of_the_next_recording() -> None:
    """An encoder that lags opens the film of a recording when the next one has begun."""
    scene = Scene(motion={"enable": False})
    scene.trigger(1)
    first_s = scene.now_s
    scene.rests(10)
    scene.trigger(30)
    second, first = (row.id for row in scene.events())
    second_s = scene.now_s
    assert [call[0] for call in scene.recorder.calls] == ["begin", "end_at", "begin"], "two spans"
    scene.opens("f1-recording", first, first_s - 3)
    assert scene.film_ids() == {first: "f1-recording", second: None}
    scene.harness.step(FilmSaved(film("f1-recording", first, first_mono_s=first_s - 3, seconds=7.0)))
    scene.opens("f2-recording", second, second_s - 3)
    assert scene.film_ids() == {first: "f1-recording", second: "f2-recording"}


def test_a_continuous_film_that_opens_late_is_not_that_of_an_event() -> None:
    scene = Scene(motion={"enable": False}, recording={"mode": "continuous"})
    scene.trigger(30)
    event_id = scene.events()[0].id
    scene.opens("f1-recording", "", scene.now_s - 60)
    assert scene.film_ids() == {event_id: None}
    scene.opens("f2-recording", event_id, scene.now_s - 3)
    assert scene.film_ids() == {event_id: "f2-recording"}


def test_an_event_has_the_film_of_its_recording_that_shows_its_beginning() -> None:
    """A film of the longest duration ends where its pictures say, while the next event joined it by the clock."""
    scene = Scene(motion={"enable": False}, recording={"max_s": 60})
    scene.trigger(300)
    first, first_s = scene.events()[0].id, scene.now_s
    scene.opens("f1-recording", first, first_s)
    for seconds in (45, 20, 20):
        scene.rests(seconds)
        scene.harness.send("record", "1")
        scene.rests(2)
    third, second, early, _ = (row.id for row in scene.events())
    assert set(scene.film_ids().values()) == {"f1-recording"}, "the encoder is 30 s behind"
    scene.harness.step(FilmSaved(film("f1-recording", first, first_mono_s=first_s, seconds=60.0)))
    assert scene.film_ids() == {third: None, second: None, early: "f1-recording", first: "f1-recording"}
    scene.opens("f2-recording", first, first_s + 60)
    assert scene.film_ids() == {
        third: "f2-recording",
        second: "f2-recording",
        early: "f1-recording",
        first: "f1-recording",
    }
    pre_rolls = {row.id: row.pre_roll_s for row in scene.events()}
    assert (pre_rolls[second], pre_rolls[third]) == pytest.approx((7.1, 29.1), abs=0.3)


def test_an_event_that_ended_has_the_film_that_took_the_place_of_a_lost_one() -> None:
    scene = Scene(motion={"enable": False})
    scene.trigger(1)
    event_id, began_s = scene.events()[0].id, scene.now_s
    scene.opens("f1-recording", event_id, began_s - 3)
    scene.harness.send("record", "1")
    scene.rests(2)
    scene.harness.step(FilmFailed(event_id, "f1-recording", "trigger", "not_saved", "deleted"))
    scene.opens("f2-recording", event_id, began_s + 0.5)
    assert set(scene.film_ids().values()) == {"f2-recording"}


def test_of_many_events_without_a_film_the_newest_are_kept() -> None:
    scene = Scene(motion={"enable": False}, recording={"post_roll_s": 30})
    first_s = scene.now_s
    for _ in range(REMEMBERED + 20):
        scene.trigger(0.1)
        scene.rests(0.3)
    scene.opens("f-recording", scene.recorder.calls[0][1].event_id, first_s - 3)
    found = [row.recording_id for row in scene.harness.core.events.events(Query(limit=200)).rows]
    assert found == ["f-recording"] * REMEMBERED + [None] * 20
