"""Reference with two processes: the work of `floor` in one, whose JPEGs go through shared memory into the other's ring.

`python -m benchmarks.pair FILM FPS`; measures the cost of a separate camera process: a message, a wake-up and another
copy per picture, without any checks. Runs until killed.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import socket
import struct
import sys
from collections import deque
from pathlib import Path

SLOTS, SLOT_BYTES = 8, 1 << 20
RING_FRAMES, RING_BYTES = 300, 64 << 20
# Time, mean luma, offset in the shared memory, length.
MESSAGE = struct.Struct("ddQQ")


def make(link: socket.socket, slots: mmap.mmap, film: Path, fps: float) -> None:
    """Produce pictures, and send a message for each. Runs in the camera's process."""
    from benchmarks import floor  # noqa: PLC0415 - the other process needs none of its libraries

    for number, (mono_s, level, jpeg) in enumerate(floor.pictures(film, fps)):
        at = number % SLOTS * SLOT_BYTES
        slots[at : at + len(jpeg)] = jpeg
        link.send(MESSAGE.pack(mono_s, level, at, len(jpeg)))


def keep(link: socket.socket, slots: mmap.mmap) -> None:
    """Copy each picture into a circular buffer with an index."""
    block = mmap.mmap(-1, RING_BYTES)
    index: deque[tuple[float, float, int, int]] = deque(maxlen=RING_FRAMES)
    head = 0
    while message := link.recv(MESSAGE.size):
        mono_s, level, at, size_bytes = MESSAGE.unpack(message)
        if head + size_bytes > RING_BYTES:
            head = 0
        block[head : head + size_bytes] = slots[at : at + size_bytes]
        index.append((mono_s, level, head, size_bytes))
        head += size_bytes


def main() -> None:
    """Run both processes."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    slots = mmap.mmap(-1, SLOTS * SLOT_BYTES)
    if os.fork():
        theirs.close()
        keep(ours, slots)
    else:
        ours.close()
        with contextlib.suppress(ConnectionError):  # the other process has ended
            make(theirs, slots, Path(sys.argv[1]), float(sys.argv[2]))


if __name__ == "__main__":
    main()
