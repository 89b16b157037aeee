"""The camera's own process: ``python -m pi_cam_node.camera.worker.child_main <fd> <pid of the node> [<source>]``.

The main thread owns the source. A second one reads the node's orders, so that they are read while a driver hangs,
and ends the process when the node is gone. Signals meant for the node are blocked by the process that starts this one.
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
from pi_cam_node.base.parent_death import die_with
from pi_cam_node.camera.worker.child_log import OneLine
from pi_cam_node.camera.worker.frame_message import FrameInSlot, encode_frame
from pi_cam_node.camera.worker.image_parts import parts_of, told_packet
from pi_cam_node.camera.worker.messages import (
    MAX_MESSAGE_BYTES,
    Arrived,
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

# How long a source may take to close; drivers that hang are left to the kernel.
_CLOSE_S = 2.0
# More than the buffers of a usual picture take; what is larger goes back to the system at once.
_KEPT_BYTES = 8 << 20
# Packets may take half of a slot; the picture has the other.
_PACKETS_SHARE = 2


class FrameSender:
    """Sends reports to the node, pixels through shared memory. Thread: the main thread."""

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
            OSError: The node is gone.
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
            planes = None  # a ring of larger pictures than the camera's: an encoder takes the JPEG
        slot = self._slots.put(parts, planes.data if planes is not None else None)
        if slot is None:
            self._skipped += self._slots.is_read  # while the node is not up yet nothing is lost to it
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
        if not self._is_settled:  # with the first image everything is imported and prepared
            self._is_settled = True
            malloc.release_startup_memory()


def hear(link: socket.socket, source_loop: SourceLoop, ended: threading.Event) -> None:
    """Pass the node's orders on, until the order to quit or the end of the node; then make this process end."""
    order = _next_order(link)
    while not isinstance(order, Quit):
        source_loop.order(order)
        order = _next_order(link)
    source_loop.order(order)
    if not ended.wait(_CLOSE_S):
        _log.warning("the source did not close within %g s", _CLOSE_S)
        os._exit(1)


def _next_order(link: socket.socket) -> Order:
    """Return the next order; `Quit` where the node is gone or its message makes no sense."""
    try:
        datagram = link.recv(MAX_MESSAGE_BYTES)
        return decode_order(datagram) if datagram else Quit()
    except (OSError, ValueError) as error:
        _log.warning("no more orders: %s", error)
        return Quit()


def prepare(source: str) -> None:
    """Import a module of this package, so that opening its source will not have to wait for it."""
    try:
        importlib.import_module(f"pi_cam_node.camera.{source}")
    except ImportError as error:
        _log.debug("%s cannot be imported yet: %s", source, error)  # the order to open it reports it


def main(descriptor: int, parent: int, source: str) -> None:
    """Run a source until the order to quit."""
    die_with(parent)
    malloc.keep_for_next_picture(_KEPT_BYTES)
    handler = logging.StreamHandler()
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
        _log.warning("the node is gone: %s", error)
    ended.set()
    # Everything is closed by now, and what libraries do at exit may hang.
    logging.shutdown()
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
