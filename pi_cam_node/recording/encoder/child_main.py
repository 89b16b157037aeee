"""The encoder's process: ``python -m pi_cam_node.recording.encoder.child_main <fd> <pid of the node> <format>``.

Decodes JPEGs, or reads the planes of pictures in shared memory, and encodes them by libx264 through PyAV, without
numpy. It ends when the node closes the socket, and the kernel kills it with the node's thread that started it.
"""

from __future__ import annotations

import mmap
import os
import socket
import struct
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from math import inf
from typing import Any

import av

from pi_cam_node.base import malloc
from pi_cam_node.base.parent_death import die_with
from pi_cam_node.imaging.packet import TIMESCALE_HZ
from pi_cam_node.imaging.shared_planes import planes_bytes
from pi_cam_node.recording.encoder.video_format import VideoFormat, format_of
from pi_cam_node.recording.encoder.wire import PLANES, Message, MessageReader

_CHUNK_BYTES = 1 << 18
# Greatest number of descriptors received at once: one per message.
_DESCRIPTORS_MAX = 1
# A key frame each second, where files and segments are cut.
_KEY_TICKS = TIMESCALE_HZ - 1800
# Niceness of the process, so that the camera has priority; applied after the first pictures (ticks), for which a viewer
# waits.
_NICENESS, _URGENT_TICKS = 5, 4 * TIMESCALE_HZ
# FFmpeg's numbers: JPEG's full range, BT.470BG.
_FULL_RANGE, _BT470BG = 2, 5
_PICTURE_I, _PICTURE_ANY = 1, 0
# With a bit rate, the encoder is replaced where pictures come at another rate, as x264 without delay takes it as
# constant: as soon as there are more within a second, and after some seconds with less than half of them.
_MORE, _FEWER, _FEWER_SECONDS = 1.25, 0.5, 4


class PictureEncoder:
    """Encodes pictures to packets; restarts when their size changes."""

    def __init__(self, wanted: VideoFormat) -> None:
        self._format = wanted
        self._jpeg_decoder: Any = None
        self._planes_reader: Any = None
        self._is_settled = False
        self._encoder: Any = None
        self._size = (0, 0)
        self._key_ticks = 0
        self._last_ticks = -1
        self._rate_hz = wanted.rate_hz
        self._counted = self._slow_seconds = 0  # pictures since the last key frame, and how often these were few

    def encode_jpeg(self, jpeg: bytes, ticks: int, *, key: bool) -> Iterator[Message]:
        """Encode a JPEG and yield messages; a picture that is not later than the previous one restarts the encoder.

        Raises:
            av.FFmpegError: It is no JPEG.
        """
        if self._jpeg_decoder is None:
            self._jpeg_decoder = av.CodecContext.create("mjpeg", "r")
            self._jpeg_decoder.thread_count = 1
        yield from self._encode(self._jpeg_decoder.decode(av.Packet(jpeg)), ticks, key=key)

    def encode_planes(self, planes: Any, size: tuple[int, int], ticks: int, *, key: bool) -> Iterator[Message]:
        """Encode full-range planes, without copying them, and yield messages.

        Args:
            planes: Contiguous bytes.
            size: Width and height in pixels.
            ticks: Time of the picture.
            key: Whether a key frame is wanted.
        """
        self._jpeg_decoder = None  # with its pool of pictures
        reader = self._planes_reader
        if reader is None or (reader.width, reader.height) != size:
            reader = self._planes_reader = av.CodecContext.create("rawvideo", "r")
            reader.width, reader.height = size
            reader.pix_fmt = "yuvj420p"
        yield from self._encode(reader.decode(av.Packet(planes)), ticks, key=key)
        if not self._is_settled:  # past pictures and imports are done
            self._is_settled = True
            malloc.release_startup_memory()

    def _encode(self, pictures: Iterable[Any], ticks: int, *, key: bool) -> Iterator[Message]:
        for picture in pictures:
            source = (picture.width, picture.height)
            size = self._format.size_of(source)
            frame = _fitted(picture, size)
            key = key or ticks - self._key_ticks >= _KEY_TICKS
            if size != self._size or ticks <= self._last_ticks or self._has_other_rate(ticks, key=key):
                self._size, self._encoder = size, self._open(size, source)
                key = True
                yield Message("size", *size)
            if key:
                self._key_ticks, self._counted = ticks, 0
            # JPEG decoders mark all frames as key frames, which the encoder would apply.
            frame.pict_type = _PICTURE_I if key else _PICTURE_ANY
            frame.pts, frame.time_base = ticks, Fraction(1, TIMESCALE_HZ)
            frame.color_range, frame.colorspace = _FULL_RANGE, _BT470BG
            self._last_ticks = ticks
            self._counted += 1
            for packet in self._encoder.encode(frame):
                yield Message("packet", packet.pts, int(packet.is_keyframe), bytes(packet))

    def _has_other_rate(self, ticks: int, *, key: bool) -> bool:
        """Return whether pictures come at another rate than that of the encoder, which is noted then."""
        rate_hz = self._counted * TIMESCALE_HZ / (ticks - self._key_ticks)
        is_higher = self._counted > _MORE * self._rate_hz + 1 and rate_hz > self._rate_hz
        if key:
            self._slow_seconds = self._slow_seconds + 1 if rate_hz < _FEWER * self._rate_hz else 0
        if not self._format.bitrate or not (is_higher or self._slow_seconds >= _FEWER_SECONDS):
            return False
        self._rate_hz, self._slow_seconds = rate_hz, 0
        return True

    def _open(self, size: tuple[int, int], source: tuple[int, int]) -> Any:
        encoder: Any = av.CodecContext.create("libx264", "w")
        encoder.width, encoder.height = size
        encoder.pix_fmt = "yuvj420p"
        encoder.time_base, encoder.framerate = (
            Fraction(1, TIMESCALE_HZ),
            Fraction(self._rate_hz).limit_denominator(1000),
        )
        encoder.color_range, encoder.colorspace = _FULL_RANGE, _BT470BG
        encoder.color_primaries, encoder.color_trc = _BT470BG, 6
        encoder.options = self._format.options_of(source)
        return encoder


