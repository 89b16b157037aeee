"""The time-lapse film of a day: intervals, waiting pictures, end of the day, privacy."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pi_cam_node.core.film import Film
from pi_cam_node.core.inputs import FilmFailed, FilmSaved, Input
from pi_cam_node.recording.encoder.process import EncoderLost
from pi_cam_node.recording.encoder.wire import Message
from pi_cam_node.recording.repair import repair_all
from pi_cam_node.recording.timelapse import BATCH, Timelapse, TimelapseSettings
from tests.support.fakes.clock import FakeClock
from tests.support.film_folder import film_folder
from tests.support.h264 import access_unit

DAY_S = 86_400.0


class Encoder:
    """Answers each picture with a packet; its first is a key frame."""

    size = (640, 480)

    def __init__(self) -> None:
        self.queue: list[Message] = [Message("size", *self.size)]
        self.is_closed = False

    @property
    def waiting(self) -> int:
        return sum(message.kind == "packet" for message in self.queue)

    def send(self, jpeg: bytes, ticks: int) -> None:
        key = self.waiting == 0
        self.queue.append(Message("packet", ticks, int(key), access_unit(int(jpeg), key=key)))

    def exchange(self, _timeout_s: float) -> list[Message]:
        return [self.queue.pop(0)]

    def close(self) -> None:
        self.is_closed = True


class Rig:
    """A timelapse of one picture a minute, and a camera."""

    def __init__(self, folder: Path) -> None:
        self.may_write = True
        self.clock, self.told, self.encoders = FakeClock(), list[Input](), list[Encoder]()
        self.settings = TimelapseSettings(60.0, masked=False)
        self.picture: tuple[float, bytes] | None = None
        self.number = self.refusals = 0
        self.make: Any = self._encoder
        self.timelapse = Timelapse(
            film_folder(folder, self.clock), pictures=self._pictures, make=self._made, post=self._post,
            settings=lambda: self.settings, clock=self.clock, may_write=lambda: self.may_write,
        )  # fmt: skip

    def _post(self, message: Input) -> bool:
        self.refusals -= 1
        if self.refusals >= 0:
            return False
        self.told.append(message)
        return True

    def _made(self) -> Any:
        return self.make()

    def _encoder(self) -> Encoder:
        self.encoders.append(Encoder())
        return self.encoders[-1]

    def _pictures(self, _mono_s: float) -> Any:
        found = None if self.picture is None else (SimpleNamespace(mono_s=self.picture[0]), self.picture[1])
        return SimpleNamespace(next=lambda: found)

    def minutes(self, count: int, *, camera: bool = True) -> None:
        for _ in range(count):
            self.clock.advance(60)
            if camera:
                self.number += 1
                self.picture = (self.clock.monotonic() - 0.05, str(self.number).encode())
            self.timelapse._take(self.clock.monotonic(), self.settings.interval_s)

    @property
    def films(self) -> list[Film]:
        return [message.film for message in self.told if isinstance(message, FilmSaved)]

    def end(self) -> Film:
        self.timelapse._close("stopped")
        return self.films[-1]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_ten_pictures_are_encoded_together_and_are_on_the_disk_then(rig: Rig, tmp_path: Path) -> None:
    rig.minutes(BATCH - 1)
    assert rig.encoders == []
    rig.minutes(1)
    assert [encoder.is_closed for encoder in rig.encoders] == [True]
    (film,) = tmp_path.glob(".*.mp4.rec")
    size_bytes = film.stat().st_size
    rig.minutes(BATCH)
    assert film.stat().st_size > size_bytes
    saved = rig.end()
    assert (saved.kind, saved.frames) == ("timelapse", 20)
    assert saved.seconds == pytest.approx(20 / 25, abs=0.01)
    assert (saved.last_at - saved.first_at).total_seconds() == 20 * 60
    told = json.loads(saved.path.with_suffix(".json").read_text())
    assert (told["kind"], told["cause"], told["event_id"]) == ("timelapse", "timelapse", None)


def test_each_day_has_a_film_of_its_own(rig: Rig) -> None:
    rig.minutes(BATCH)
    rig.clock.advance(DAY_S)
    rig.minutes(3)
    assert [film.frames for film in rig.films] == [BATCH]
    rig.timelapse._encode()
    assert rig.end().frames == 3
    assert len({film.id for film in rig.films}) == 2


def test_a_clock_that_is_set_back_over_midnight_does_not_split_the_film_of_the_day(rig: Rig) -> None:
    rig.minutes(BATCH)
    rig.clock.step_utc(-DAY_S)
    rig.minutes(BATCH)
    rig.clock.step_utc(DAY_S)
    rig.minutes(BATCH)
    assert rig.films == []
    rig.clock.step_utc(-3 * DAY_S)  # it was wrong, and the days from now on are others
    rig.minutes(1)
    assert [film.frames for film in rig.films] == [3 * BATCH]


def test_a_kill_costs_the_pictures_that_wait_and_the_day_goes_on_in_a_film_of_its_own(rig: Rig, tmp_path: Path) -> None:
    rig.minutes(BATCH + 3)
    (mended,) = repair_all(tmp_path)
    assert (mended.kind, mended.frames, mended.repaired, mended.event) == ("timelapse", BATCH, True, None)
    assert (mended.last_at - mended.first_at).total_seconds() == BATCH * 60
    again = Rig(tmp_path)
    again.clock.advance(3600)
    again.minutes(BATCH)
    next_film = again.end()
    assert (next_film.frames, next_film.repaired) == (BATCH, False)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".json", ".mp4", ".mp4"]


def test_until_the_films_of_an_earlier_run_are_mended_few_pictures_wait_and_no_film_begins(rig: Rig) -> None:
    rig.may_write = False
    rig.minutes(3 * BATCH)
    assert rig.encoders == []
    rig.may_write = True
    rig.minutes(1)
    assert rig.end().frames == 2 * BATCH


def test_a_camera_that_is_away_adds_nothing(rig: Rig) -> None:
    rig.minutes(5)
    rig.minutes(30, camera=False)
    rig.minutes(5)
    rig.timelapse._encode()
    assert rig.end().frames == BATCH


def test_a_film_ends_with_its_last_picture_also_where_the_camera_was_away_or_the_interval_changed(rig: Rig) -> None:
    """Its end was told as many intervals after its begin as it has pictures."""
    rig.minutes(BATCH)
    rig.minutes(180, camera=False)
    rig.minutes(BATCH)
    rig.settings = replace(rig.settings, interval_s=10.0)
    rig.minutes(BATCH)
    film = rig.end()
    assert film.frames == 3 * BATCH
    assert (film.last_at - film.first_at).total_seconds() == pytest.approx((3 * BATCH + 180) * 60)


def test_privacy_leaves_a_gap_and_no_picture_in_memory(rig: Rig) -> None:
    rig.minutes(BATCH + 4)
    rig.timelapse.forget()
    assert rig.timelapse._waiting == []
    rig.minutes(BATCH)
    assert rig.films == [], "the film of the day goes on"
    assert rig.end().frames == 2 * BATCH


def test_pictures_that_are_being_encoded_when_privacy_begins_do_not_reach_the_film(rig: Rig) -> None:
    class Slow(Encoder):
        def exchange(self, timeout_s: float) -> list[Message]:
            rig.timelapse.forget()
            return super().exchange(timeout_s)

    rig.make = Slow
    rig.minutes(BATCH)
    rig.make = rig._encoder
    rig.minutes(BATCH)
    assert rig.end().frames == BATCH


def test_an_encoder_that_is_lost_costs_its_pictures_and_is_told(rig: Rig) -> None:
    class Lost(Encoder):
        def exchange(self, _timeout_s: float) -> list[Message]:
            raise EncoderLost("SIGKILL")

    rig.minutes(BATCH)
    rig.make = Lost
    rig.minutes(BATCH)
    failed = [message for message in rig.told if isinstance(message, FilmFailed)]
    assert [(each.cause, each.code) for each in failed] == [("timelapse", "not_saved")]
    assert [film.frames for film in rig.films] == [BATCH]
    rig.make = rig._encoder
    rig.minutes(BATCH)
    assert rig.end().frames == BATCH


def test_a_film_that_is_done_is_told_as_soon_as_the_inbox_has_room(rig: Rig) -> None:
    rig.minutes(BATCH)
    rig.refusals = 3
    assert rig.end().frames == BATCH


def test_pictures_of_another_size_begin_another_film(rig: Rig) -> None:
    class Larger(Encoder):
        size = (1280, 720)

    rig.minutes(BATCH)
    rig.make = Larger
    rig.minutes(BATCH)
    assert [film.size for film in rig.films] == [(640, 480)]
    assert rig.end().size == (1280, 720)


def test_a_film_that_begins_with_a_later_picture_of_a_batch_tells_its_time(rig: Rig) -> None:
    """It was said to begin with the first one, which is in the film before: up to nine intervals too early."""

    class Turned(Encoder):
        def send(self, jpeg: bytes, ticks: int) -> None:
            if self.waiting == 4:
                self.queue.append(Message("size", 480, 640))
            super().send(jpeg, ticks)
            if self.waiting == 5:
                last = self.queue.pop()
                self.queue.append(Message("packet", last.number, 1, access_unit(int(jpeg), key=True)))

    rig.make = Turned
    rig.minutes(BATCH)
    (first,) = rig.films
    second = rig.end()
    assert (first.frames, second.frames) == (4, 6)
    assert second.first_at == first.last_at
    assert second.last_at - second.first_at == timedelta(minutes=6)


def test_pictures_that_are_far_apart_wait_for_ten_minutes_at_most(rig: Rig) -> None:
    """With half an hour between two, a stop cost up to four and a half."""
    rig.settings = replace(rig.settings, interval_s=1800.0)
    rig.minutes(3)
    assert len(rig.encoders) == 3
    assert rig.end().frames == 3


def test_a_timelapse_that_is_switched_off_ends_its_film(rig: Rig) -> None:
    rig.minutes(BATCH + 1)
    rig.settings = replace(rig.settings, interval_s=0.0)
    rig.timelapse._step()
    assert [film.frames for film in rig.films] == [BATCH + 1]
