"""Transfers pictures between two processes in slots of anonymous shared memory.

The memory exists as long as a process has it open, so none is leaked however the processes end. The camera's side
creates and writes it; the node's side copies each picture and releases the slot. Planes for a video encoder are not
copied: they stay in their slot until the encoder has read them. Slots are released through an eventfd, a counter of
the kernel in which each slot has its own bits: no thread is woken, and a message per picture would take a tenth of a
millisecond. Only the current owner of a slot writes to it, so no slot is overwritten while it is read.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import threading
from collections.abc import Sequence
from functools import partial

from pi_cam_node.imaging.shared_planes import SharedPlanes, planes_bytes

# One being written, one being copied; the others hold pictures while the node gets no CPU time: half a second and more
# at start on a busy board. Unused slots take no memory.
SLOTS = 8
# One of the eight bytes of the counter: enough for all releases before the camera's side reads it.
_BITS_PER_SLOT = 8
MAX_SIDE_PX = 16_384
# Enough for JPEGs in a few qualities and the pixels; unwritten memory is not allocated.
_BYTES_PER_PX, _LEAST_BYTES = 8, 1 << 18
# Memory of slots that held more than this is returned, as raw pixels are rare.
_LARGE_BYTES = 1 << 20
_WIPED_AT_ONCE_BYTES = 1 << 20


def slot_bytes(size: tuple[int, int]) -> int:
    """Return the size of a slot in bytes (whole pages) for a picture size.

    Raises:
        ValueError: The picture size is invalid.
    """
    width, height = size
    if not (0 < width <= MAX_SIDE_PX and 0 < height <= MAX_SIDE_PX):
        raise ValueError(f"a picture of {width}x{height} pixels")
    return -(-max(_LEAST_BYTES, _BYTES_PER_PX * width * height) // mmap.PAGESIZE) * mmap.PAGESIZE


class SlotWriter:
    """Writes pictures into slots, in the camera's process. Thread: one.

    Attributes:
        slot_bytes: Size of a slot.
        is_read: Whether the node has read any picture yet.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        """Create slots for pictures of a width and height in pixels."""
        self.slot_bytes = slot_bytes(size)
        memory = os.memfd_create("pi-cam-node-frames", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        self._released = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        # Memory and counter, open until `close`, to be sent to the node.
        self.descriptors = (memory, self._released)
        os.truncate(memory, SLOTS * self.slot_bytes)
        self._memory = mmap.mmap(memory, SLOTS * self.slot_bytes)
        self._free = list(range(SLOTS))
        # Slots whose memory is to be returned: large ones, and those with planes once these are no longer shared.
        self._large: set[int] = set()
        self._with_planes: set[int] = set()
        self.is_read = False

    def put(self, parts: Sequence[bytes], planes: memoryview | None = None) -> int | None:
        """Copy planes and the parts of a picture into a free slot; return its number.

        Returns:
            ``None`` if no slot is free, or the data is too large.
        """
        self._take_back()
        size_bytes = sum(map(len, parts))
        if not self._free or size_bytes + (planes.nbytes if planes is not None else 0) > self.slot_bytes:
            return None
        # Keep the memory of slots with planes that are in use, and of the next one; others were needed only briefly.
        self._give_back(self._with_planes if planes is None else self._with_planes - {self._free[-1]})
        # The slot used last is still in the CPU cache, and the others may never be needed.
        slot = self._free.pop()
        at = slot * self.slot_bytes
        if planes is not None:
            self._memory[at : at + planes.nbytes] = planes
            at += planes.nbytes
            self._with_planes.add(slot)
        for part in parts:
            self._memory[at : at + len(part)] = part
            at += len(part)
        if size_bytes > _LARGE_BYTES:
            self._large.add(slot)
        return slot

    def _take_back(self) -> None:
        """Reclaim slots released by the node."""
        try:
            released = os.eventfd_read(self._released)
        except BlockingIOError:  # none released
            return
        self.is_read = True
        for slot, releases in enumerate(released.to_bytes(SLOTS, "little")):
            if releases and slot not in self._free:
                self._free.append(slot)
        self._give_back(self._large)

    def _give_back(self, slots: set[int]) -> None:
        """Return the memory of free slots to the system."""
        for slot in slots & set(self._free) if slots else ():
            self._memory.madvise(mmap.MADV_REMOVE, slot * self.slot_bytes, self.slot_bytes)
            self._large.discard(slot)
            self._with_planes.discard(slot)

    def close(self) -> None:
        """Unmap the memory; the node may keep it open."""
        self._memory.close()
        for descriptor in self.descriptors:
            os.close(descriptor)


class SlotReader:
    """Reads pictures from slots, in the node's process, and lends planes.

    Thread: one; lent planes may be returned on any.
    """

    def __init__(self, descriptors: Sequence[int], size: tuple[int, int]) -> None:
        """Map the memory; the caller may close the descriptors afterwards.

        Raises:
            ValueError: There are not two descriptors, or the memory is too small for the pictures.
            OSError: The descriptor is not sealable shared memory.
        """
        descriptor, released = descriptors
        self._bytes = slot_bytes(size)
        # Sealed first: if the other process shrank the memory, this process would get SIGBUS.
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
        if os.fstat(descriptor).st_size < SLOTS * self._bytes:
            raise ValueError("the shared memory is too small for the pictures announced")
        self._memory = mmap.mmap(descriptor, SLOTS * self._bytes, prot=mmap.PROT_READ)
        self._descriptor, self._released = os.dup(descriptor), os.dup(released)
        os.set_blocking(self._released, False)
        self._lock = threading.Lock()
        self._lent, self._is_closed = 0, False

    def take(self, slot: int, sizes: Sequence[int], planes: tuple[int, int] | None = None) -> list[bytes]:
        """Return copies of a picture's parts, and release the slot unless it contains planes.

        Args:
            slot: Number of the slot.
            sizes: Bytes of each part.
            planes: Width and height of the planes before the parts, to be lent; see `lend`.

        Raises:
            ValueError: The slot does not exist, or is too small.
        """
        before_bytes = planes_bytes(planes) if planes is not None else 0
        size_bytes = before_bytes + sum(sizes)
        if not 0 <= slot < SLOTS or min(sizes, default=0) < 0 or size_bytes > self._bytes:
            raise ValueError(f"planes of {planes} and parts of {list(sizes)} B in slot {slot}")
        at, parts = slot * self._bytes + before_bytes, []
        for part_bytes in sizes:
            parts.append(self._memory[at : at + part_bytes])
            at += part_bytes
        if planes is None:
            os.eventfd_write(self._released, 1 << slot * _BITS_PER_SLOT)
        return parts

    def lend(self, slot: int, planes: tuple[int, int], mono_s: float) -> SharedPlanes:
        """Lend the planes of a picture; the slot is released when they are returned."""
        with self._lock:
            self._lent += 1
        return SharedPlanes(mono_s, planes, self._descriptor, slot * self._bytes, partial(self._take_back, slot))

    def close(self) -> None:
        """Unmap the memory, and overwrite it as soon as nothing is lent any more."""
        self._memory.close()
        with self._lock:
            self._is_closed = True
            if not self._lent:
                self._wipe()

    def _take_back(self, slot: int) -> None:
        with self._lock:
            self._lent -= 1
            if not self._is_closed:
                os.eventfd_write(self._released, 1 << slot * _BITS_PER_SLOT)
            elif not self._lent:
                self._wipe()

    def _wipe(self) -> None:
        """Overwrite all written parts of the shared memory, and close its descriptor."""
        zeros, end = bytes(_WIPED_AT_ONCE_BYTES), 0
        while (start := _seek(self._descriptor, end, os.SEEK_DATA)) is not None:
            end = _seek(self._descriptor, start, os.SEEK_HOLE) or start
            for at in range(start, end, len(zeros)):
                os.pwrite(self._descriptor, zeros[: end - at], at)
        os.close(self._descriptor)
        os.close(self._released)


def _seek(descriptor: int, at: int, what: int) -> int | None:
    """Return the offset of a file's next data or hole; ``None`` if there is none."""
    try:
        return os.lseek(descriptor, at, what)
    except OSError:  # at the end of the file
        return None
