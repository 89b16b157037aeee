"""Fake kernel below `V4l2Codec`: the encoder of a Raspberry Pi, modelled on its driver's source.

The driver is ``bcm2835-v4l2-codec.c`` of raspberrypi/linux. What it encodes is real H.264, made by libx264, so that
what comes out can be decoded. What the driver's source does not tell (how late a packet is) may be set.
"""

from __future__ import annotations

import errno
import mmap
from collections import deque
from fractions import Fraction
from typing import Any

import av
import numpy as np

from pi_cam_node.camera.encoder import v4l2_structures as v
from pi_cam_node.camera.encoder.v4l2_codec import DRIVER, SystemCalls
from pi_cam_node.imaging.h264 import kind_of, nal_units

_ALIGN = 64  # of a row of YUV420 on the way into the encoder
_WIDTH_MAX = 1920
_CONTROLS = (v.BITRATE, v.REPEAT_SEQ_HEADER, v.FORCE_KEY_FRAME, v.H264_I_PERIOD, v.H264_LEVEL, v.H264_PROFILE)


class FakePiEncoder(SystemCalls):
    """The calls for one device, with several consecutive contexts.

    Attributes:
        late: Number of pictures that the encoder buffers before the first packet.
        refused: Exceptions raised by ioctls, by number.
        is_hung: Whether no more packets are output.
        damaged: Number of further packets with the driver's error flag.
        forgets_times: Whether packets have no time stamp.
        row_bytes: Bytes of a luma row, if not the driver's default.
        controls: Controls that were set, with values.
    """

    def __init__(self, *, driver: bytes = DRIVER, late: int = 1, missing: bool = False) -> None:
        self.driver, self.late, self.missing = driver, late, missing
        self.refused: dict[int, int] = {}
        self.is_hung = False
        self.damaged = 0
        self.forgets_times = False
        self.row_bytes: int | None = None
        self.controls: dict[int, int] = {}
        self.open_contexts = 0
        self.stride = 0
        self._reset()

    def _reset(self) -> None:
        self._size = (32, 32)
        self._mapped: list[mmap.mmap] = []
        self._rate = 30.0
        self._memory: dict[int, list[mmap.mmap]] = {v.OUTPUT: [], v.CAPTURE: []}
        self._queued: dict[int, deque[Any]] = {v.OUTPUT: deque(), v.CAPTURE: deque()}
        self._done: dict[int, deque[Any]] = {v.OUTPUT: deque(), v.CAPTURE: deque()}
        self._streaming: set[int] = set()
        self._encoder: Any = None
        self._made_any = False
        self._made: deque[tuple[bytes, bool, int, int]] = deque()
        self._is_key_asked = False
        self._since_key = 0

    # ------------------------------------------------------------ system calls

    def open(self, path: str) -> int:
        if self.missing:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        self._reset()
        self.open_contexts += 1
        return 11

    def close(self, descriptor: int) -> None:
        assert descriptor == 11
        assert all(memory.closed for memory in self._mapped), "memory is still mapped"
        self.open_contexts -= 1

    def map(self, descriptor: int, size_bytes: int, offset: int) -> Any:
        queue, index = (v.OUTPUT, offset) if offset < 1000 else (v.CAPTURE, offset - 1000)
        memory = self._memory[queue][index]
        assert len(memory) == size_bytes
        self._mapped.append(memory)
        return memory

    def ioctl(self, descriptor: int, request: int, argument: Any) -> None:
        if request in self.refused:
            raise OSError(self.refused[request], "refused")
        {
            v.QUERYCAP: self._capability, v.S_FMT: self._format, v.S_PARM: self._parameters, v.S_CTRL: self._control,
            v.REQBUFS: self._request, v.QUERYBUF: self._query, v.QBUF: self._enqueue, v.DQBUF: self._dequeue,
            v.STREAMON: self._stream_on,
        }[request](argument)  # fmt: skip

    # ------------------------------------------------------------ the driver

    def _capability(self, told: Any) -> None:
        told.driver, told.card = self.driver, b"bcm2835-codec-encode"

    def _format(self, wanted: Any) -> None:
        pixels = wanted.fmt.pix_mp
        if self._memory[wanted.type]:
            raise OSError(errno.EBUSY, "Device or resource busy")
        pixels.width, pixels.height = min(pixels.width, _WIDTH_MAX), min(pixels.height, _WIDTH_MAX)
        plane = pixels.plane_fmt[0]
        if wanted.type == v.OUTPUT:
            if pixels.pixelformat != v.YUV420:
                pixels.pixelformat = v.YUV420
            pixels.width, pixels.height = max(32, pixels.width), max(32, pixels.height)
            plane.bytesperline = -(-max(plane.bytesperline, pixels.width) // _ALIGN) * _ALIGN
            if self.row_bytes is not None:
                plane.bytesperline = self.row_bytes
            plane.sizeimage = plane.bytesperline * pixels.height * 3 // 2
            self._size, self.stride = (pixels.width, pixels.height), plane.bytesperline
            self._input_bytes = plane.sizeimage
        else:
            pixels.pixelformat = v.H264
            plane.sizeimage = max(plane.sizeimage, 512 << 10)
            self._packet_bytes = plane.sizeimage

    def _parameters(self, wanted: Any) -> None:
        if wanted.type != v.OUTPUT or not wanted.numerator or not wanted.denominator:
            raise OSError(errno.EINVAL, "Invalid argument")
        self._rate = wanted.denominator / wanted.numerator

    def _control(self, control: Any) -> None:
        if control.id not in _CONTROLS:
            raise OSError(errno.EINVAL, "Invalid argument")
        self.controls[control.id] = control.value
        # Without buffers there is no encoder for it yet.
        if control.id == v.FORCE_KEY_FRAME and self._memory[v.OUTPUT]:
            self._is_key_asked = True

    def _request(self, asked: Any) -> None:
        size_bytes = self._input_bytes if asked.type == v.OUTPUT else self._packet_bytes
        self._memory[asked.type] = [mmap.mmap(-1, size_bytes) for _ in range(asked.count)]

    def _query(self, buffer: Any) -> None:
        plane = v.Plane.from_address(buffer.planes)
        plane.length = len(self._memory[buffer.type][buffer.index])
        plane.m = buffer.index + (0 if buffer.type == v.OUTPUT else 1000)

    def _stream_on(self, queue: Any) -> None:
        self._streaming.add(queue.value)

    def _enqueue(self, buffer: Any) -> None:
        plane = v.Plane.from_address(buffer.planes)
        entry = (buffer.index, plane.bytesused, buffer.seconds * 1_000_000 + buffer.microseconds)
        self._queued[buffer.type].append(entry)
        self._run()

    def _dequeue(self, buffer: Any) -> None:
        self._run()
        if not self._done[buffer.type]:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        index, used, flags, ticks = self._done[buffer.type].popleft()
        buffer.index, buffer.flags = index, flags
        buffer.seconds, buffer.microseconds = (0, 0) if self.forgets_times else divmod(ticks, 1_000_000)
        v.Plane.from_address(buffer.planes).bytesused = used

    def _run(self) -> None:
        if self.is_hung or self._streaming != {v.OUTPUT, v.CAPTURE}:
            return
        while self._queued[v.OUTPUT]:
            index, used, ticks = self._queued[v.OUTPUT].popleft()
            assert used == self._input_bytes, "a picture has every row"
            self._encode(self._memory[v.OUTPUT][index][:], ticks)
            self._done[v.OUTPUT].append((index, 0, 0, ticks))
        while len(self._made) > self.late and self._queued[v.CAPTURE]:
            data, is_key, ticks, flags = self._made.popleft()
            index, _, _ = self._queued[v.CAPTURE].popleft()
            self._memory[v.CAPTURE][index][: len(data)] = data
            self._done[v.CAPTURE].append((index, len(data), flags | (v.KEY_FRAME_FLAG if is_key else 0), ticks))

    def _encode(self, image: bytes, ticks: int) -> None:
        width, height = self._size
        if self._encoder is None:
            self._encoder = self._new_encoder()
            self._is_key_asked = True
        rows = np.frombuffer(image, np.uint8)
        luma = rows[: self.stride * height].reshape(height, self.stride)[:, :width]
        chroma = rows[self.stride * height :].reshape(2, height // 2, self.stride // 2)[:, :, : width // 2]
        frame = av.VideoFrame(width, height, "yuv420p")
        for plane, pixels in zip(frame.planes, (luma, *chroma), strict=True):
            padded = np.zeros((plane.height, plane.line_size), np.uint8)
            padded[:, : pixels.shape[1]] = pixels
            plane.update(padded.tobytes())
        is_key = self._is_key_asked or self._since_key >= self.controls.get(v.H264_I_PERIOD, 60)
        self._is_key_asked, self._since_key = False, 0 if is_key else self._since_key + 1
        frame.pict_type = 1 if is_key else 0
        frame.pts, frame.time_base = ticks, Fraction(1, 1_000_000)
        for packet in self._encoder.encode(frame):
            data = bytes(packet)
            if packet.is_keyframe and self._made_any and not self.controls.get(v.REPEAT_SEQ_HEADER):
                data = _without_sets(data)
            self._made_any = True
            flags = v.ERROR_FLAG if self.damaged else 0
            self.damaged = max(0, self.damaged - 1)
            self._made.append((data, bool(packet.is_keyframe), ticks, flags))

    def _new_encoder(self) -> Any:
        encoder: Any = av.CodecContext.create("libx264", "w")
        encoder.width, encoder.height = self._size
        encoder.pix_fmt = "yuv420p"
        encoder.time_base, encoder.framerate = Fraction(1, 1_000_000), Fraction(round(self._rate * 1000), 1000)
        encoder.bit_rate = self.controls[v.BITRATE]
        encoder.options = {
            "preset": "ultrafast", "tune": "zerolatency", "g": "9999", "forced-idr": "1", "threads": "1",
        }  # fmt: skip
        self._made_any = False
        return encoder


def _without_sets(data: bytes) -> bytes:
    units = (unit for unit in nal_units(data) if kind_of(unit) not in (7, 8))
    return b"".join(b"\x00\x00\x00\x01" + unit for unit in units)
