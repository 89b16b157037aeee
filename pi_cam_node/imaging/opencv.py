"""Pixel operations of OpenCV. Imported where they are needed, never at a start: see `jpeg`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

# EXIF says how to show the picture, and only a source that may have any looks at it; simplejpeg ignores it, too.
_AS_STORED = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION

# As in `jpeg`, which imports this module where it is needed.
Pixels = npt.NDArray[np.uint8]

# One thread: the node shares a small board, and frames are small enough that helpers only cost.
cv2.setNumThreads(1)


def bgr_of(y: Pixels, u: Pixels, v: Pixels) -> Pixels:
    """Return full-range planes, those of U and V of half the size, as (height, width, 3) uint8 in B, G, R order."""
    full = (y.shape[1], y.shape[0])
    ycrcb = cv2.merge([y, cv2.resize(v, full), cv2.resize(u, full)])
    return np.asarray(cv2.cvtColor(ycrcb, cv2.COLOR_YCrCb2BGR), dtype=np.uint8)


def fill_planes(bgr: Pixels, y: Pixels, u: Pixels, v: Pixels) -> None:
    """Convert (height, width, 3) uint8 in B, G, R order to full-range planes, those of U and V of half the size."""
    cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY, dst=y)
    half = cv2.resize(bgr, (u.shape[1], u.shape[0]), interpolation=cv2.INTER_AREA)
    colours = cv2.cvtColor(half, cv2.COLOR_BGR2YCrCb)
    cv2.extractChannel(colours, 2, dst=u)
    cv2.extractChannel(colours, 1, dst=v)


def channels(pixels: Pixels) -> Sequence[Pixels]:
    """Return the channels of (height, width, n) uint8 as planes, each in memory of its own."""
    return [np.asarray(plane, dtype=np.uint8) for plane in cv2.split(pixels)]


def to_bgr(pixels: Pixels, order: Literal["RGB", "BGRA", "RGBA"]) -> Pixels:
    """Return pixels in another order of colours as (height, width, 3) uint8 in B, G, R order."""
    codes = {"RGB": cv2.COLOR_RGB2BGR, "BGRA": cv2.COLOR_BGRA2BGR, "RGBA": cv2.COLOR_RGBA2BGR}
    return np.asarray(cv2.cvtColor(pixels, codes[order]), dtype=np.uint8)


def stretch_to_full_range(i420: Pixels) -> None:
    """Convert planes as (height * 3 / 2, width) uint8 from limited range to full range, in place.

    Limited range is luma from 16 to 235 and chroma from 16 to 240; values beyond are cut.
    """
    luma_rows = i420.shape[0] * 2 // 3
    for rows, table in ((i420[:luma_rows], _FULL_LUMA), (i420[luma_rows:], _FULL_CHROMA)):
        rows[:] = cv2.LUT(rows, table)


def _stretched(centre: int, span: int, full_centre: int) -> Pixels:
    """Return the lookup table from limited to full range; ``span`` steps become 255."""
    values = (np.arange(256, dtype=np.float64) - centre) * 255 / span + full_centre
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


_FULL_LUMA, _FULL_CHROMA = _stretched(16, 219, 0), _stretched(128, 224, 128)


def resize(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Return one or three channels in another size, ``(width, height)``; each pixel is the mean of its area.

    Halves first, as far as that goes: two such steps take a third of the time of one to a quarter of the size.
    """
    height, width = pixels.shape[:2]
    while width >= 2 * size[0] and height >= 2 * size[1] and not (width % 2 or height % 2):
        width, height = width // 2, height // 2
        pixels = np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    if (width, height) == size:
        return pixels
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def encode(bgr: Pixels, quality: int) -> bytes:
    """Return a picture as a baseline 4:2:0 JPEG.

    Raises:
        ValueError: The array is no picture.
    """
    ok, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not ok:
        raise ValueError(f"OpenCV refused to encode an array of shape {bgr.shape}")
    return data.tobytes()


def decode(data: bytes) -> Pixels:
    """Return a JPEG or a PNG as (height, width, 3) uint8 in B, G, R order.

    Raises:
        ValueError: The bytes are neither.
    """
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _AS_STORED) if data else None
    except cv2.error as error:  # larger than OpenCV takes
        raise ValueError(str(error)) from error
    if pixels is None:
        raise ValueError("not a JPEG")
    return np.asarray(pixels, dtype=np.uint8)
