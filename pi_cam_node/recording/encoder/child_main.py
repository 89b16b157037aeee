"""The encoder's process: ``python -m pi_cam_node.recording.encoder.child_main <fd> <pid of the node> <quality>``.

Decodes JPEGs and encodes them by libx264 through PyAV, without numpy. It ends when the node closes the socket, and the
kernel kills it with the node's thread that started it.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av

from pi_cam_node.base.child_process import die_with
from pi_cam_node.recording.encoder.wire import TICKS_PER_S, Message, MessageReader

_CHUNK_BYTES = 1 << 18
# A key frame each second, whatever the rate: files and segments are cut there.
_KEY_TICKS = TICKS_PER_S - 1800
# Scale of `recording.quality`: 60 is CRF 23, each further step 0.4 less.
_QUALITY_OF_CRF_23, _CRF_PER_QUALITY = 60, 0.4
# FFmpeg's numbers: JPEG's full range, BT.470BG.
_FULL_RANGE, _BT470BG = 2, 5
_PICTURE_I, _PICTURE_ANY = 1, 0


def crf_of(quality: int) -> float:
    """Return the constant rate factor of libx264 for a quality of 1 to 100."""
    return min(51.0, max(1.0, 23 + (_QUALITY_OF_CRF_23 - quality) * _CRF_PER_QUALITY))


class JpegEncoder:
    """Turns JPEGs into packets; begins anew where their size changes."""

    def __init__(self, quality: int) -> None:
        self._quality = quality
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
            frame, size = _even(picture)
            if size != self._size or ticks <= self._last_ticks:
                self._size, self._encoder = size, self._open(size)
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

    def _open(self, size: tuple[int, int]) -> Any:
        encoder: Any = av.CodecContext.create("libx264", "w")
        encoder.width, encoder.height = size
        encoder.pix_fmt = "yuvj420p"
        encoder.time_base, encoder.framerate = Fraction(1, TICKS_PER_S), Fraction(10, 1)
        encoder.color_range, encoder.colorspace = _FULL_RANGE, _BT470BG
        encoder.color_primaries, encoder.color_trc = _BT470BG, 6
        # No global header: SPS and PPS go before each key frame, so that a film can begin at any of them.
        encoder.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "profile": "baseline",
            "crf": f"{crf_of(self._quality):g}",
            "threads": "1",
            "g": "9999",
            "forced-idr": "1",
            "sc_threshold": "0",
        }
        return encoder


def _even(picture: Any) -> tuple[Any, tuple[int, int]]:
    """Return a picture with colour at half the size and even sides, and its size."""
    size = (picture.width & ~1, picture.height & ~1)
    if picture.format.name != "yuvj420p" or size != (picture.width, picture.height):
        picture = picture.reformat(width=size[0], height=size[1], format="yuvj420p")
    return picture, size


def serve(link: socket.socket, encoder: JpegEncoder) -> None:
    """Encode what comes until the other side closes.

    Raises:
        OSError: The node is gone.
        ValueError: The node's message is invalid.
    """
    reader = MessageReader()
    while data := link.recv(_CHUNK_BYTES):
        for message in reader.feed(data):
            for answer in _answers(encoder, message):
                link.sendall(answer.header() + answer.body)


def _answers(encoder: JpegEncoder, message: Message) -> Iterator[Message]:
    try:
        yield from encoder.encode(message.body, message.number, key=bool(message.flag))
    except av.FFmpegError as error:
        yield Message("failed", message.number, 0, f"{type(error).__name__}: {error}".encode()[:500])


def main(descriptor: int, parent: int, quality: int) -> None:
    """Run until the node closes the socket."""
    die_with(parent)
    os.nice(5)  # the past can wait, the camera cannot
    av.logging.set_level(av.logging.PANIC)
    try:
        serve(socket.socket(fileno=descriptor), JpegEncoder(quality))
    except OSError:
        return  # the node has closed the socket in the middle of an answer: it does not want it any more
    except ValueError as error:
        sys.stderr.write(f"the encoder ends: {error}\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
