"""The camera's process under faults: only frames are lost."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.base.errors import ConfigError
from pi_cam_node.camera.camera import Camera, open_early
from pi_cam_node.camera.controller import CameraController
from pi_cam_node.camera.desired_state import DesiredState
from pi_cam_node.camera.source import controls_of
from pi_cam_node.camera.worker import process
from pi_cam_node.camera.worker.process import ProcessWorker
from pi_cam_node.camera.worker.spawn import spawn
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import NO_FRAMES, CameraFailed, CameraOpened, SwitchFailed
from pi_cam_node.imaging.frame import Demand
from pi_cam_node.imaging.jpeg import decode
from tests.support.bars import bar
from tests.support.broker import free_port
from tests.support.cameras import PATIENCE_S, RunningCamera, config_of
from tests.support.fakes.babbling_child import BABBLE
from tests.support.films import make_film
from tests.support.rtsp_server import RtspServer, why_not

CORRUPTING_FILM = Path(__file__).parents[2].parent / "shared" / "data" / "corrupts-the-decoder.avi"


def wait_until(reached: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + patience_s
    pause = threading.Event()
    while not reached():
        assert time.monotonic() < deadline, f"{what}: not within {patience_s:g} s"
        pause.wait(0.02)


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def script(**parameters: object) -> str:
    return "synthetic?" + "&".join(f"{name}={value}" for name, value in parameters.items())


# ---------------------------------------------------------------- while all is well


def test_frames_come_from_another_process_in_the_size_asked_for() -> None:
    with RunningCamera(config_of("synthetic")) as running:
        frames = running.take_frames(5)
        (opened,) = running.told
        assert isinstance(opened, CameraOpened)
        assert (opened.source, opened.size, opened.controls) == ("synthetic", (320, 240), True)
        assert running.process.ppid() == os.getpid()
    assert {frame.size for frame in frames} == {(320, 240)}
    assert all(frame.brightness > 20 for frame in frames)
    assert [frame.seq for frame in frames] == list(range(1, 6))
    assert [f.captured_mono_s for f in frames] == sorted(f.captured_mono_s for f in frames)


def test_frames_keep_their_pictures_when_later_ones_come() -> None:
    with RunningCamera(config_of("synthetic")) as running:
        first = running.take_frames(1)[0]
        pixels = decode(first.jpeg)
        others = running.take_frames(10)
        assert np.array_equal(decode(first.jpeg), pixels)
        assert len({frame.jpeg for frame in others}) == 10, "the scene moves"


def test_what_was_demanded_comes_along_with_the_first_frame_exposed_after_it() -> None:
    with RunningCamera(config_of("synthetic")) as running:
        running.take_frames(2)
        asked_s = time.monotonic()
        running.camera.demand(asked_s, Demand(quality=40, raw=True))
        running.until(lambda: any(frame.raw for frame in running.frames), "a frame with its pixels")
        frame = next(frame for frame in running.frames if frame.raw)
        assert frame.exposed_mono_s >= asked_s
        assert frame.raw is not None
        assert len(frame.raw.data) == 320 * 240 * 3 // 2
        small = frame.jpeg_at(40)
        assert small is not None
        assert len(small) < len(frame.jpeg)
        luma = np.frombuffer(frame.raw.data, np.uint8)[: 320 * 240].reshape(240, 320)
        assert np.abs(decode(frame.jpeg).mean(axis=2) - luma).mean() < 12
        rest = running.take_frames(5)
        assert not any(each.raw or each.jpegs for each in rest[1:])


def test_nothing_is_left_of_a_camera_that_was_stopped() -> None:
    descriptors = psutil.Process().num_fds()
    for _ in range(2):
        with RunningCamera(config_of("synthetic")) as running:
            running.take_frames(1)
            pid = running.process.pid
        assert is_gone(pid)
        assert running.camera.pid is None
        del running
    assert psutil.Process().num_fds() <= descriptors
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("camera")]


def test_a_camera_can_be_stopped_twice_and_before_it_was_started() -> None:
    camera = Camera(config_of("synthetic"), Inbox(), SystemClock())
    camera.stop()
    camera.stop()
    assert camera.pid is None


def test_a_wrong_source_is_refused_before_anything_is_started() -> None:
    with pytest.raises(ConfigError, match="lux"):
        Camera(config_of("synthetic?lux=dark"), Inbox(), SystemClock())


def test_the_process_carries_no_secret_where_others_can_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PI_CAM_NODE__MQTT__PASSWORD", "canary-broker")
    with RunningCamera(config_of("rtsp://cam:canary-camera@127.0.0.1:1/x")) as running:
        running.until(lambda: running.camera.pid, "a process")
        shown = " ".join(running.process.cmdline()) + str(running.process.environ())
        failure = running.wait_for(CameraFailed)
    assert "canary" not in shown + failure.reason
    assert "nothing listens there" in failure.reason


@contextmanager
def endless_answer() -> Iterator[str]:
    """Run an RTSP server whose description has gigabytes; yield its address."""

    def serve() -> None:
        with suppress(OSError):  # the listener or the client is closed
            while True:
                client, _ = listener.accept()
                with client, suppress(OSError):
                    for answer in (b"Public: DESCRIBE\r\n", b"Content-Length: 2000000000\r\n"):
                        request = client.recv(4096).decode()
                        number = re.findall(r"CSeq: (\d+)", request)[0].encode()
                        client.sendall(b"RTSP/1.0 200 OK\r\nCSeq: " + number + b"\r\n" + answer + b"\r\n")
                    while True:
                        client.sendall(bytes(1 << 20))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"rtsp://127.0.0.1:{listener.getsockname()[1]}/live"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_a_network_camera_cannot_make_the_process_take_all_memory() -> None:
    taken_bytes = [0]
    with endless_answer() as url, RunningCamera(config_of(url)) as running:
        running.until(lambda: running.camera.pid, "a process")
        process = running.process

        def has_failed() -> bool:
            with suppress(psutil.Error):  # it has ended
                taken_bytes.append(process.memory_info().rss)
            return bool(running.failures)

        running.until(has_failed, "a failure")
    assert max(taken_bytes) < 300 << 20


# ---------------------------------------------------------------- modes and settings


def test_a_mode_that_is_wanted_is_in_the_frames_once_it_is_real() -> None:
    config = config_of("synthetic")
    night = replace(controls_of(config, "night"), exposure_us=100_000, gain=3.0)
    with RunningCamera(config) as running:
        running.take_frames(2)
        running.camera.set_controls(night)
        running.until(lambda: running.frames[-1].mode == "night", "a frame of the night")
        assert running.frames[-1].sensor.exposure_us == 100_000
        assert running.frames[-1].sensor.gain == 3.0
    modes = [frame.mode for frame in running.frames]
    assert modes == sorted(modes)


def test_a_mode_wanted_before_the_start_is_the_first_one() -> None:
    config = config_of("synthetic")
    running = RunningCamera(config)
    running.camera.set_controls(replace(controls_of(config, "night"), exposure_us=50_000))
    with running:
        assert running.take_frames(1)[0].mode == "night"


def test_a_mode_is_kept_when_the_process_is_replaced() -> None:
    config = config_of("synthetic")
    with RunningCamera(config) as running:
        running.camera.set_controls(replace(controls_of(config, "night"), exposure_us=50_000))
        running.until(lambda: running.frames and running.frames[-1].mode == "night", "a frame of the night")
        running.process.kill()
        running.wait_for(CameraFailed)
        assert running.take_frames(1)[0].mode == "night"


def test_a_refused_switch_is_told_and_frames_go_on_in_the_old_mode() -> None:
    config = config_of(script(refuse="night"))
    with RunningCamera(config) as running:
        running.take_frames(2)
        running.camera.set_controls(controls_of(config, "night"))
        refused = running.wait_for(SwitchFailed)
        assert refused.mode == "night"
        assert {frame.mode for frame in running.take_frames(5)} == {"day"}
        assert running.failures == []


def test_another_size_takes_effect_without_another_process() -> None:
    config = config_of("synthetic")
    with RunningCamera(config) as running:
        running.take_frames(2)
        pid = running.process.pid
        changed = config_of("synthetic", width=640, height=480)
        running.camera.reconfigure(changed)
        running.until(lambda: running.frames[-1].size == (640, 480), "a frame in the new size")
        assert running.process.pid == pid
        assert running.failures == []
    numbers = [frame.seq for frame in running.frames]
    assert numbers == sorted(set(numbers))


def test_another_rate_takes_effect_without_opening_the_camera_again() -> None:
    with RunningCamera(config_of("synthetic", framerate=2.0)) as running:
        running.take_frames(1)
        running.camera.reconfigure(config_of("synthetic", framerate=40.0))
        running.take_frames(1)
        frames = running.take_frames(20)
        assert frames[-1].captured_mono_s - frames[0].captured_mono_s < 5
        assert len([each for each in running.told if isinstance(each, CameraOpened)]) == 1


# ---------------------------------------------------------------- when it fails


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV], ids=lambda number: number.name)
@pytest.mark.promise("C1")
def test_a_process_that_is_killed_is_replaced(number: signal.Signals) -> None:
    with RunningCamera(config_of("synthetic")) as running:
        running.take_frames(3)
        pid = running.process.pid
        os.kill(pid, number)
        failure = running.wait_for(CameraFailed)
        assert number.name in failure.reason
        running.take_frames(3)
        assert running.process.pid != pid
        assert running.camera.restarts == 1
    numbers = [frame.seq for frame in running.frames]
    assert numbers == sorted(set(numbers))


@pytest.mark.promise("C1")
def test_a_process_that_hangs_is_noticed_and_replaced() -> None:
    with RunningCamera(config_of("synthetic")) as running:
        running.take_frames(3)
        hanging = running.process
        began = time.monotonic()
        hanging.suspend()
        assert running.wait_for(CameraFailed).reason == NO_FRAMES
        assert time.monotonic() - began < bar(10)
        running.take_frames(3)
        assert is_gone(hanging.pid)


def test_interrupting_the_terminal_does_not_reach_the_camera_process() -> None:
    with RunningCamera(config_of("synthetic")) as running:
        running.take_frames(2)
        for number in (signal.SIGINT, signal.SIGTERM):
            running.process.send_signal(number)
        running.take_frames(10)
        assert running.failures == []


def test_a_camera_that_is_lost_for_a_while_is_told_once_and_comes_back() -> None:
    source = script(loss_at_s=3, loss_s=6, start_mono_s=time.monotonic())
    with RunningCamera(config_of(source)) as running:
        failure = running.wait_for(CameraFailed)
        assert "offline for 6 s" in failure.reason
        frames = len(running.frames)
        running.until(lambda: len(running.frames) > frames + 3, "frames again")
        assert len(running.failures) == len({(each.reason, each.step) for each in running.failures})


def test_a_source_that_hangs_is_ended_and_started_anew() -> None:
    # The process may need seconds to start beside other tests, and hangs a while after that.
    source = script(loss_at_s=6, loss_s=10, loss="hang", start_mono_s=time.monotonic())
    with RunningCamera(config_of(source)) as running:
        running.take_frames(1)
        pid = running.process.pid
        running.wait_for(CameraFailed)
        frames = len(running.frames)
        running.until(lambda: len(running.frames) > frames + 3, "frames again")
        assert is_gone(pid)


@pytest.mark.promise("C4")
def test_a_film_that_corrupts_the_decoder_costs_frames_and_nothing_else() -> None:
    if not CORRUPTING_FILM.exists():
        pytest.skip("the film that corrupts the decoder is not beside the repository")
    with RunningCamera(config_of(f"file:{CORRUPTING_FILM}")) as running:
        # Some versions of OpenCV die of it, at once or later; others play it for ever.
        running.until(lambda: running.failures or len(running.frames) > 130, "three rounds of the film, or a death")
        if running.failures:
            assert "SIG" in running.failures[0].reason
            running.until(lambda: running.camera.restarts > 1, "a third try")


def test_a_film_that_is_deleted_and_put_back_is_played_again(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.avi", 10, 20.0)
    with RunningCamera(config_of(f"file:{film}")) as running:
        running.take_frames(2)
        film.unlink()
        assert "does not exist" in running.wait_for(CameraFailed).reason
        make_film(film, 10, 20.0)
        running.take_frames(15)


@pytest.mark.rtsp
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=lambda how: how.name)
def test_a_network_camera_that_vanishes_is_found_again(how: signal.Signals) -> None:
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    port = free_port()
    with RtspServer("--fps", "10", port=port, login="cam:canary-secret") as server:
        running = RunningCamera(config_of(server.url, framerate=10.0))
        with running:
            running.take_frames(3)
            server.signal(how)
            failure = running.wait_for(CameraFailed)
            server.signal(signal.SIGKILL)
            with RtspServer("--fps", "10", port=port, login="cam:canary-secret"):
                running.take_frames(3)
    assert "canary-secret" not in f"{failure} {running.told}"


@pytest.mark.rtsp
def test_a_network_camera_of_few_pictures_delivers_and_is_found_again() -> None:
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    with RtspServer("--fps", "5") as server, RunningCamera(config_of(server.url, framerate=10.0)) as running:
        running.take_frames(3)
        running.process.suspend()
        running.wait_for(CameraFailed)
        running.take_frames(3)


@pytest.mark.parametrize(
    "babble",
    [
        "noise",
        "no memory",
        "too small a memory",
        "no such slot",
        "parts that no slot holds",
        "a part of less than nothing",
        "a part too few",
        "too long",
        "an image before the camera is open",
    ],
)
@pytest.mark.promise("C4")
def test_a_process_that_talks_nonsense_is_replaced(babble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BABBLE, babble)
    config, inbox, clock = config_of("synthetic"), Inbox(), SystemClock()
    desired = DesiredState(config.camera, controls_of(config, "day"))
    controller = CameraController(
        desired, lambda: ProcessWorker(spawn("tests.support.fakes.babbling_child")), inbox, clock, lambda: 1.0
    )
    failures: list[CameraFailed] = []

    def step() -> bool:
        controller.step()
        failures.extend(each for each in iter(lambda: inbox.take(0), None) if isinstance(each, CameraFailed))
        return bool(failures)

    try:
        wait_until(step, "a failure")
        assert "invalid message" in failures[0].reason
        assert controller.pid is None
    finally:
        controller.close(0)


def test_a_process_that_cannot_be_ended_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    child = ProcessWorker()
    pid = child.pid
    assert pid is not None
    with monkeypatch.context() as patched:
        # What a process in uninterruptible sleep does: it does not end, whatever is sent.
        patched.setattr(process, "_wait", lambda *_: False)
        assert not child.end(0)
    assert "cannot be ended" in caplog.text
    wait_until(lambda: is_gone(pid), "the end of the process")
    assert ProcessWorker().end(1)
    assert not [each for each in process._abandoned if each.pid == pid]


# ---------------------------------------------------------------- when the node fails

PARENT = """
import sys, threading
from pi_cam_node.base.clock import SystemClock
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.camera.camera import Camera
from pi_cam_node.imaging.frame import Frame
from tests.support.cameras import config_of
inbox = Inbox()
camera = Camera(config_of("synthetic"), inbox, SystemClock())
camera.start()
while not isinstance(inbox.take(1), Frame):
    pass
