"""The image process: start, end, and tasks that hang or crash."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import NotSaved, PrivacyOn
from pi_cam_node.imaging import task_process
from pi_cam_node.imaging.frame import RawImage
from pi_cam_node.imaging.jpeg import decode, encode
from pi_cam_node.imaging.task_process import TaskProcess
from pi_cam_node.imaging.tasks import ImageTasks
from tests.support.bars import bar
from tests.support.broker import wait_until
from tests.support.pictures import noise, scene

JPEG = encode(scene(), "bgr", 90)


@pytest.fixture
def process() -> Iterator[TaskProcess]:
    made = TaskProcess()
    yield made
    made.close()


@pytest.fixture
def images(process: TaskProcess) -> ImageTasks:
    return ImageTasks(process.run)


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid)


def test_it_is_started_by_the_first_task_and_stays_for_the_next(process: TaskProcess, images: ImageTasks) -> None:
    assert process.pid is None
    assert decode(images.resize(JPEG, (32, 24), 85)).shape == (24, 32, 3)
    pid = process.pid
    assert images.encode(JPEG, "png").startswith(b"\x89PNG")
    assert (process.pid, process.started) == (pid, 1)


def test_large_pictures_cross_whole(images: ImageTasks) -> None:
    frames = [encode(noise(1024, 768), "bgr", 95) for _ in range(3)]
    told: list[tuple[int, int]] = []
    made = images.stack(frames, "median", lambda done, total: told.append((done, total)))
    assert isinstance(made.image, RawImage)
    assert (made.used, len(made.image.data)) == ((0, 1, 2), 1024 * 768 * 3)
    assert told[-1][0] == told[-1][1]


@pytest.mark.parametrize("picture", [JPEG, b"no picture"])
def test_who_waits_says_so_before_each_wait_and_that_it_is_over(picture: bytes) -> None:
    waits: list[float] = []
    process = TaskProcess(silence_s=30.0, on_wait=waits.append)
    try:
        ImageTasks(process.run).encode(picture, "png")
    except ValueError:
        assert picture != JPEG
    finally:
        process.close()
    *most_s, last_s = waits
    assert len(most_s) >= 2
    assert min(most_s) >= 30.0
    assert last_s == 0.0


def test_what_is_no_picture_is_said_and_costs_nothing(process: TaskProcess, images: ImageTasks) -> None:
    for _ in range(3):
        with pytest.raises(ValueError):
            images.encode(b"no picture", "png")
    assert process.started == 1


@pytest.mark.promise("C13")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_process_that_died_is_replaced_and_leaves_no_zombie(
    process: TaskProcess, images: ImageTasks, number: signal.Signals
) -> None:
    images.encode(JPEG, "png")
    pid = process.pid
    assert pid is not None
    os.kill(pid, number)
    wait_until(lambda: is_gone(pid), "the end of the process, reaped")
    assert images.encode(JPEG, "png")
    assert process.started == 2


@pytest.mark.promise("C13")
def test_a_process_that_hangs_is_killed_and_the_task_refused() -> None:
    process = TaskProcess(silence_s=5.0)
    images = ImageTasks(process.run)
    images.encode(JPEG, "png")
    pid = process.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(NotSaved, match="timed out"):
        images.encode(JPEG, "png")
    wait_until(lambda: is_gone(pid), "the end of the process that hung")
    assert images.encode(JPEG, "png")
    process.close()


def test_privacy_ends_a_task_under_way(process: TaskProcess, images: ImageTasks) -> None:
    frames = [encode(noise(640, 480), "bgr", 80)] * 200

    def progress(done: int, _total: int) -> None:
        if done == 3:
            raise PrivacyOn("privacy is on")

    with pytest.raises(PrivacyOn):
        images.stack(frames, "mean", progress)
    assert images.encode(JPEG, "png")
    assert process.started == 2, "the rest of the stack was not waited for"


def test_it_ends_when_there_is_nothing_to_do(tmp_path: Path, mocker: MockerFixture) -> None:
    (tmp_path / "impatient.py").write_text(
        "import sys\nfrom pi_cam_node.imaging import task_process\n"
        "task_process.IDLE_S = 0.5\ntask_process.main(int(sys.argv[1]), int(sys.argv[2]))\n"
    )
    mocker.patch.object(sys, "path", [str(tmp_path), *sys.path])
    process = TaskProcess("impatient")
    images = ImageTasks(process.run)
    images.encode(JPEG, "png")
    pid = process.pid
    assert pid is not None
    wait_until(lambda: is_gone(pid), "the end of the idle process")
    assert process.pid is None
    assert images.encode(JPEG, "png")
    assert process.started == 2
    process.close()


def test_closing_ends_a_task_and_takes_no_more(process: TaskProcess, images: ImageTasks) -> None:
    frames = [encode(noise(1024, 768), "bgr", 80)] * 256
    failed: list[BaseException] = []

    def work() -> None:
        try:
            images.stack(frames, "sigma_clip")
        except NotSaved as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    wait_until(lambda: process.pid is not None, "the process")
    began_s = time.monotonic()
    process.close()
    thread.join(60)
    assert time.monotonic() - began_s < bar(5)
    assert failed
    with pytest.raises(NotSaved, match="stopping"):
        images.encode(JPEG, "png")


@pytest.mark.promise("C13")
def test_it_does_not_outlive_a_node_that_is_killed_even_while_it_is_stopped() -> None:
    script = (
        "from pi_cam_node.imaging.task_process import TaskProcess\n"
        "from pi_cam_node.imaging.tasks import ImageTasks\nimport time\n"
        "process = TaskProcess()\nImageTasks(process.run).placeholder((64, 48), None, private=False)\n"
        "print(process.pid, flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as node:
        assert node.stdout is not None
        pid = int(node.stdout.readline())
        os.kill(pid, signal.SIGSTOP)
        node.kill()
        wait_until(lambda: is_gone(pid), "the end of the image process")


def test_a_process_that_cannot_be_started_is_said(mocker: MockerFixture, images: ImageTasks) -> None:
    def no_process(*_: object) -> None:
        raise OSError("no memory")

    mocker.patch.object(task_process, "start_child", no_process)
    with pytest.raises(NotSaved, match="cannot be started"):
        images.encode(JPEG, "png")
