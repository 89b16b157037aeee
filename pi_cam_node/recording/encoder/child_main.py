"""The encoder's process: ``python -m pi_cam_node.recording.encoder.child_main <fd> <pid of the node> <format>``.

Decodes JPEGs and encodes them by libx264 through PyAV, without numpy. It ends when the node closes the socket, and the
kernel kills it with the node's thread that started it.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from math import inf
from typing import Any

import av

from pi_cam_node.base.parent_death import die_with
from pi_cam_node.recording.encoder.video_format import VideoFormat, format_of
from pi_cam_node.recording.encoder.wire import TICKS_PER_S, Message, MessageReader

_CHUNK_BYTES = 1 << 18
# A key frame each second, whatever the rate: files and segments are cut there.
_KEY_TICKS = TICKS_PER_S - 1800
# The process gives way to the camera, but for its first pictures, in ticks: a viewer waits for those.
_NICENESS, _URGENT_TICKS = 5, 4 * TICKS_PER_S
# FFmpeg's numbers: JPEG's full range, BT.470BG.
_FULL_RANGE, _BT470BG = 2, 5
_PICTURE_I, _PICTURE_ANY = 1, 0


class JpegEncoder:
    """Turns JPEGs into packets; begins anew where their size changes."""

    def __init__(self, wanted: VideoFormat) -> None:
        self._format = wanted
        self._decoder: Any = av.CodecContext.create("mjpeg", "r")
        self._decoder.thread_count = 1
        self._encoder: Any = None
        self._size = (0, 0)
        self._key_ticks = 0
        self._last_ticks = -1

    def encode(self, jpeg: bytes, ticks: int, *, key: bool) -> Iterator[Message]:
        """Yield what becomes of a picture; a picture that is not later than the one before begins anew.

        Raises:
            av.FFmpegError: It is no JPEG.
        """
        for picture in self._decoder.decode(av.Packet(jpeg)):
            source = (picture.width, picture.height)
            size = self._format.size_of(source)
            frame = _fitted(picture, size)
            if size != self._size or ticks <= self._last_ticks:
                self._size, self._encoder = size, self._open(size, source)
                key = True
                yield Message("size", *size)
            key = key or ticks - self._key_ticks >= _KEY_TICKS
            if key:
                self._key_ticks = ticks
            # Frames of a JPEG decoder call themselves key frames, and the encoder would believe it.
            frame.pict_type = _PICTURE_I if key else _PICTURE_ANY
            frame.pts, frame.time_base = ticks, Fraction(1, TICKS_PER_S)
            frame.color_range, frame.colorspace = _FULL_RANGE, _BT470BG
            self._last_ticks = ticks
            for packet in self._encoder.encode(frame):
                yield Message("packet", packet.pts, int(packet.is_keyframe), bytes(packet))

    def _open(self, size: tuple[int, int], source: tuple[int, int]) -> Any:
        encoder: Any = av.CodecContext.create("libx264", "w")
        encoder.width, encoder.height = size
        encoder.pix_fmt = "yuvj420p"
        encoder.time_base, encoder.framerate = Fraction(1, TICKS_PER_S), Fraction(10, 1)
        encoder.color_range, encoder.colorspace = _FULL_RANGE, _BT470BG
        encoder.color_primaries, encoder.color_trc = _BT470BG, 6
        encoder.options = self._format.options_of(source)
        return encoder


def _fitted(picture: Any, size: tuple[int, int]) -> Any:
    """Return a picture in a size, with colour at half of it."""
    if picture.format.name != "yuvj420p" or size != (picture.width, picture.height):
        return picture.reformat(width=size[0], height=size[1], format="yuvj420p")
    return picture


def serve(link: socket.socket, encoder: JpegEncoder, be_nice: Callable[[], object] = lambda: None) -> None:
    """Encode what comes until the other side closes.

    Args:
        link: The node's other end.
        encoder: Turns pictures into packets.
        be_nice: Called once, after what somebody may be waiting for.

    Raises:
        OSError: The node is gone.
        ValueError: The node's message is invalid.
    """
    reader = MessageReader()
    nice_ticks: float | None = None
    while data := link.recv(_CHUNK_BYTES):
        for message in reader.feed(data):
            nice_ticks = message.number + _URGENT_TICKS if nice_ticks is None else nice_ticks
            if message.number > nice_ticks:
                nice_ticks = inf
                be_nice()
            for answer in _answers(encoder, message):
                link.sendall(answer.header() + answer.body)


def _answers(encoder: JpegEncoder, message: Message) -> Iterator[Message]:
    try:
        yield from encoder.encode(message.body, message.number, key=bool(message.flag))
    except av.FFmpegError as error:
        yield Message("failed", message.number, 0, f"{type(error).__name__}: {error}".encode()[:500])


def main(descriptor: int, parent: int, wanted: VideoFormat) -> None:
    """Run until the node closes the socket."""
    die_with(parent)
    av.logging.set_level(av.logging.PANIC)
    try:
        serve(socket.socket(fileno=descriptor), JpegEncoder(wanted), lambda: os.nice(_NICENESS))
    except OSError:
        return  # the node has closed the socket in the middle of an answer: it does not want it any more
    except ValueError as error:
        sys.stderr.write(f"the encoder ends: {error}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), format_of(sys.argv[3:7]))
