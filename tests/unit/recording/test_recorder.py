"""The recorder's thread with busy encoders or a full inbox."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.base.errors import Busy
from pi_cam_node.core.inputs import FilmFailed, FilmOpened, FilmSaved, Input
from pi_cam_node.core.rules.recording import RecordingOrder
from pi_cam_node.imaging.packet import Packet, PacketFacts, Track, pts_of
from pi_cam_node.recording import recorder as recorder_module
from pi_cam_node.recording import take as take_module
from pi_cam_node.recording.encoder_pool import PacketSource
from pi_cam_node.recording.film_folder import FilmFolder
from pi_cam_node.recording.packet_stream import PacketStream
from pi_cam_node.recording.recorder import Recorder, RecorderSettings
from tests.support.film_folder import film_folder
from tests.support.h264 import access_unit

PATIENCE_S = 30.0
# AudioSpecificConfig: AAC-LC, 16 kHz, one channel.
AAC = bytes((0x14, 0x08))


class Source:
    """Two seconds of packets that came already."""

    failure, is_drained, has_ended = "", True, False
    key_distance_s = 0.0

    def __init__(self, first_s: float) -> None:
        self.first_s = first_s
        self.stream = PacketStream()
        self.stream.begin(Track((64, 48)))
        self.send(range(20))

    def send(self, numbers: range) -> None:
        """Add packets, ten a second, of which each tenth is a key frame."""
        for number in numbers:
            mono_s, key = self.first_s + number / 10, number % 10 == 0
            data = access_unit(number, key=key, size_bytes=200)
            self.stream.append(Packet(mono_s, key, data, PacketFacts(pts_of(mono_s), track=1)))


class Rig:
    """A recorder; encoders and inbox have no room for the first few times that they are asked."""

    def __init__(self, folder: Path, *, busy: int = 0, full: int = 0) -> None:
        self.clock = SystemClock()
        self.now_s = self.clock.monotonic()
        self.left_busy, self.left_full, self.released = busy, full, 0
        self.told: list[Input] = []
        self._changed = threading.Condition()
        settings = RecorderSettings(600.0, masked=False, spacing_s=1.0)
        self.recorder = Recorder(
            film_folder(folder, self.clock), packets=self, post=self._post, settings=lambda: settings,
            event=lambda _event_id: None, clock=self.clock,
        )  # fmt: skip

    def acquire(self, from_mono_s: float, spacing_s: float = 0.0) -> PacketSource:
        del from_mono_s, spacing_s
        self.left_busy -= 1
        if self.left_busy >= 0:
            raise Busy("every encoder is in use")
        return Source(self.now_s - 2.0)

    def share(self, from_mono_s: float) -> PacketSource | None:
        del from_mono_s
        return None

    def release(self, source: PacketSource) -> None:
        del source
        self.released += 1

    def _post(self, message: Input) -> bool:
        with self._changed:
            self.left_full -= 1
            if self.left_full >= 0:
                return False
            self.told.append(message)
            self._changed.notify_all()
            return True

    def wait_for(self, is_there: Callable[[list[Input]], bool]) -> list[Input]:
        with self._changed:
            assert self._changed.wait_for(lambda: is_there(self.told), PATIENCE_S), self.told
            return self.told

    def record(self, name: str) -> None:
        self.recorder.begin(RecordingOrder(name, "motion", self.now_s - 2.0, self.now_s - 1.0))
        self.recorder.end_at(self.now_s)


@pytest.fixture
def start() -> Iterator[Callable[[Rig], Rig]]:
    started: list[Rig] = []

    def start(rig: Rig) -> Rig:
        started.append(rig)
        rig.recorder.start()
        return rig

    yield start
    for rig in started:
        assert rig.recorder.close(PATIENCE_S)


def kinds(told: list[Input]) -> list[type[Input]]:
    return [type(message) for message in told]


def test_an_event_waits_for_an_encoder_and_is_recorded_from_its_beginning(
    tmp_path: Path, start: Callable[[Rig], Rig]
) -> None:
    """Formerly this ended the recorder's thread and the film, and at the third time the node."""
    rig = start(Rig(tmp_path, busy=3))
    rig.record("event-1")
    failed, opened, saved = rig.wait_for(lambda told: len(told) == 3)
    assert isinstance(failed, FilmFailed)
    assert (failed.event_id, failed.code) == ("event-1", "busy")
    assert isinstance(opened, FilmOpened)
    assert isinstance(saved, FilmSaved)
    assert opened.pre_roll_s == pytest.approx(1.0, abs=0.01)
    assert saved.film.frames == 20
    assert rig.recorder.loop.is_alive


