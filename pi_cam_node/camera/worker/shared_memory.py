"""Pixels between two processes: a few slots in shared memory without a name.

The memory belongs to whoever has it open, so nothing is left behind however the processes end. The camera's side
makes it and writes; the node's side copies each picture out and gives the slot back. It does so by a counter that the
kernel keeps, an eventfd, in which each slot has bits of its own: nobody has to be woken, and a message for each picture
would cost a tenth of a millisecond.
"""

from __future__ import annotations

import fcntl
import math
import mmap
import os
from collections.abc import Sequence

import numpy as np

from pi_cam_node.imaging.jpeg import Layout, Pixels

# One is written, one is on its way, one is being copied.
SLOTS = 3
# Of the counter, which has 64: more than there can be releases before the camera's side looks.
_BITS_PER_SLOT = 16
_MAX_SIDE_PX = 16_384


def shape_of(size: tuple[int, int], layout: Layout) -> tuple[int, ...]:
    """Return the shape of an array of this size in this layout.

    Raises:
        ValueError: There can be no such picture.
    """
    width, height = size
    if not (0 < width <= _MAX_SIDE_PX and 0 < height <= _MAX_SIDE_PX):
        raise ValueError(f"a picture of {width}x{height} pixels")
    if layout == "bgr":
        return (height, width, 3)
    if width % 2 or height % 2:
        raise ValueError(f"an i420 picture of {width}x{height} pixels")
    return (height * 3 // 2, width)


class SlotWriter:
    """The camera's side. Thread: one."""

    def __init__(self, size: tuple[int, int], layout: Layout) -> None:
        self._shape = shape_of(size, layout)
        self._bytes = math.prod(self._shape)
        memory = os.memfd_create("pi-cam-node-frames", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        self._released = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        # The memory and the counter, open until `close`: they are sent to the node.
        self.descriptors = (memory, self._released)
        os.truncate(memory, SLOTS * self._bytes)
        self._memory = mmap.mmap(memory, SLOTS * self._bytes)
        self._free = list(range(SLOTS))

    def put(self, pixels: Pixels) -> int | None:
        """Copy a picture into a free slot and return its number, or ``None`` where there is none."""
        self._take_back()
        if not self._free:
            return None
        # The one used last: it is still in the processor's cache, and the others take no memory before they are needed.
        slot = self._free.pop()
        view = np.frombuffer(self._memory, np.uint8, self._bytes, slot * self._bytes)
        np.copyto(view.reshape(self._shape), pixels)
        return slot

    def _take_back(self) -> None:
        """Take back the slots that the node has released."""
        try:
            released = os.eventfd_read(self._released)
        except BlockingIOError:  # none
            return
        for slot in range(SLOTS):
            is_released = released >> slot * _BITS_PER_SLOT & (1 << _BITS_PER_SLOT) - 1
            if is_released and slot not in self._free:
                self._free.append(slot)

    def close(self) -> None:
        """Give the memory up; the node keeps it for as long as it needs it."""
        self._memory.close()
        for descriptor in self.descriptors:
            os.close(descriptor)


class SlotReader:
    """The node's side."""

    def __init__(self, descriptors: Sequence[int], size: tuple[int, int], layout: Layout) -> None:
        """Map the memory; the descriptors are not needed any more afterwards.

        Raises:
            ValueError: They are not two, or the memory is smaller than the pictures that it shall hold.
            OSError: It is no memory of that kind.
        """
        descriptor, released = descriptors
        self._shape = shape_of(size, layout)
        self._bytes = math.prod(self._shape)
        # Sealed first: memory that the other side made shorter later would kill us with SIGBUS.
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
        if os.fstat(descriptor).st_size < SLOTS * self._bytes:
            raise ValueError("the shared memory is too small for the pictures announced")
        self._memory = mmap.mmap(descriptor, SLOTS * self._bytes, prot=mmap.PROT_READ)
        self._released = os.dup(released)
        os.set_blocking(self._released, False)

    def take(self, slot: int) -> Pixels:
        """Return a copy of the picture in a slot, and release the slot.

        Raises:
            ValueError: There is no such slot.
        """
        if not 0 <= slot < SLOTS:
            raise ValueError(f"slot {slot}")
        copy = np.frombuffer(self._memory, np.uint8, self._bytes, slot * self._bytes).reshape(self._shape).copy()
        os.eventfd_write(self._released, 1 << slot * _BITS_PER_SLOT)
        return copy

    def close(self) -> None:
        """Give the memory up."""
        self._memory.close()
        os.close(self._released)
