"""Video4Linux memory-to-memory codec: encodes pictures to packets, in buffers of the driver.

The order of calls follows picamera2's own encoder. Buffers are allocated by the driver and mapped, so that pictures of
any origin can be copied into them.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
from collections.abc import Callable
from ctypes import addressof, c_int
from dataclasses import field
from typing import Any

from pi_cam_node.base.frozen import frozen
from pi_cam_node.camera.encoder import v4l2_structures as v

DEVICE = "/dev/video11"
DRIVER = b"bcm2835-codec"
# Buffers: one being written, one being encoded, one queued; more would need scarce contiguous memory.
_INPUTS, _OUTPUTS = 3, 4
# Size of an output buffer, into which a packet must fit.
_PACKET_BYTES = 1 << 20


class SystemCalls:
    """The system calls that the codec needs; replaced in tests."""

    def open(self, path: str) -> int:
        """Open the device in non-blocking mode; return its descriptor."""
        return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def ioctl(self, descriptor: int, request: int, argument: Any) -> None:
        """Call the driver, which may fill in the argument; raises OSError."""
        fcntl.ioctl(descriptor, request, argument, True)

    def map(self, descriptor: int, size_bytes: int, offset: int) -> Any:
        """Map a buffer; return writable bytes with `close`."""
        return mmap.mmap(descriptor, size_bytes, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE, offset=offset)

    def close(self, descriptor: int) -> None:
        """Close the device; the driver stops and frees all resources."""
        os.close(descriptor)


@frozen
class Encoded:
    """An encoded buffer of the codec.

    Attributes:
        data: H.264 in Annex B form.
        is_key: Whether it is a key frame.
        is_damaged: Whether the driver reports an error in it.
        ticks_us: Time stamp of its picture.
    """

    data: bytes = field(repr=False)
    is_key: bool
    is_damaged: bool
    ticks_us: int


class V4l2Codec:
    """One context of the codec; several may be open at a time. Thread: one.

    Attributes:
        stride: Bytes of a luma row in an input buffer, set by `start`; a chroma row has half.
    """

    def __init__(self, device: str = DEVICE, calls: SystemCalls | None = None) -> None:
        """Open the device.

        Raises:
            OSError: There is no device, it is not accessible, or it has another driver.
        """
        self._calls: SystemCalls = calls or SystemCalls()
        self._descriptor = self._calls.open(device)
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._free: list[int] = []
        self.stride = 0
        self._is_open = True
        told = v.Capability()
        try:
            self._ioctl(v.QUERYCAP, told)
        except OSError:
            self.close()
            raise
        if told.driver != DRIVER:
            self.close()
            raise OSError(errno.ENODEV, f"{device} has the driver {told.driver.decode(errors='replace')}")

    def set(self, control: int, value: int) -> None:
        """Set a control; raises OSError if the driver refuses it."""
        self._ioctl(v.S_CTRL, v.Control(control, value))

    def start(self, size: tuple[int, int], rate_hz: float) -> None:
        """Set size and rate, and start. Set controls before, except `v4l2_structures.FORCE_KEY_FRAME`.

        Raises:
            OSError: The codec does not support the size, or is out of memory.
        """
        granted = self._set_format(v.OUTPUT, size, v.YUV420)
        if (granted.width, granted.height) != size:
            raise OSError(errno.EINVAL, f"the encoder does not support pictures of {size[0]}x{size[1]}")
        self.stride = int(granted.plane_fmt[0].bytesperline)
        self._set_format(v.CAPTURE, size, v.H264)
        self._ioctl(v.S_PARM, v.StreamParameters.of_rate(rate_hz))
        self._map(v.OUTPUT, _INPUTS, self._inputs)
        self._map(v.CAPTURE, _OUTPUTS, self._outputs)
        if self.stride < size[0] or any(len(each) < self.stride * size[1] * 3 // 2 for each in self._inputs):
            raise OSError(errno.EINVAL, f"a picture of {size[0]}x{size[1]} does not fit into the encoder's buffers")
        self._free = list(range(len(self._inputs)))
        for index in range(len(self._outputs)):
            self._queue(v.CAPTURE, index)
        for queue in (v.OUTPUT, v.CAPTURE):
            self._ioctl(v.STREAMON, c_int(queue))

    def put(self, write: Callable[[memoryview], int], ticks_us: int) -> bool:
        """Queue a picture; return ``False`` if the codec is busy.

        Args:
            write: Writes the picture into a buffer and returns its size in bytes.
            ticks_us: Time stamp in microseconds, which is returned with its packet.

        Raises:
            OSError: The driver refuses.
        """
        if not self._free:
            return False
        index = self._free.pop()
        with memoryview(self._inputs[index]) as target:
            used_bytes = write(target)
        self._queue(v.OUTPUT, index, used_bytes, ticks_us)
        return True

    def take(self) -> list[Encoded]:
        """Return finished packets, and reclaim buffers of encoded pictures. Does not wait.

        Raises:
            OSError: The driver has failed.
        """
        while (buffer := self._dequeue(v.OUTPUT)) is not None:
            self._free.append(buffer[0].index)
        came: list[Encoded] = []
        while (buffer := self._dequeue(v.CAPTURE)) is not None:
            head, used_bytes = buffer
            data = bytes(self._outputs[head.index][:used_bytes])
            is_key, is_damaged = bool(head.flags & v.KEY_FRAME_FLAG), bool(head.flags & v.ERROR_FLAG)
            came.append(Encoded(data, is_key, is_damaged, head.seconds * 1_000_000 + head.microseconds))
            self._queue(v.CAPTURE, head.index)
        return came

    def close(self) -> None:
        """Release all resources. Safe to call twice."""
        if not self._is_open:
            return
        self._is_open = False
        for memory in (*self._inputs, *self._outputs):
            memory.close()
        self._inputs, self._outputs, self._free = [], [], []
        self._calls.close(self._descriptor)

    def _set_format(self, queue: int, size: tuple[int, int], pixel_format: int) -> Any:
        wanted = v.Format(queue)
        pixels = wanted.fmt.pix_mp
        pixels.width, pixels.height = size
        pixels.pixelformat, pixels.field, pixels.num_planes = pixel_format, v.FIELD_NONE, 1
        # Full range, as in JPEG.
        pixels.colorspace = v.COLORSPACE_JPEG
        pixels.plane_fmt[0].sizeimage = _PACKET_BYTES if queue == v.CAPTURE else 0
        self._ioctl(v.S_FMT, wanted)
        if wanted.fmt.pix_mp.pixelformat != pixel_format:
            raise OSError(errno.EINVAL, "the encoder does not support the format")
        return wanted.fmt.pix_mp

    def _map(self, queue: int, count: int, memories: list[Any]) -> None:
        asked = v.RequestBuffers(count, queue, v.MMAP)
        self._ioctl(v.REQBUFS, asked)
        for index in range(asked.count):
            plane = v.Plane()
            self._ioctl(v.QUERYBUF, v.Buffer(index, queue, memory=v.MMAP, planes=addressof(plane), length=1))
            memories.append(self._calls.map(self._descriptor, plane.length, plane.m & 0xFFFFFFFF))

    def _queue(self, queue: int, index: int, used_bytes: int = 0, ticks_us: int = 0) -> None:
        plane = v.Plane(bytesused=used_bytes)
        buffer = v.Buffer(index, queue, field=v.FIELD_NONE, memory=v.MMAP, planes=addressof(plane), length=1)
        buffer.seconds, buffer.microseconds = divmod(ticks_us, 1_000_000)
        self._ioctl(v.QBUF, buffer)

    def _dequeue(self, queue: int) -> tuple[Any, int] | None:
        """Dequeue a finished buffer; return its header and size in bytes, ``None`` if there is none."""
        plane = v.Plane()
        buffer = v.Buffer(type=queue, memory=v.MMAP, planes=addressof(plane), length=1)
        try:
            self._ioctl(v.DQBUF, buffer)
        except BlockingIOError:
            return None
        return buffer, int(plane.bytesused)

    def _ioctl(self, request: int, argument: Any) -> None:
        self._calls.ioctl(self._descriptor, request, argument)