def test_an_event_for_which_no_encoder_comes_fails_once_and_the_next_is_recorded(
    tmp_path: Path, start: Callable[[Rig], Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "_RETRY_S", 0.01)
    monkeypatch.setattr(recorder_module, "_LATE_S", 0.1)
    rig = start(Rig(tmp_path, busy=1_000_000))
    rig.record("event-1")
    rig.wait_for(bool)
    assert rig.recorder.wait_idle(PATIENCE_S)
    assert (kinds(rig.told), rig.released) == ([FilmFailed], 0)
    rig.left_busy = 0
    rig.record("event-2")
    rig.wait_for(lambda told: kinds(told) == [FilmFailed, FilmOpened, FilmSaved])


def test_the_end_of_a_film_waits_for_room_in_the_inbox(tmp_path: Path, start: Callable[[Rig], Rig]) -> None:
    """What is lost leaves `state/recording` on for ever."""
    rig = start(Rig(tmp_path, full=4))
    rig.record("event-1")
    rig.wait_for(lambda told: kinds(told) == [FilmOpened, FilmSaved])


def test_a_full_inbox_does_not_hold_a_recorder_that_is_to_end(tmp_path: Path, start: Callable[[Rig], Rig]) -> None:
    rig = start(Rig(tmp_path, full=1_000_000))
    rig.record("event-1")
    while rig.left_full > 999_990:  # it keeps trying
        rig.recorder.loop.beat()
    assert rig.recorder.close(PATIENCE_S)


def test_a_film_whose_encoder_hangs_ends_without_its_last_pictures(
    tmp_path: Path, start: Callable[[Rig], Rig], mocker: MockerFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(take_module, "_DRAIN_S", 0.1)
    rig = Rig(tmp_path)
    source = Source(rig.now_s - 2.0)
    source.is_drained = False
    mocker.patch.object(rig, "acquire", return_value=source)
    start(rig)
    rig.record("event-1")
    told = rig.wait_for(lambda told: kinds(told) == [FilmOpened, FilmSaved])
    assert [message.film.reason for message in told if isinstance(message, FilmSaved)] == ["encoder"]


class LateSource(Source):
    """Its last packets come when the recorder asks whether any are left."""

    @property
    def is_drained(self) -> bool:  # type: ignore[override]
        self.send(range(20, 25))
        return True


def test_the_last_picture_of_a_film_may_come_after_its_end(
    tmp_path: Path, start: Callable[[Rig], Rig], mocker: MockerFixture
) -> None:
    rig = Rig(tmp_path)
    mocker.patch.object(rig, "acquire", return_value=LateSource(rig.now_s - 2.1))
    mocker.patch.object(take_module, "_SETTLED_S", PATIENCE_S)
    start(rig)
    rig.recorder.begin(RecordingOrder("event-1", "motion", rig.now_s - 2.0, rig.now_s - 1.0))
    rig.recorder.end_at(rig.now_s - 0.05)
    told = rig.wait_for(lambda told: kinds(told) == [FilmOpened, FilmSaved])
    assert [message.film.frames for message in told if isinstance(message, FilmSaved)] == [21]


def test_a_film_that_is_deleted_fails_at_its_next_key_frame_and_another_begins_with_the_one_after(
    tmp_path: Path, start: Callable[[Rig], Rig], mocker: MockerFixture
) -> None:
    rig = Rig(tmp_path)
    source = Source(rig.now_s - 2.0)
    mocker.patch.object(rig, "acquire", return_value=source)
    start(rig)
    rig.recorder.begin(RecordingOrder("event-1", "motion", rig.now_s - 2.0, rig.now_s - 1.0))
    rig.wait_for(bool)
    (film,) = tmp_path.glob(".*.rec")
    film.unlink()
    source.send(range(20, 50))
    rig.recorder.end_at(rig.now_s + 2.5)
    rig.wait_for(lambda told: kinds(told) == [FilmOpened, FilmFailed, FilmOpened, FilmSaved])


def test_room_is_made_every_ten_seconds_of_a_film(
    tmp_path: Path, start: Callable[[Rig], Rig], mocker: MockerFixture
) -> None:
    made = mocker.spy(FilmFolder, "make_room")
    rig = Rig(tmp_path)
    source = Source(rig.now_s - 2.0)
    source.send(range(20, 250))
    mocker.patch.object(rig, "acquire", return_value=source)
    start(rig)
    rig.recorder.begin(RecordingOrder("event-1", "motion", rig.now_s - 2.0, rig.now_s - 1.0))
    rig.recorder.end_at(rig.now_s + 22.5)
    rig.wait_for(lambda told: kinds(told) == [FilmOpened, FilmSaved])
    assert made.call_count == 1 + 3, "for its file, and as it begins, after 10 s and after 20 s"


def test_a_short_loss_that_the_camera_tells_is_a_gap(
    tmp_path: Path, start: Callable[[Rig], Rig], mocker: MockerFixture
) -> None:
    rig = Rig(tmp_path)
    source = Source(rig.now_s - 2.0)
    mocker.patch.object(rig, "acquire", return_value=source)
    mono_s, key = rig.now_s + 0.2, access_unit(20, key=True, size_bytes=200)  # the last one came at -0.1 s
    source.stream.append(Packet(mono_s, True, key, PacketFacts(pts_of(mono_s), track=1, after_loss=True)))
    start(rig)
    rig.recorder.begin(RecordingOrder("event-1", "motion", rig.now_s - 2.0, rig.now_s - 1.0))
    rig.recorder.end_at(rig.now_s + 0.3)
    told = rig.wait_for(lambda told: len(told) == 2)
    (film,) = [message.film for message in told if isinstance(message, FilmSaved)]
    assert film.frames == 21
    assert film.gap_s == pytest.approx(0.3)


def test_a_film_of_the_greatest_length_ends_where_the_next_begins(
    tmp_path: Path, start: Callable[[Rig], Rig], mocker: MockerFixture
) -> None:
    """At night, with a picture in two seconds, one second was in neither."""
    rig = Rig(tmp_path)
    source = Source(rig.now_s - 20.0)
    for number in range(1, 11):
        mono_s, key = rig.now_s - 20 + 2.0 * number, access_unit(number, key=True, size_bytes=200)
        facts = PacketFacts(pts_of(mono_s), track=1, after_loss=number == 6)
        source.stream.append(Packet(mono_s, True, key, facts))
    mocker.patch.object(rig, "acquire", return_value=source)
    mocker.patch.object(Recorder, "max_s", 12.0)
    start(rig)
    rig.recorder.begin(RecordingOrder("event-1", "motion", rig.now_s - 20.0, rig.now_s - 19.0))
    rig.recorder.end_at(rig.now_s)
    told = rig.wait_for(lambda told: kinds(told) == [FilmOpened, FilmSaved] * 2)
    first, second = (message.film for message in told if isinstance(message, FilmSaved))
    assert first.reason == "max_s"
    assert second.first_mono_s - first.first_mono_s == pytest.approx(first.seconds)
    assert first.gap_s == pytest.approx(2.0), "the loss before the first picture of the second film"


def test_a_film_that_begins_after_its_event_tells_what_is_missing(tmp_path: Path, start: Callable[[Rig], Rig]) -> None:
    """The encoder came late, and the first pictures had left the ring."""
    rig = start(Rig(tmp_path))
    rig.recorder.begin(RecordingOrder("event-1", "motion", rig.now_s - 7.0, rig.now_s - 5.0))
    rig.recorder.end_at(rig.now_s)
    told = rig.wait_for(lambda told: kinds(told) == [FilmOpened, FilmSaved])
    (film,) = [message.film for message in told if isinstance(message, FilmSaved)]
    assert film.pre_roll_s == 0
    assert film.gap_s == pytest.approx(3.0, abs=0.001)


def test_sound_that_begins_during_a_film_begins_another_one_that_has_it(
    tmp_path: Path, start: Callable[[Rig], Rig], mocker: MockerFixture
) -> None:
    """It was in no film until the next one."""
    rig = Rig(tmp_path)
    source = Source(rig.now_s - 2.0)
    source.stream = PacketStream(has_sound=lambda: True)
    source.stream.begin(Track((64, 48)))
    mocker.patch.object(rig, "acquire", return_value=source)

    def send(numbers: range) -> None:
        for number in numbers:
            source.send(range(number, number + 1))
            mono_s = source.first_s + number / 10
            if number >= 12:
                source.stream.append(Packet(mono_s, False, b"sound", PacketFacts(pts_of(mono_s), sound=AAC)))

    start(rig)
    send(range(10))
    rig.recorder.begin(RecordingOrder("event-1", "motion", rig.now_s - 2.0, rig.now_s - 1.0))
    rig.wait_for(bool)  # the first film is open
    send(range(10, 40))
    rig.recorder.end_at(rig.now_s + 2.0)
    told = rig.wait_for(lambda told: len(told) == 4)
    assert kinds(told) == [FilmOpened, FilmSaved, FilmOpened, FilmSaved]
    films = [message.film for message in told if isinstance(message, FilmSaved)]
    assert sum(film.frames for film in films) == 40
    assert [film.gap_s for film in films] == [0.0, 0.0]
    with av.open(str(tmp_path / f"{films[1].id}.mp4")) as film:
        assert [stream.type for stream in film.streams] == ["video", "audio"]
