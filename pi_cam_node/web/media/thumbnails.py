"""Small copies of saved pictures, made when somebody looks and kept for the next one."""

from __future__ import annotations

import functools
import re
import threading
from pathlib import Path

import numpy as np

from pi_cam_node.imaging import jpeg
from pi_cam_node.imaging.jpeg import Pixels
from pi_cam_node.web.http.file_response import open_stored

MAX_BYTES = 48 * 1024
# What a page shows, twice over; together 3 MiB at most.
KEPT = 64
_QUALITY = 95
# What numpy writes before the bytes of our pictures. Its own reader evaluates the header and believes its shape, so a
# damaged file could ask for any amount of memory, or raise almost anything.
_NPY = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '\|u1', 'fortran_order': False, "
    rb"'shape': \(([0-9]{1,5}), ([0-9]{1,5}), 3\), \} *\n",
    re.DOTALL,
)
# Width and height of a PNG stand in its first chunk (PNG, 11.2.1).
_PNG_SIZE = slice(16, 24)
# A page asks for all of them at once, and a small board has no memory for so many pictures side by side.
_one_at_a_time = threading.Lock()


@functools.lru_cache(maxsize=KEPT)
def thumbnail_of(path: Path, _etag: str, width_px: int) -> bytes:
    """Return a small JPEG of a saved picture.

    Args:
        path: Its file: JPEG, PNG or npy.
        _etag: Tells the file from another of that name, which would have another thumbnail.
        width_px: Its width at most.

    Thread: any but the event loop's.

    Raises:
        ValueError: It is no picture, or not there any more.
    """
    with _one_at_a_time:
        stored = open_stored(path)
        if stored is None:
            raise ValueError(f"{path.name} is gone")
        with stored.file as file:
            content = file.read()
        as_jpeg = content if path.suffix == ".jpg" else jpeg.encode(_pixels(content, path), "bgr", _QUALITY)
        return jpeg.thumbnail(as_jpeg, width_px, MAX_BYTES)


def _pixels(content: bytes, path: Path) -> Pixels:
    """Return a PNG or an npy file as (height, width, 3) uint8 in B, G, R order.

    Raises:
        ValueError: It is neither.
    """
    if path.suffix == ".npy":
        return _npy(content, path)
    width, height = (int.from_bytes(content[_PNG_SIZE][at : at + 4], "big") for at in (0, 4))
    if width * height > jpeg.LARGEST_PX:
        raise ValueError(f"{path.name} says that it has {width} x {height} pixels")
    from pi_cam_node.imaging import opencv  # noqa: PLC0415 - brings OpenCV, which nothing else here needs

    return opencv.decode(content)


def _npy(content: bytes, path: Path) -> Pixels:
    header = _NPY.match(content)
    if header is None:
        raise ValueError(f"{path.name} holds no picture")
    shape = (int(header[1]), int(header[2]), 3)
    pixels = np.frombuffer(content, np.uint8, offset=header.end())
    if pixels.size != shape[0] * shape[1] * shape[2] or not pixels.size:
        raise ValueError(f"{path.name} is not whole")
    return pixels.reshape(shape)
