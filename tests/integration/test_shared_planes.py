"""Films from planes in shared memory: complete, with correct colours, and without leaks."""

from __future__ import annotations

import os
import signal
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from pi_cam_node.base.block_ring import BlockRing
from pi_cam_node.base.clock import SystemClock
from pi_cam_node.camera.worker.shared_memory import SLOTS, SlotReader, SlotWriter, slot_bytes
from pi_cam_node.imaging.jpeg import decode, to_i420
from pi_cam_node.imaging.shared_planes import PlanesStore, planes_bytes
from pi_cam_node.recording.encoder.process import EncoderProcess
from pi_cam_node.recording.encoder.video_format import VideoFormat
from pi_cam_node.recording.live_encoder import LiveEncoder
from tests.support.broker import Mosquitto, free_port, wait_until
from tests.support.numbered import SIZE, numbered_jpeg
from tests.support.recording_node import Films, assert_each_once, numbers_of

pytest.importorskip("av", reason="the extra video is not installed")

FPS, PICTURES = 20.0, 60


class Camera:
    """Numbered pictures: JPEGs in a ring, and their planes in real slots.

    Attributes:
        told: Processes that were told of planes, and how many each.
    """

    def __init__(self) -> None:
        self.ring: BlockRing[None] = BlockRing(16 << 20)
        self.store, self.writer = PlanesStore(), SlotWriter(SIZE)
        self.reader = SlotReader(self.writer.descriptors, SIZE)
        self.times: list[float] = []
        self.encoders: list[LiveEncoder] = []
        self.told: dict[int, int] = {}
        self.encoder = LiveEncoder(
            lambda mono_s: self.ring.reader(self.ring.key_before(mono_s)), SystemClock(), self._make, planes=self.store
        )
        self.encoders.append(self.encoder)

    def _make(self) -> EncoderProcess:
        process = EncoderProcess(VideoFormat())
        send, pid = process.send_planes, process.pid
        self.told[pid] = 0

        def counted(*arguments: Any) -> None:
            self.told[pid] += 1
            send(*arguments)

        process.send_planes = counted  # type: ignore[assignment, method-assign]
        return process

    def shoot(self, number: int) -> None:
        """Take a picture, as the node takes it: with planes where a slot is free, without where none is."""
        jpeg, mono_s = numbered_jpeg(number), time.monotonic()
        slot = self.writer.put([jpeg], memoryview(to_i420(decode(jpeg)).tobytes()))
        if slot is not None:
            self.reader.take(slot, [len(jpeg)], SIZE)
            self.store.put(self.reader.lend(slot, SIZE, mono_s))
        self.ring.append(mono_s, jpeg, None)
        for encoder in self.encoders:
            encoder.wake()
        self.times.append(mono_s)

    def shoot_on(self, pictures: int) -> None:
        """Take so many pictures in the pace of a camera."""
        for _ in range(pictures):
            self.shoot(len(self.times) + 1)
            time.sleep(1 / FPS)

    def free_slots(self) -> int:
        """Return the number of free slots, and occupy all of them."""
        return sum(self.writer.put([b"jpeg"]) is not None for _ in range(SLOTS))

    def packet_times(self) -> list[float]:
        return [record.mono_s for record in self.encoder.stream._ring.records()]

    def close(self) -> None:
        assert self.encoder.close(10)
        self.reader.close()
        self.writer.close()


@pytest.fixture
def camera() -> Iterator[Camera]:
    made = Camera()
    made.encoder.start()
    yield made
    made.close()


def assert_whole(camera: Camera) -> None:
    """Assert that each picture became a packet once."""
    wait_until(lambda: camera.encoder.stream.last_mono_s > camera.times[-1] - 1e-3, "the last picture", 30)
    assert camera.packet_times() == pytest.approx(camera.times, abs=1e-4)


