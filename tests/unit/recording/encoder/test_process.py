"""The node's side of the encoder's process: timeouts, and invalid answers."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from pi_cam_node.imaging.shared_planes import SharedPlanes
from pi_cam_node.recording.encoder import process as process_module
from pi_cam_node.recording.encoder.process import EncoderLost, EncoderProcess
from pi_cam_node.recording.encoder.video_format import VideoFormat
from pi_cam_node.recording.encoder.wire import Message


class Child:
    """The other end of the socket, in place of the process.

    Attributes:
        command: What runs as the process.
        returned: Times of the planes that were given back.
    """

    command: tuple[str, ...] = ("true",)

    def __init__(self) -> None:
        self.link = socket.socket()
        self.returned: list[float] = []

    def start(self, _module: str, descriptor: int, *_arguments: str) -> subprocess.Popen[bytes]:
        self.link.close()
        self.link = socket.socket(fileno=os.dup(descriptor))
        return subprocess.Popen(self.command)

    def planes(self, mono_s: float) -> SharedPlanes:
        return SharedPlanes(mono_s, (64, 48), self.link.fileno(), 0, lambda: self.returned.append(mono_s))

    def answer(self, kind: Any, ticks: int) -> None:
        self.link.sendall(Message(kind, ticks).header())


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> Iterator[Child]:
    made = Child()
    monkeypatch.setattr(process_module, "start_child", made.start)
    monkeypatch.setattr(process_module, "has_video", lambda: True)
    yield made
    made.link.close()


@pytest.fixture
def process(child: Child) -> Iterator[EncoderProcess]:
    made = EncoderProcess(VideoFormat())
    yield made
    made.close()


def test_planes_are_given_back_with_the_answer_to_their_picture(process: EncoderProcess, child: Child) -> None:
    process.send(b"jpeg", 1)
    process.send_planes(child.planes(2.0), 2)
    process.send_planes(child.planes(3.0), 3)
    child.answer("failed", 1)
    assert [message.number for message in process.exchange(1.0)] == [1]
    assert (process.waiting, child.returned) == (2, [])
    child.answer("packet", 2)
    process.exchange(1.0)
    assert child.returned == [2.0]
    process.close()
    assert child.returned == [2.0, 3.0]


@pytest.mark.parametrize("ticks", [1, 3])
def test_an_answer_to_another_picture_gives_nothing_back_while_the_process_runs(
    process: EncoderProcess, child: Child, ticks: int
) -> None:
    """The slot would be written while the process still reads it."""
    process.send_planes(child.planes(2.0), 2)
    child.answer("packet", ticks)
    with pytest.raises(EncoderLost, match="no picture that it has"):
        process.exchange(1.0)
    assert child.returned == []
    process.close()
    assert child.returned == [2.0]


def test_an_answer_to_nothing_is_no_answer(process: EncoderProcess, child: Child) -> None:
    child.answer("packet", 1)
    with pytest.raises(EncoderLost, match="no picture that it has"):
        process.exchange(1.0)


def test_a_wait_ends_when_it_is_woken_and_the_next_one_waits_again(process: EncoderProcess) -> None:
    wakeup = os.eventfd(1, os.EFD_NONBLOCK)
    try:
        begin_s = time.monotonic()
        assert process.exchange(60.0, wakeup) == []
        assert time.monotonic() - begin_s < 30
        begin_s = time.monotonic()
        assert process.exchange(0.05, wakeup) == []
        assert time.monotonic() - begin_s >= 0.05
    finally:
        os.close(wakeup)


@pytest.mark.parametrize(("has_answered", "patience"), [(False, "_START_PATIENCE_S"), (True, "PATIENCE_S")])
def test_an_encoder_that_hangs_is_lost(
    process: EncoderProcess, child: Child, monkeypatch: pytest.MonkeyPatch, has_answered: bool, patience: str
) -> None:
    monkeypatch.setattr(process_module, patience, 0.05)
    if has_answered:
        process.send(b"jpeg", 1)
        child.answer("packet", 1)
        process.exchange(1.0)
    assert process.exchange(0.1) == [], "it has nothing to do"
    process.send(b"jpeg", 2)
    with pytest.raises(EncoderLost, match="has not answered"):
        process.exchange(0.1)


def test_an_encoder_that_hangs_is_killed(child: Child) -> None:
    child.command = ("sleep", "60")
    process = EncoderProcess(VideoFormat())
    process.send(b"jpeg", 1)
    process.close()
    assert process._process.poll() == -signal.SIGKILL


@pytest.fixture
def busy_descriptors() -> Iterator[None]:
    """Have every descriptor below 1100 taken, as in a node with a thousand viewers."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2048:
        pytest.skip("the system allows fewer than 2048 open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (2048, hard))
    taken = [os.open(os.devnull, os.O_RDONLY)]
    while taken[-1] < 1100:
        taken.append(os.dup(taken[0]))
    yield
    for descriptor in taken:
        os.close(descriptor)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("busy_descriptors")
def test_an_encoder_of_a_node_with_a_thousand_viewers_answers(process: EncoderProcess, child: Child) -> None:
    wakeup = os.eventfd(1, os.EFD_NONBLOCK)
    try:
        process.send(b"jpeg", 1)
        child.answer("packet", 1)
        assert [message.number for message in process.exchange(60.0, wakeup)] == [1]
    finally:
        os.close(wakeup)
