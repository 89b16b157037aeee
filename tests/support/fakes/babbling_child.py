"""A camera process that sends invalid messages; an environment variable chooses which."""

from __future__ import annotations

import os
import socket
import sys

from pi_cam_node.camera.source import Opened
from pi_cam_node.camera.worker.frame_message import FrameInSlot, encode_frame
from pi_cam_node.camera.worker.messages import Open, Ready, decode_order, encode
from pi_cam_node.camera.worker.shared_memory import SlotWriter
from pi_cam_node.imaging.frame import Sensor

BABBLE = "BABBLE"


def image_in(session: int, slot: int, sizes: tuple[int, ...] = (4, 0, 0)) -> FrameInSlot:
    return FrameInSlot(session, slot, sizes, (), 1.0, 2.0, "day", Sensor(), 10.0, None, False, 85, 0)


def main() -> None:
    link = socket.socket(fileno=int(sys.argv[1]))
    order = decode_order(link.recv(16_384))
    assert isinstance(order, Open)
    opened = Opened("babble", (64, 48), "bgr", controls=False)
    ready = encode(Ready(order.session, opened))
    slots = SlotWriter(opened.size)
    match os.environ[BABBLE]:
        case "noise":
            link.send(b"\xff\x00 no message at all")
        case "no memory":
            link.send(ready)
        case "too small a memory":
            huge = Ready(order.session, Opened("babble", (1024, 768), "bgr", controls=False))
            socket.send_fds(link, [encode(huge)], slots.descriptors)
        case "no such slot":
            socket.send_fds(link, [ready], slots.descriptors)
            link.send(encode_frame(image_in(order.session, 99)))
        case "parts that no slot holds":
            socket.send_fds(link, [ready], slots.descriptors)
            link.send(encode_frame(image_in(order.session, 0, (slots.slot_bytes, 1, 0))))
        case "a part of less than nothing":
            socket.send_fds(link, [ready], slots.descriptors)
            link.send(encode_frame(image_in(order.session, 0, (5, -1 & (1 << 32) - 1, 0))))
        case "a part too few":
            socket.send_fds(link, [ready], slots.descriptors)
            link.send(encode_frame(image_in(order.session, 0, (5, 0))))
        case "too long":
            link.send(b"x" * 60_000)
        case "an image before the camera is open":
            link.send(encode_frame(image_in(order.session, 0)))
    link.recv(16_384)


if __name__ == "__main__":
    main()
