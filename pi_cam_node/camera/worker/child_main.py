"""Main program of the camera's process.

Usage: ``python -m pi_cam_node.camera.worker.child_main <fd> <pid of the node> [<source>]``. The main thread owns the
source. A second thread reads the node's orders, also while a driver hangs, and ends the process when the node has
ended. Signals meant for the node are blocked by the parent process.
"""

from __future__ import annotations

import importlib
import logging
import os
import socket
import sys
import threading

from pi_cam_node.base import malloc
from pi_cam_node.base.deferred_import import deferred
from pi_cam_node.base.log_stream import LogStream
from pi_cam_node.base.parent_death import die_with
from pi_cam_node.camera.catalogue import memory_bytes
from pi_cam_node.camera.worker.child_log import OneLine
from pi_cam_node.camera.worker.frame_message import FrameInSlot, encode_frame
from pi_cam_node.camera.worker.image_parts import parts_of, told_packet
from pi_cam_node.camera.worker.messages import (
    MAX_MESSAGE_BYTES,
    Arrived,
    Open,
    Order,
    Quit,
    Ready,
    Report,
    decode_order,
    encode,
)
from pi_cam_node.camera.worker.packet_queue import PacketQueue
from pi_cam_node.camera.worker.shared_memory import SlotWriter

# Modules that numpy imports for functions that are not used here. numpy.linalg is last: deferring it imports numpy.
with deferred("pickle"), deferred("platform"), deferred("numpy.linalg"):
    from pi_cam_node.camera.worker.source_loop import SourceLoop

_log = logging.getLogger(__name__)

# Time limit for closing a source; a hung driver is left to the kernel.
_CLOSE_S = 2.0
# Freed memory kept for the next picture; more than the buffers of usual pictures need.
_KEPT_BYTES = 8 << 20
# Packets may use one half of a slot, as the picture needs the other.
_PACKETS_SHARE = 2


class FrameSender:
    """Sends reports to the node, and pixels through shared memory. Thread: the main thread."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._session = 0
        self._slots: SlotWriter | None = None
        self._packets = PacketQueue()
        self._skipped = 0
        self._is_settled = False

    def post(self, report: Report) -> None:
        """Send a report.

        Raises:
            OSError: The node has ended.
        """
        if isinstance(report, Ready):
            self._begin(report)
        elif isinstance(report, Arrived):
            self._send_image(report)
        else:
            self._link.send(encode(report))

    def _begin(self, report: Ready) -> None:
        old = self._slots
        self._slots, self._packets = SlotWriter(report.opened.size), PacketQueue()
        self._session, self._skipped, self._is_settled = report.session, 0, False
        if old is not None:
            old.close()
        socket.send_fds(self._link, [encode(report)], self._slots.descriptors)

    def _send_image(self, report: Arrived) -> None:
        if self._slots is None:
            return
        image = report.image
        self._packets.put(image.packets)
        packets = self._packets.next(self._slots.slot_bytes // _PACKETS_SHARE)
        parts = parts_of(image, packets)
        planes = image.planes
        if planes is not None and sum(map(len, parts)) + planes.data.nbytes > self._slots.slot_bytes:
            planes = None  # the ring's pictures are larger than the camera's: an encoder uses the JPEG
        slot = self._slots.put(parts, planes.data if planes is not None else None)
        if slot is None:
            self._skipped += self._slots.is_read  # frames before the node has started do not count
            return
        self._packets.sent(len(packets))
        in_slot = FrameInSlot(
            report.session,
            slot,
            tuple(map(len, parts)),
            tuple(image.jpegs),
            image.exposed_mono_s,
            image.captured_mono_s,
            image.mode,
            image.sensor,
            image.brightness,
            image.checksum,
            image.flat,
            image.quality,
            report.skipped + self._skipped,
            image.motion,
            tuple(map(told_packet, packets)),
            planes.size if planes is not None else None,
        )
        self._link.send(encode_frame(in_slot))
        if not self._is_settled:  # after the first image all imports and preparations are done
            self._is_settled = True
            malloc.release_startup_memory()


def hear(link: socket.socket, source_loop: SourceLoop, ended: threading.Event) -> None:
    """Pass orders from the node on until the order to quit or the end of the node; then end this process."""
    order = _next_order(link)
    while not isinstance(order, Quit):
        if isinstance(order, Open) and (most_bytes := memory_bytes(order.camera.source)):
            malloc.limit_private_memory(most_bytes)
        source_loop.order(order)
        order = _next_order(link)
    source_loop.order(order)
    if not ended.wait(_CLOSE_S):
        _log.warning("the source did not close within %g s", _CLOSE_S)
        os._exit(1)


def _next_order(link: socket.socket) -> Order:
    """Receive the next order; `Quit` if the node has ended or its message is invalid."""
    try:
        datagram = link.recv(MAX_MESSAGE_BYTES)
        return decode_order(datagram) if datagram else Quit()
    except (OSError, ValueError) as error:
        _log.warning("no more orders: %s", error)
        return Quit()


def prepare(source: str) -> None:
    """Import a source's module beforehand, so that opening it takes less time."""
    try:
        importlib.import_module(f"pi_cam_node.camera.{source}")
    except ImportError as error:
        _log.debug("%s cannot be imported: %s", source, error)  # reported when the source is opened


def main(descriptor: int, parent: int, source: str) -> None:
    """Run a source until the order to quit."""
    die_with(parent)
    malloc.keep_for_next_picture(_KEPT_BYTES)
    handler = LogStream()
    handler.setFormatter(OneLine())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    link = socket.socket(fileno=descriptor)
    source_loop, ended = SourceLoop(FrameSender(link).post), threading.Event()
    threading.Thread(target=hear, args=(link, source_loop, ended), name="orders", daemon=True).start()
    if source:
        prepare(source)
    try:
        source_loop.run()
    except OSError as error:
        _log.warning("the node has ended: %s", error)
    ended.set()
    # Everything is closed by now, and exit handlers of libraries may hang.
    logging.shutdown()
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
