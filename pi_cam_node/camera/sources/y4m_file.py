"""Uncompressed video file (YUV4MPEG2) as a source, played in real time in a loop, without a decoder.

Each picture is one copy from the page cache, so this source suits measurements and exactly reproducible scenes. Format:
yuv4mpeg(5) of the mjpegtools; the range follows ffmpeg's ``XCOLORRANGE``.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from pi_cam_node.base.errors import SourceError
from pi_cam_node.base.frozen import frozen
from pi_cam_node.camera.source import CameraSettings, Controls, Opened, Shot, require_file
from pi_cam_node.camera.sources.pacing import Metronome
from pi_cam_node.imaging.jpeg import Pixels

_LONGEST_HEADER_BYTES = 1024
_MARK = b"FRAME\n"
_ADVICE = "make one with `ffmpeg -i <film> -pix_fmt yuvj420p -strict -1 <new>.y4m`"


@frozen
class Header:
    """Parameters in the first line of the file.

    Attributes:
        size: Width and height in pixels, even.
        rate_hz: Pictures per second.
        full_range: Black is 0 and white 255, instead of 16 and 235.
        length_bytes: Length of the line, including its end.
    """

    size: tuple[int, int]
    rate_hz: float
    full_range: bool
    length_bytes: int

    @property
    def picture_bytes(self) -> int:
        """Length of a picture, without its ``FRAME`` line."""
        return self.size[0] * self.size[1] * 3 // 2


def parse(start: bytes) -> Header:
    """Parse the first line.

    Raises:
        ValueError: The line is not a header, or the format is not planar 4:2:0 with 8 bits and even size.
    """
    line, end, _ = start.partition(b"\n")
    words = line.decode("ascii", "replace").split(" ")
    if words[0] != "YUV4MPEG2" or not end:
        raise ValueError("it is not YUV4MPEG2")
    facts = {word[:1]: word[1:] for word in words[1:] if not word.startswith("X")}
    if not re.fullmatch(r"420(jpeg|mpeg2|paldv)?", facts.get("C", "420")):
        raise ValueError(f"its pixels are {facts['C']}, not 420")
    width, height = int(facts.get("W", "0")), int(facts.get("H", "0"))
    if width < 2 or height < 2 or width % 2 or height % 2:
        raise ValueError(f"{width} x {height} is not an even size")
    ratio = re.fullmatch(r"(\d+):(\d+)", facts.get("F", ""))
    rate_hz = int(ratio[1]) / int(ratio[2]) if ratio is not None and int(ratio[1]) and int(ratio[2]) else 25.0
    # A slower film would look like a hung camera.
    return Header((width, height), min(max(rate_hz, 1.0), 240.0), "XCOLORRANGE=FULL" in words, len(line) + 1)


class Y4mFileSource:
    """An uncompressed video file, with its own size and frame rate, which is reduced to `camera.framerate` if lower.

    Day and night are labels.
    """

    def __init__(self, path: str) -> None:
        """Set the path; a relative one is relative to the node's working directory."""
        self._path = Path(path)
        self._title = f"file:{path}"
        self._descriptor: int | None = None
        self._header = Header((2, 2), 25.0, True, 0)
        self._pictures = 0
        self._pixels: Pixels = np.zeros((3, 2), np.uint8)
        self._controls: Controls | None = None
        self._metronome = Metronome()
        self._played = 0.0

    def open(self, camera: CameraSettings, controls: Controls) -> Opened:
        """Open the file at its first picture."""
        del camera  # a video file has its own size
        self.close()
        require_file(self._path, self._title)
        try:
            self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            self._header = header = parse(os.pread(self._descriptor, _LONGEST_HEADER_BYTES, 0))
        except (OSError, ValueError) as error:
            raise SourceError(f"{self._title} cannot be played: {error}; {_ADVICE}") from error
        left_bytes = os.fstat(self._descriptor).st_size - header.length_bytes
        self._pictures = left_bytes // (len(_MARK) + header.picture_bytes)
        if not self._pictures:
            raise SourceError(f"{self._title} holds no whole picture; {_ADVICE}")
        width, height = header.size
        self._pixels = np.empty((height * 3 // 2, width), np.uint8)
        self._controls, self._played = controls, 0.0
        self._metronome.restart()
        return Opened(self._title, header.size, "i420", controls=False, live=False)

    def read(self) -> Shot:
        """Wait for the next picture's time and return the picture."""
        if self._descriptor is None or self._controls is None:
            raise SourceError(f"{self._title} is not open")
        rate_hz = self._header.rate_hz
        interval_s = max(1 / rate_hz, 1 / self._controls.framerate)
        # Rounded, so that floating-point errors do not turn one picture into none.
        self._played = (self._played + round(interval_s * rate_hz, 6)) % self._pictures
        moment = self._metronome.wait(interval_s)
        self._fetch(self._descriptor, (int(self._played) - 1) % self._pictures)
        return Shot(self._pixels, moment - interval_s, moment, self._controls.mode)

    def apply(self, controls: Controls) -> None:
        """Apply frame rate and mode; the mode is only a label."""
        self._controls = controls

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None

    def _fetch(self, descriptor: int, number: int) -> None:
        """Copy a picture into the buffer."""
        mark = bytearray(len(_MARK))
        picture_bytes = self._header.picture_bytes
        offset = self._header.length_bytes + number * (len(_MARK) + picture_bytes)
        got = os.preadv(descriptor, [mark, self._pixels.data], offset)
        if got != len(_MARK) + picture_bytes or mark != _MARK:
            raise SourceError(f"{self._title}: picture {number} is cut off or has parameters of its own; {_ADVICE}")
        if not self._header.full_range:
            from pi_cam_node.imaging import opencv  # noqa: PLC0415 - brings OpenCV, which full range does without

            opencv.stretch_to_full_range(self._pixels)
