"""Small copies of saved pictures, made when somebody looks and kept for the next one."""

from __future__ import annotations

import functools
import io
import threading
from pathlib import Path

import numpy as np

from pi_cam_node import jpeg
from pi_cam_node.jpeg import Pixels
from pi_cam_node.web.sending import open_stored

MAX_BYTES = 48 * 1024
# What a page shows, twice over; together 3 MiB at most.
KEPT = 64
_QUALITY = 95
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
        try:
            as_jpeg = content if path.suffix == ".jpg" else jpeg.encode(_pixels(content, path), "bgr", _QUALITY)
            return jpeg.thumbnail(as_jpeg, width_px, MAX_BYTES)
        except EOFError as error:
            raise ValueError(str(error)) from error


def _pixels(content: bytes, path: Path) -> Pixels:
    """Return a PNG or an npy file as (height, width, 3) uint8 in B, G, R order.

    Raises:
        ValueError: It is neither.
    """
    if path.suffix == ".npy":
        array = np.load(io.BytesIO(content), allow_pickle=False)
    else:
        from pi_cam_node import imaging  # noqa: PLC0415 - brings OpenCV, which nothing else here needs

        array = imaging.decode(content)
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise ValueError(f"{path.name} holds no picture")
    return array
