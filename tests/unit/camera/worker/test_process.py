"""The node's side of the camera's process, with a fake process and real shared memory."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from typing import cast

import pytest

from pi_cam_node.camera.source import Opened
from pi_cam_node.camera.worker.base import WorkerLost
from pi_cam_node.camera.worker.frame_message import FrameInSlot, encode_frame
from pi_cam_node.camera.worker.messages import Arrived, Order, Ready, Share, decode_order, encode
from pi_cam_node.camera.worker.process import ProcessWorker
from pi_cam_node.camera.worker.shared_memory import SlotWriter
from pi_cam_node.camera.worker.spawn import Spawned
from pi_cam_node.imaging.frame import Sensor
from pi_cam_node.imaging.shared_planes import PlanesStore, planes_bytes

SIZE = (64, 48)


class FakeProcess:
    pid = 1

    def wait(self, timeout_s: float) -> int:
        return 0


def test_the_memory_of_a_session_is_given_up_once_where_that_of_the_next_cannot_be_had() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    read_end, write_end = os.pipe2(os.O_NONBLOCK)
    spawned = Spawned(cast("subprocess.Popen[bytes]", FakeProcess()), ours, os.fdopen(read_end, "rb"))
    child, writer = ProcessWorker(spawned), SlotWriter(SIZE)

    def say_ready(session: int) -> None:
        report = Ready(session, Opened("synthetic", SIZE, "bgr", controls=True))
        socket.send_fds(theirs, [encode(report)], list(writer.descriptors))

    say_ready(1)
    child.take()
    assert child._slots is not None
    number = child._slots._released
    say_ready(2)  # with memory that is sealed by now and can be mapped no more
    with pytest.raises(WorkerLost, match="not permitted"):
        child.take()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)

    # Somebody else opens something and is given the number that became free.
    os.dup2(write_end, number)
    assert child.end(0)
    assert os.path.sameopenfile(number, write_end)

    for descriptor in (number, write_end):
        os.close(descriptor)
    theirs.close()
    writer.close()


class Child:
    """The camera's process: sessions, pictures with planes or without, and the orders that it was given."""

    def __init__(self) -> None:
        ours, self._link = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (ours, self._link):
            end.setblocking(False)
        read_end, self._output = os.pipe2(os.O_NONBLOCK)
        spawned = Spawned(cast("subprocess.Popen[bytes]", FakeProcess()), ours, os.fdopen(read_end, "rb"))
        self.store = PlanesStore()
        self.worker = ProcessWorker(spawned, self.store)
        self.writer, self._session = SlotWriter(SIZE), 0

    def open(self) -> None:
        self.writer.close()
        self.writer, self._session = SlotWriter(SIZE), self._session + 1
        report = Ready(self._session, Opened("synthetic", SIZE, "i420", controls=True))
        socket.send_fds(self._link, [encode(report)], list(self.writer.descriptors))
        self.worker.take()

    def send(self, mono_s: float, planes: bytes | None) -> Arrived:
        parts = [b"jpeg", b"", b"", b""]
        slot = self.writer.put(parts, None if planes is None else memoryview(planes))
        assert slot is not None
        report = FrameInSlot(
            self._session, slot, (4, 0, 0, 0), (), mono_s, mono_s, "day", Sensor(), 9.0, None, False, 85, 0,
            planes=None if planes is None else SIZE,
        )  # fmt: skip
        self._link.send(encode_frame(report))
        (arrived,) = self.worker.take()
        assert isinstance(arrived, Arrived)
        return arrived

    def orders(self) -> list[Order]:
        found: list[Order] = []
        try:
            while True:
                found.append(decode_order(self._link.recv(10_000)))
        except BlockingIOError:
            return found

    def close(self) -> None:
        self._link.close()
        os.close(self._output)
        self.writer.close()


@pytest.fixture
def child() -> Iterator[Child]:
    made = Child()
    made.open()
    yield made
    made.close()


PLANES = b"\7" * planes_bytes(SIZE)


def test_planes_are_asked_for_while_somebody_wants_them_and_once(child: Child) -> None:
    child.send(1.0, None)
    assert child.orders() == []
    with child.store.wanted():
        child.send(2.0, None)
        assert child.orders() == [Share(planes=True)]
        child.send(3.0, None)
        assert child.orders() == [], "some pictures have none, such as those of an odd size"
        arrived = child.send(4.0, PLANES)
        assert arrived.image.jpeg == b"jpeg"
        planes = child.store.borrow(4.0)
        assert planes is not None
        assert os.pread(planes.descriptor, len(PLANES), planes.offset_bytes) == PLANES
        planes.give_back()
    child.send(5.0, PLANES)
    assert child.orders() == [Share(planes=False)]
    child.send(6.0, None)
    assert child.orders() == []
    assert child.worker.end(0.0)


def test_another_session_is_asked_anew_and_an_order_that_came_late_is_taken_back(child: Child) -> None:
    with child.store.wanted():
        child.send(1.0, None)
        child.orders()
        child.open()
        child.send(2.0, None)
        assert child.orders() == [Share(planes=True)]
        child.open()
    child.send(3.0, PLANES)
    assert child.orders() == [Share(planes=False)], "the order reached the session that is open now"
    assert child.worker.end(0.0)


def test_at_the_end_nothing_is_left_of_planes_once_the_encoder_has_let_go(child: Child) -> None:
    memory = os.dup(child.writer.descriptors[0])
    with child.store.wanted():
        child.send(1.0, PLANES)
        child.send(2.0, PLANES)
        read = child.store.borrow(2.0)
        assert read is not None
        assert child.worker.end(0.0)
        assert child.store.borrow(1.0) is None
        assert PLANES in os.pread(memory, os.fstat(memory).st_size, 0), "it is still read"
        read.give_back()
        assert not any(os.pread(memory, os.fstat(memory).st_size, 0))
    os.close(memory)
