"""Messages that the camera's process sends for a picture."""

from __future__ import annotations

import os
import socket
from array import array

import pytest

from pi_cam_node.camera.source import Opened
from pi_cam_node.camera.worker.child_main import FrameSender
from pi_cam_node.camera.worker.frame_message import FrameInSlot, decode_frame
from pi_cam_node.camera.worker.messages import Arrived, Image, Planes, Ready
from pi_cam_node.camera.worker.shared_memory import slot_bytes
from pi_cam_node.imaging.frame import NO_FIGURES
from pi_cam_node.imaging.shared_planes import planes_bytes

SIZE = (64, 48)


def sent(planes_size: tuple[int, int], jpeg: bytes = b"jpeg") -> FrameInSlot:
    """Send a picture with planes of a size, and return the message of it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        ours.setblocking(False)
        sender = FrameSender(theirs)
        sender.post(Ready(1, Opened("test", SIZE, "i420", controls=True)))
        _, ancillary, _, _ = ours.recvmsg(10_000, 1000)
        for _level, _kind, data in ancillary:
            for descriptor in array("i", data):
                os.close(descriptor)
        planes = Planes(planes_size, memoryview(bytes(planes_bytes(planes_size))))
        sender.post(Arrived(1, Image(1.0, 1.0, "day", NO_FIGURES, 9.0, None, False, 85, jpeg, planes=planes)))
        frame = decode_frame(ours.recv(10_000))
        assert sender._slots is not None
        sender._slots.close()
        return frame


def test_planes_go_with_a_picture() -> None:
    assert sent(SIZE).planes == SIZE


@pytest.mark.parametrize(
    ("planes_size", "jpeg"), [((640, 480), b"jpeg"), (SIZE, bytes(slot_bytes(SIZE) - 100))], ids=["planes", "jpeg"]
)
def test_a_picture_is_never_missing_for_want_of_room_for_planes(planes_size: tuple[int, int], jpeg: bytes) -> None:
    """With a ring of larger pictures than the camera's, no picture came for as long as something was recorded."""
    frame = sent(planes_size, jpeg)
    assert frame.planes is None
    assert frame.sizes[0] == len(jpeg)
