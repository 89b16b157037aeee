"""Brightness and small copies of a picture, made in the camera's process for day and night, motion, and live pictures.

The brightness is made with numpy alone: without motion detection a Pi camera's process needs no OpenCV (15 MiB).
"""

from __future__ import annotations

import numpy as np

from pi_cam_node.imaging.frame import Layout
from pi_cam_node.imaging.jpeg import Pixels, planes, size_of

SMALL_SIZE = (320, 240)
"""Most that a small luma is wide and high, in pixels."""

# Luma of every eighth row: within 0.06 grey levels of the whole frame at a hundredth of the cost.
ROW_STEP = 8
# So many values of 255 add up to less than 2^16.
_ROWS_IN_16_BITS = 257
# Rec. 601, B, G, R.
_WEIGHTS = np.array([0.114, 0.587, 0.299])
_WEIGHTS_IN_256 = (29, 150, 77)


def mean_luma(pixels: Pixels, layout: Layout) -> float:
    """Return the mean luma of every eighth row, 0 (black) to 255 (white), Rec. 601 weights, full range."""
    rows = pixels[: size_of(pixels, layout)[1] : ROW_STEP]
    # Down the columns first, in as few bits as hold the sum: a third of what numpy's mean of all at once takes.
    narrow = len(rows) <= _ROWS_IN_16_BITS
    columns = np.add.reduce(rows, axis=0, dtype=np.uint16 if narrow else np.uint32)
    means = np.add.reduce(columns, axis=0, dtype=np.uint64) / (rows.shape[0] * rows.shape[1])
    # Rec. 601 luma is linear in B, G and R, so the mean of the luma is the luma of the means.
    return float(means if layout == "i420" else means @ _WEIGHTS)


def small_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return width and height of the small luma of a picture: halved until it is no larger than `SMALL_SIZE`."""
    width, height = size
    while width > SMALL_SIZE[0] or height > SMALL_SIZE[1]:
        width, height = max(1, width // 2), max(1, height // 2)
    return width, height


def small_luma(pixels: Pixels, layout: Layout) -> Pixels:
    """Return a picture's luma, halved until it is no larger than `SMALL_SIZE`; its proportions are kept.

    Each step takes the rounded mean of 2 x 2 pixels; an odd last row or column is left out. Of BGR pixels every second
    one in both directions is used in the first step.

    Args:
        pixels: uint8 in either layout.
        layout: Which.

    Returns:
        uint8 (height, width), of its own memory.
    """
    width, height = size_of(pixels, layout)
    wanted = small_size((width, height))
    if layout == "i420":
        luma = pixels[:height]
    else:
        is_large = (width, height) != wanted
        luma = _luma_of(pixels[: height & ~1 : 2, : width & ~1 : 2] if is_large else pixels)
    if (luma.shape[1], luma.shape[0]) != wanted:
        luma = _halved_to(luma, wanted)
    return luma.copy() if luma.base is not None else luma


def halved_to(pixels: Pixels, layout: Layout, width_px: int) -> Pixels:
    """Return a picture in the same layout, halved until it is no wider than this, or cannot be halved once more."""
    width, height = size_of(pixels, layout)
    while width > width_px and min(width, height) >= 4 and not (layout == "i420" and (width % 4 or height % 4)):
        width, height = width // 2, height // 2
        if layout == "bgr":
            pixels = np.dstack([_mean_of_four(pixels[..., channel]) for channel in range(3)])
        else:
            smaller = [_mean_of_four(plane).reshape(-1) for plane in planes(pixels)]
            pixels = np.concatenate(smaller).reshape(height * 3 // 2, width)
    return pixels


def _mean_of_four(plane: Pixels) -> Pixels:
    """Return the means of 2 x 2 pixels, without OpenCV.

    Two neighbours are read as one value of 16 bits, so that every operation runs along whole rows: four times as fast
    as with strides.
    """
    height, width = plane.shape[0] & ~1, plane.shape[1] & ~1
    pairs = np.ascontiguousarray(plane[:height, :width]).view(np.uint16)
    total = pairs & 0xFF
    total += pairs >> 8
    rows = total[::2] + total[1::2]
    rows += 2
    rows >>= 2
    return rows.astype(np.uint8)


def _luma_of(bgr: Pixels) -> Pixels:
    blue, green, red = (bgr[..., channel].astype(np.uint16) * weight for channel, weight in enumerate(_WEIGHTS_IN_256))
    return ((blue + green + red + 128) >> 8).astype(np.uint8)


def _halved_to(luma: Pixels, wanted: tuple[int, int]) -> Pixels:
    """Return the rounded means of 2 x 2 pixels, and those of these, until it has the size that is wanted."""
    from pi_cam_node.imaging import opencv  # noqa: PLC0415 - the motion detector, which asks for this, brings it anyway

    while (luma.shape[1], luma.shape[0]) != wanted:
        height, width = luma.shape[0] & ~1, luma.shape[1] & ~1
        luma = opencv.resize(luma[:height, :width], (width // 2, height // 2))
    return luma