def test_the_past_is_made_of_jpegs_and_what_comes_of_planes(camera: Camera) -> None:
    camera.shoot_on(10)
    camera.encoder.need(camera.times[0])
    wait_until(lambda: len(camera.packet_times()) == 10, "the past", 30)
    camera.shoot_on(PICTURES)
    assert_whole(camera)
    (told,) = camera.told.values()
    assert told > PICTURES / 2, "most; a busy machine is too late for some"
    camera.encoder.release()
    wait_until(lambda: camera.encoder.pid is None, "the end of the encoder", 10)
    wait_until(lambda: not camera.store.is_wanted, "planes that nobody wants", 10)
    assert camera.free_slots() == SLOTS


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_an_encoder_that_dies_or_hangs_over_planes_loses_no_picture_and_no_slot(
    camera: Camera, how: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pi_cam_node.recording.encoder.process.PATIENCE_S", 1.0)
    camera.encoder.need(time.monotonic())
    camera.shoot_on(PICTURES // 2)
    pid = camera.encoder.pid
    assert pid is not None
    os.kill(pid, how)
    camera.shoot_on(PICTURES)
    assert_whole(camera)
    camera.shoot_on(PICTURES // 2)
    assert_whole(camera)
    assert camera.encoder.restarts == 1
    assert camera.told[camera.encoder.pid or 0] > 0, "the next one has planes, too"
    camera.encoder.release()
    wait_until(lambda: not camera.store.is_wanted, "planes that nobody wants", 10)
    assert camera.free_slots() == SLOTS


def test_two_encoders_share_the_planes_of_one_camera(camera: Camera) -> None:
    other = LiveEncoder(
        lambda mono_s: camera.ring.reader(camera.ring.key_before(mono_s)),
        SystemClock(),
        lambda: EncoderProcess(VideoFormat(60, (160, 120), 300_000)),
        "other",
        planes=camera.store,
    )
    other.start()
    camera.encoders.append(other)
    try:
        camera.shoot_on(1)
        for encoder in (camera.encoder, other):
            encoder.need(camera.times[0])
        camera.shoot_on(PICTURES)
        assert_whole(camera)
        wait_until(lambda: other.stream.last_mono_s > camera.times[-1] - 1e-3, "the last picture", 30)
        assert [record.mono_s for record in other.stream._ring.records()] == pytest.approx(camera.times, abs=1e-4)
    finally:
        assert other.close(10)


# ---------------------------------------------------------------- the whole node


def camera_of(films: Films) -> psutil.Process:
    process = films.node.child("camera.worker.child_main")
    assert process is not None
    return process


@contextmanager
def memory_of(process: psutil.Process) -> Iterator[int]:
    """Open the memory that a camera's process shares with the node."""
    files = Path(f"/proc/{process.pid}/fd").iterdir()
    descriptor = os.open(next(file for file in files if "pi-cam-node-frames" in str(file.readlink())), os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def memory_bytes(descriptor: int) -> int:
    return os.fstat(descriptor).st_blocks * 512


def is_blank(descriptor: int) -> bool:
    """Return whether nothing but zeros is in a memory, read from outside of the node."""
    return not any(any(os.pread(descriptor, 1 << 20, at)) for at in range(0, os.fstat(descriptor).st_size, 1 << 20))


@pytest.mark.broker
def test_planes_are_shared_while_something_is_recorded_and_privacy_overwrites_them(
    broker: Mosquitto, tmp_path: Path
) -> None:
    films = Films(tmp_path, broker, camera={"width": 1024, "height": 768})
    planes_bytes = 1024 * 768 * 3 // 2
    with films.running() as commands:
        films.wait_for_pre_roll(commands)
        with memory_of(camera_of(films)) as memory:
            before = memory_bytes(memory)
            assert before < planes_bytes
            films.start_recording(commands)
            wait_until(lambda: memory_bytes(memory) > planes_bytes, "planes in the memory", 30)
            time.sleep(3)  # past the haste of the start, which is longer on a busy machine
            wait_until(lambda: memory_bytes(memory) < before + 3.5 * planes_bytes, "two that wait, one that comes", 60)
            saved = films.stop_recording(commands)
            wait_until(lambda: memory_bytes(memory) < before + planes_bytes, "memory that is given back", 30)
            films.start_recording(commands, 2)
            wait_until(lambda: memory_bytes(memory) > planes_bytes, "planes in the memory", 30)
            assert commands.ask("privacy", enable="on")["ok"]
            assert is_blank(memory)
    assert_each_once(numbers_of(Path(saved["media"]["path"])))


@pytest.mark.broker
@pytest.mark.parametrize("user", ["recording", "main", "remote"])
def test_privacy_is_answered_when_planes_are_overwritten_that_an_encoder_hangs_over(
    broker: Mosquitto, tmp_path: Path, user: str
) -> None:
    port = free_port()
    films = Films(tmp_path, broker, mjpeg_server={"enable": True, "port": port})
    with films.running() as commands:
        films.wait_for_pre_roll(commands)
        with memory_of(camera_of(films)) as memory:
            if user == "recording":
                films.start_recording(commands)
            else:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/hls/{user}.m3u8", timeout=60).close()
            time.sleep(1)
            assert not is_blank(memory)
            encoder = films.node.child("encoder.child_main")
            assert encoder is not None
            encoder.suspend()
            time.sleep(1)  # the planes of the next pictures are lent to it
            assert commands.ask("privacy", enable="on")["ok"]
            assert is_blank(memory)
            assert not encoder.is_running()


@pytest.mark.broker
def test_each_picture_wakes_the_encoder_as_it_comes(broker: Mosquitto, tmp_path: Path) -> None:
    """The encoder's process sleeps between pictures; it would sleep twice a second where they waited for a look."""
    films = Films(tmp_path, broker, camera={"framerate": 10, "width": 320, "height": 240})
    with films.running() as commands:
        films.wait_for_pre_roll(commands)
        films.start_recording(commands)
        encoder = films.node.child("encoder.child_main")
        assert encoder is not None
        sleeps_per_s: list[float] = []

        def is_present() -> bool:
            """Watch the process for a while; return whether it was idle for most of it: the past is encoded."""
            began_s, spent_s, before = time.monotonic(), sum(encoder.cpu_times()[:2]), encoder.num_ctx_switches()
            time.sleep(3)
            lasted_s = time.monotonic() - began_s
            sleeps_per_s.append((encoder.num_ctx_switches().voluntary - before.voluntary) / lasted_s)
            return sum(encoder.cpu_times()[:2]) - spent_s < lasted_s / 4

        wait_until(is_present, "an encoder that has caught up", 60)
        assert sleeps_per_s[-1] > 5, "of 10 pictures a second"


@pytest.mark.broker
def test_masks_are_burnt_into_the_planes_that_are_shared(broker: Mosquitto, tmp_path: Path) -> None:
    width, height = 320, 240
    camera = {"width": width, "height": height}
    films = Films(tmp_path, broker, camera=camera, privacy={"masks": ["0,0 0.5,0 0.5,1 0,1"]})
    with films.running() as commands:
        films.wait_for_pre_roll(commands)
        process = camera_of(films)
        found: list[bytes] = []

        def has_planes() -> bool:
            """Inspect the memory while the camera is stopped; return whether it contains more than JPEGs."""
            process.suspend()
            try:
                slots = [
                    os.pread(memory, planes_bytes((width, height)), slot * slot_bytes((width, height)))
                    for slot in range(SLOTS)
                ]
            finally:
                process.resume()
            found[:] = [slot for slot in slots if any(slot) and not slot.startswith(b"\xff\xd8")]
            return bool(found)

        with memory_of(process) as memory:
            films.start_recording(commands)
            wait_until(has_planes, "planes in the memory", 60)
    for slot in found:
        planes = np.frombuffer(slot, np.uint8)
        luma = planes[: width * height].reshape(height, width)
        colours = planes[width * height :].reshape(2, height // 2, width // 2)
        assert luma[:, : width // 2].max() == 0
        assert luma[:, width // 2 :].mean() > 30
        assert set(np.unique(colours[:, :, : width // 4])) == {128}


@pytest.mark.broker
@pytest.mark.parametrize("is_recorded", [False, True])
def test_pictures_of_a_camera_process_that_is_killed_are_overwritten(
    broker: Mosquitto, tmp_path: Path, *, is_recorded: bool
) -> None:
    """Without a recording the memory holds JPEGs alone."""
    films = Films(tmp_path, broker)
    with films.running() as commands:
        films.wait_for_pre_roll(commands)
        camera = camera_of(films)
        with memory_of(camera) as memory:
            if is_recorded:
                films.start_recording(commands)
            assert not is_blank(memory)
            camera.kill()
            wait_until(lambda: is_blank(memory), "memory that is overwritten", 10)


@pytest.mark.broker
def test_a_source_in_a_thread_is_recorded_from_its_jpegs(broker: Mosquitto, tmp_path: Path) -> None:
    films = Films(tmp_path, broker, camera={"isolate": False})
    with films.running() as commands:
        films.wait_for_pre_roll(commands)
        films.start_recording(commands)
        time.sleep(3)
        saved = films.stop_recording(commands)
    assert_each_once(numbers_of(Path(saved["media"]["path"])))
    assert saved["seconds"] > 4


@pytest.mark.broker
def test_pictures_of_another_size_go_on_in_the_next_film(broker: Mosquitto, tmp_path: Path) -> None:
    films = Films(tmp_path, broker)
    with films.running() as commands:
        films.wait_for_pre_roll(commands)
        films.start_recording(commands)
        time.sleep(2)
        assert commands.ask("set", key="camera.width", value=640)["ok"]
        time.sleep(4)
        commands.ask("record", state="off")
        wait_until(lambda: commands.state("recording") == "OFF", "the end of the recording", 30)
        saved = films.messages(commands, "recording_saved")
    for film in saved:
        numbers = numbers_of(Path(film["media"]["path"]))
        assert numbers == sorted(set(numbers))


@pytest.mark.broker
def test_a_film_of_planes_has_the_colours_of_the_pictures(broker: Mosquitto, tmp_path: Path) -> None:
    """The pre-roll of a film is made of JPEGs, the rest of planes: brightness and colours do not jump between them."""
    import av  # noqa: PLC0415 - an extra

    films = Films(tmp_path, broker, recording={"quality": 90})
    with films.running() as commands:
        films.wait_for_pre_roll(commands)
        films.start_recording(commands)
        time.sleep(4)
        saved = films.stop_recording(commands)
    means: list[list[float]] = []
    container: Any
    with av.open(saved["media"]["path"], format="mp4") as container:
        for frame in container.decode(video=0):
            assert (frame.color_range, frame.colorspace) == (2, 5)
            # Below the number, which differs from picture to picture.
            planes = [np.frombuffer(bytes(plane), np.uint8).reshape(plane.height, -1) for plane in frame.planes]
            means.append([float(plane[plane.shape[0] // 8 :].mean()) for plane in planes])
    means_of_jpegs, means_of_planes = np.mean(means[:15], axis=0), np.mean(means[-15:], axis=0)
    assert means_of_jpegs == pytest.approx(means_of_planes, abs=1.0)
