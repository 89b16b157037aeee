"""Small luma picture of a camera's picture, for the motion detector."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from pi_cam_node.imaging import opencv
from pi_cam_node.imaging.frame import Layout
from pi_cam_node.imaging.jpeg import Pixels, size_of

SMALL_SIZE = (320, 240)
"""Greatest width and height of a small luma, in pixels."""

# Rec. 601, B, G, R.
_WEIGHTS_IN_256 = (29, 150, 77)
_LOWER_BYTE = np.uint16(0xFF)


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
    elif (width, height) == wanted:
        luma = _luma_of(pixels[..., channel].astype(np.uint16) for channel in range(3))
    else:
        luma = _luma_of(_every_second(pixels))
    while (luma.shape[1], luma.shape[0]) != wanted:
        height, width = luma.shape[0] & ~1, luma.shape[1] & ~1
        luma = opencv.resize(luma[:height, :width], (width // 2, height // 2))
    return luma.copy() if luma.base is not None else luma


def _every_second(bgr: Pixels) -> Iterator[npt.NDArray[np.uint16]]:
    """Yield the channels of every second pixel in both directions.

    Two neighbours are read as one value of 16 bits, whose lower byte is the first of them on every supported processor:
    with strides it would take twice as long.
    """
    height, width = bgr.shape[0] & ~1, bgr.shape[1] & ~1
    for plane in opencv.channels(bgr[:height:2, :width]):
        yield plane.view(np.uint16) & _LOWER_BYTE


def _luma_of(channels: Iterable[npt.NDArray[np.uint16]]) -> Pixels:
    """Return the luma of the channels B, G and R, whose values are up to 255; they are overwritten."""
    weighted = (np.multiply(each, weight, out=each) for each, weight in zip(channels, _WEIGHTS_IN_256, strict=True))
    total = next(weighted)
    for more in weighted:
        total += more
    total += 128
    total >>= 8
    return total.astype(np.uint8)
