"""Recording with the real encoder process, the recorder's thread, and files on disk."""

from __future__ import annotations

import json
import queue
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pi_cam_node.base.block_ring import BlockRing
from pi_cam_node.base.clock import SystemClock
from pi_cam_node.core.film import Film
from pi_cam_node.core.inputs import FilmFailed, FilmOpened, FilmSaved, Input
from pi_cam_node.core.rules.recording import RecordingOrder
from pi_cam_node.recording.encoder.process import EncoderProcess
from pi_cam_node.recording.encoder.video_format import VideoFormat
from pi_cam_node.recording.encoder_pool import EncoderPool
from pi_cam_node.recording.live_encoder import LiveEncoder
from pi_cam_node.recording.recorder import Recorder, RecorderSettings
from pi_cam_node.recording.timelapse import BATCH, Timelapse, TimelapseSettings
from tests.support.film_folder import film_folder
from tests.support.numbered import numbered_jpeg, numbers_in

pytest.importorskip("av", reason="the extra video is not installed")

FPS = 10.0
Told = FilmFailed | FilmOpened | FilmSaved


class Rig:
    """A camera of numbered pictures, an encoder and a recorder."""

    def __init__(self, directory: Path, max_s: float = 600.0) -> None:
        self.clock = SystemClock()
        self.ring: BlockRing[None] = BlockRing(16 << 20)
        self.directory = directory
        self.inputs: queue.Queue[Input] = queue.Queue()
        encoder = LiveEncoder(
            lambda mono_s: self.ring.reader(self.ring.key_before(mono_s)),
            self.clock,
            lambda: EncoderProcess(VideoFormat()),
        )
        self.packets, self._encoder = EncoderPool([encoder]), encoder
        settings = RecorderSettings(max_s=max_s, masked=False, spacing_s=0.5)
        self.recorder = Recorder(
            film_folder(directory, self.clock),
            packets=self.packets,
            post=self._post,
            settings=lambda: settings,
            event=lambda _event_id: None,
            clock=self.clock,
        )
        self.times: dict[int, float] = {}
        self._stop = threading.Event()
        self._camera = threading.Thread(target=self._shoot, daemon=True)

    def _post(self, message: Input) -> bool:
        self.inputs.put(message)
        return True

    def _shoot(self) -> None:
        number = 0
        while not self._stop.wait(1 / FPS):
            number += 1
            jpeg = numbered_jpeg(number)
            self.times[number] = time.monotonic()
            self.ring.append(self.times[number], jpeg, None)
            self._encoder.wake()

    def start(self) -> None:
        self._encoder.start()
        self.recorder.start()
        self._camera.start()

    def close(self) -> None:
        self._stop.set()
        self._camera.join(2)
        assert self.recorder.close(10)
        assert self._encoder.close(10)

    def wait_for(self, kind: type[Told], timeout_s: float = 60.0) -> Told:
        end_s = time.monotonic() + timeout_s
        while time.monotonic() < end_s:
            try:
                message = self.inputs.get(timeout=0.2)
            except queue.Empty:
                continue
            if isinstance(message, kind):
                return message
        raise AssertionError(f"no {kind.__name__} came")

    def film(self) -> Film:
        saved = self.wait_for(FilmSaved)
        assert isinstance(saved, FilmSaved)
        return saved.film


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "films")
    made.start()
    yield made
    made.close()


def test_an_event_is_recorded_from_before_it_began_to_after_its_end(rig: Rig) -> None:
    time.sleep(3)
    event_s = time.monotonic()
    rig.recorder.begin(RecordingOrder("event-1", "motion", event_s - 2, event_s))
    opened = rig.wait_for(FilmOpened)
    assert isinstance(opened, FilmOpened)
    first_s = max(at_s for at_s in rig.times.values() if at_s <= event_s - 2)
    assert opened.pre_roll_s == pytest.approx(event_s - first_s, abs=0.001), "from the picture that was current then"
    time.sleep(1.5)
    end_s = time.monotonic()
    rig.recorder.end_at(end_s)
    film = rig.film()
    seen = numbers_in(film.path)
    numbers = [number for _, number in seen]
    assert numbers == list(range(numbers[0], numbers[-1] + 1)), "each picture once, in order"
    assert rig.times[numbers[0]] <= event_s - 2
    assert rig.times[numbers[-1]] >= end_s - 1.5 / FPS
    for at_s, number in seen:
        assert abs(at_s - (rig.times[number] - rig.times[numbers[0]])) < 0.001
    told = json.loads((rig.directory / f"{film.id}.json").read_text())
    assert told["files"][0]["bytes"] == film.path.stat().st_size
    assert told["frames_count"] == len(seen) == film.frames
    assert sorted(path.suffix for path in rig.directory.iterdir()) == [".json", ".mp4"]


