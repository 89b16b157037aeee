"""What the node does with the messages of the camera's process; the process is a stand-in, its memory is real."""

from __future__ import annotations

import os
import socket
import subprocess
from typing import cast

import pytest

from pi_cam_node.camera.source import Opened
from pi_cam_node.camera.worker.base import WorkerLost
from pi_cam_node.camera.worker.messages import Ready, encode
from pi_cam_node.camera.worker.process import ProcessWorker
from pi_cam_node.camera.worker.shared_memory import SlotWriter
from pi_cam_node.camera.worker.spawn import Spawned

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