print(camera.pid, flush=True)
threading.Event().wait(60)
"""


@pytest.mark.parametrize("suspended", [False, True], ids=["running", "suspended"])
def test_no_camera_process_outlives_the_node(suspended: bool) -> None:
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True, env=environment) as node:
        try:
            assert node.stdout is not None
            child = int(node.stdout.readline())
            if suspended:
                psutil.Process(child).suspend()
        finally:
            node.kill()
        wait_until(lambda: is_gone(child), "the end of the camera process", 10)


# ---------------------------------------------------------------- without isolation


def test_a_camera_that_was_opened_before_the_node_was_up_is_not_opened_again_and_has_lost_nothing() -> None:
    config = config_of("synthetic")
    early = open_early(spawn(source="sources.synthetic.source"), config)
    wait_until(lambda: bool(select.select([early.link], [], [], 0)[0]), "the camera to be open")
    time.sleep(1.0)  # more pictures than there is room for
    began_s = time.monotonic()
    with RunningCamera(config, early) as running:
        frames = running.take_frames(20)
        assert running.camera.pid == early.process.pid
        assert frames[0].captured_mono_s < began_s - 0.5
        assert frames[-1].captured_mono_s > began_s
        assert [type(each) for each in running.told if isinstance(each, CameraOpened)] == [CameraOpened]
        assert (running.camera.frames_skipped, running.camera.restarts) == (0, 0)


def test_what_was_opened_beforehand_with_other_settings_makes_room() -> None:
    early = open_early(spawn(), config_of("synthetic"))
    with RunningCamera(config_of("synthetic", width=160, height=120), early) as running:
        assert {frame.size for frame in running.take_frames(3)} == {(160, 120)}
        assert running.camera.pid != early.process.pid
    assert early.process.poll() is not None


def test_what_was_opened_beforehand_is_closed_where_privacy_came_on_before_the_node_was_up() -> None:
    early = open_early(spawn(source="sources.synthetic.source"), config_of("synthetic"))
    running = RunningCamera(config_of("synthetic"), early)
    running.camera.release()
    with running:
        wait_until(lambda: early.process.poll() is not None, "the end of the camera process", 10)
        assert running.camera.wait_released(10)
        running.camera.acquire()
        running.take_frames(3)
        assert running.camera.pid not in (None, early.process.pid)


def test_without_isolation_there_is_no_other_process() -> None:
    before = len(psutil.Process().children())
    with RunningCamera(config_of("synthetic", isolate=False)) as running:
        frames = running.take_frames(5)
        assert running.camera.pid is None
        assert len(psutil.Process().children()) == before
    assert [frame.seq for frame in frames] == list(range(1, 6))
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("camera")]


def test_without_isolation_what_was_demanded_comes_along() -> None:
    with RunningCamera(config_of("synthetic", isolate=False)) as running:
        running.take_frames(1)
        running.camera.demand(time.monotonic(), Demand(raw=True))
        running.until(lambda: any(frame.raw for frame in running.frames), "a frame with its pixels")


def test_without_isolation_a_lost_camera_comes_back() -> None:
    source = script(loss_at_s=1, loss_s=2, start_mono_s=time.monotonic())
    with RunningCamera(config_of(source, isolate=False)) as running:
        running.wait_for(CameraFailed)
        running.take_frames(3)


def test_without_isolation_a_source_that_hangs_is_told_and_no_second_thread_is_started() -> None:
    source = script(loss_at_s=1, loss_s=9, loss="hang", start_mono_s=time.monotonic())
    with RunningCamera(config_of(source, isolate=False)) as running:
        assert running.wait_for(CameraFailed).reason == NO_FRAMES
        assert len([thread for thread in threading.enumerate() if thread.name == "camera source"]) == 1
        running.take_frames(3)
        assert running.camera.restarts == 0


def test_without_isolation_a_refused_switch_is_told() -> None:
    config = config_of(script(refuse="night"), isolate=False)
    with RunningCamera(config) as running:
        running.take_frames(1)
        running.camera.set_controls(controls_of(config, "night"))
        assert running.wait_for(SwitchFailed).mode == "night"
        running.take_frames(1)