@pytest.mark.parametrize("how", ["file", "folder"])
def test_a_film_that_is_deleted_in_the_making_fails_at_once_and_the_recording_goes_on(rig: Rig, how: str) -> None:
    """Formerly the recording continued into a deleted file, for up to ten minutes."""
    time.sleep(2)
    now_s = time.monotonic()
    rig.recorder.begin(RecordingOrder("event-1", "motion", now_s - 1, now_s))
    rig.wait_for(FilmOpened)
    time.sleep(1)
    if how == "folder":
        shutil.rmtree(rig.directory)
    else:
        next(rig.directory.glob(".*.rec")).unlink()
    failed = rig.wait_for(FilmFailed)
    assert isinstance(failed, FilmFailed)
    assert (failed.event_id, failed.code) == ("event-1", "not_saved")
    rig.wait_for(FilmOpened)
    time.sleep(1)
    rig.recorder.end_at(time.monotonic())
    film = rig.film()
    assert film.event_id == "event-1"
    assert len(numbers_in(film.path)) == film.frames > 5


def test_a_second_event_soon_after_has_its_whole_pre_roll(rig: Rig) -> None:
    time.sleep(2.5)
    films = []
    for name in ("one", "two"):
        event_s = time.monotonic()
        rig.recorder.begin(RecordingOrder(name, "motion", event_s - 2, event_s))
        time.sleep(1)
        rig.recorder.end_at(time.monotonic())
    films = [rig.film(), rig.film()]
    first, second = ([number for _, number in numbers_in(film.path)] for film in films)
    assert set(first) & set(second), "the pre-roll of the second lies in the first"
    assert second == list(range(second[0], second[-1] + 1))


def test_a_long_recording_goes_on_in_the_next_file_without_a_lost_picture(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "films", max_s=2.0)
    rig.start()
    try:
        now_s = time.monotonic()
        rig.recorder.begin(RecordingOrder("long", "record", now_s, now_s))
        time.sleep(5)
        rig.recorder.end_at(time.monotonic())
        films = [rig.film(), rig.film(), rig.film()]
    finally:
        rig.close()
    numbers = [number for film in films for _, number in numbers_in(film.path)]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert films[0].reason == "max_s"


def test_a_timelapse_plays_and_shows_each_picture_once(tmp_path: Path) -> None:
    clock, ring, told = SystemClock(), BlockRing[None](16 << 20), list[Input]()

    def post(message: Input) -> bool:
        told.append(message)
        return True

    timelapse = Timelapse(
        film_folder(tmp_path, clock),
        pictures=lambda mono_s: ring.reader(ring.key_before(mono_s)),
        make=lambda: EncoderProcess(VideoFormat(60)),
        post=post,
        settings=lambda: TimelapseSettings(1.0, masked=False),
        clock=clock,
        may_write=lambda: True,
    )
    for number in range(1, 2 * BATCH + 1):
        now_s = clock.monotonic()
        ring.append(now_s, numbered_jpeg(number), None)
        timelapse._take(now_s, 60.0)
    timelapse._close("end")
    (saved,) = told
    assert isinstance(saved, FilmSaved)
    shown = numbers_in(saved.film.path)
    assert [number for _, number in shown] == list(range(1, 2 * BATCH + 1))
    assert [second for second, _ in shown] == pytest.approx([n / 25 for n in range(2 * BATCH)], abs=0.001)
    assert saved.film.seconds == pytest.approx(2 * BATCH / 25, abs=0.01)
