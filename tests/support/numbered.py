"""Pictures with a machine-readable number, to identify the pictures of a film and their order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg

from pi_cam_node.imaging.jpeg import Pixels

SIZE = (320, 240)
_BITS, _SIDE_PX = 20, 16


def numbered_jpeg(number: int, size: tuple[int, int] = SIZE) -> bytes:
    """Return a JPEG with a number as a bar code along its upper edge."""
    width, height = size
    pixels = np.full((height, width, 3), 90, np.uint8)
    pixels[height // 2 :, :, 1] = number % 200
    for bit in range(_BITS):
        left = bit * _SIDE_PX
        pixels[:_SIDE_PX, left : left + _SIDE_PX] = 220 if number >> bit & 1 else 20
    return bytes(simplejpeg.encode_jpeg(pixels, quality=85, colorspace="BGR"))


def lumas_in(path: Path) -> Iterator[tuple[float, Pixels]]:
    """Decode a film; yield time in seconds and luma of each picture."""
    import av  # noqa: PLC0415 - an extra: tests that need it skip without

    container: Any
    with av.open(str(path), format="mp4") as container:
        for frame in container.decode(video=0):
            luma = np.frombuffer(bytes(frame.planes[0]), np.uint8).reshape(frame.height, frame.planes[0].line_size)
            yield float(frame.pts * frame.time_base), luma[:, : frame.width]


def numbers_in(path: Path) -> list[tuple[float, int]]:
    """Return time in seconds and number of each picture of a film."""
    return [(at_s, _number_of(luma)) for at_s, luma in lumas_in(path)]


def _number_of(luma: Pixels) -> int:
    centres = (luma[_SIDE_PX // 2, bit * _SIDE_PX + _SIDE_PX // 2] for bit in range(_BITS))
    return sum(1 << bit for bit, value in enumerate(centres) if value > 120)