def _fitted(picture: Any, size: tuple[int, int]) -> Any:
    """Return a picture in a size, with colour at half of it."""
    if picture.format.name != "yuvj420p" or size != (picture.width, picture.height):
        return picture.reformat(width=size[0], height=size[1], format="yuvj420p")
    return picture


def serve(link: socket.socket, encoder: PictureEncoder, be_nice: Callable[[], object] = lambda: None) -> None:
    """Encode received pictures until the node closes the socket.

    Args:
        link: The node's other end.
        encoder: Turns pictures into packets.
        be_nice: Called once after the first pictures.

    Raises:
        OSError: The node is gone.
        ValueError: The node's message is invalid.
    """
    reader, descriptors = MessageReader(), deque[int]()
    nice_ticks: float | None = None
    while True:
        data, came, _, _ = socket.recv_fds(link, _CHUNK_BYTES, _DESCRIPTORS_MAX)
        descriptors.extend(came)
        if not data:
            return
        for message in reader.feed(data):
            nice_ticks = message.number + _URGENT_TICKS if nice_ticks is None else nice_ticks
            if message.number > nice_ticks:
                nice_ticks = inf
                be_nice()
            for answer in _answers(encoder, message, descriptors):
                link.sendall(answer.header() + answer.body)


def _answers(encoder: PictureEncoder, message: Message, descriptors: deque[int]) -> Iterator[Message]:
    ticks, key = message.number, bool(message.flag)
    try:
        if message.kind == "planes":
            planes, size = _mapped(message.body, descriptors)
            yield from encoder.encode_planes(planes, size, ticks, key=key)
        else:
            yield from encoder.encode_jpeg(message.body, ticks, key=key)
    except av.FFmpegError as error:
        yield Message("failed", message.number, 0, f"{type(error).__name__}: {error}".encode()[:500])


def _mapped(body: bytes, descriptors: deque[int]) -> tuple[mmap.mmap, tuple[int, int]]:
    """Map the planes of a message; return them and their size in pixels.

    Raises:
        ValueError: No memory came with it, or it cannot be mapped.
    """
    if not descriptors:
        raise ValueError("planes without memory")
    descriptor = descriptors.popleft()
    try:
        width, height, offset_bytes = PLANES.unpack(body)
        size_bytes, flags = planes_bytes((width, height)), mmap.MAP_SHARED | mmap.MAP_POPULATE
        planes = mmap.mmap(descriptor, size_bytes, flags=flags, prot=mmap.PROT_READ, offset=offset_bytes)
    except (OSError, ValueError, struct.error) as error:
        raise ValueError(f"planes that cannot be mapped: {error}") from error
    finally:
        os.close(descriptor)
    return planes, (width, height)


def main(descriptor: int, parent: int, wanted: VideoFormat) -> None:
    """Run until the node closes the socket."""
    die_with(parent)
    malloc.refuse_huge_pages()
    av.logging.set_level(av.logging.PANIC)
    try:
        serve(socket.socket(fileno=descriptor), PictureEncoder(wanted), lambda: os.nice(_NICENESS))
    except OSError:
        return  # the node closed the socket during an answer, which it does not need any more
    except ValueError as error:
        sys.stderr.write(f"the encoder ends: {error}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), format_of(sys.argv[3:8]))
