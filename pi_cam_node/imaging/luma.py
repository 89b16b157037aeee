"""Brightness and downscaled copies of a picture, for day/night and live pictures.

Computed without OpenCV (15 MiB), which a Pi camera's process without motion detection does not need.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from pi_cam_node.imaging.frame import Layout
from pi_cam_node.imaging.jpeg import Pixels, planes, size_of

# Pixels that the brightness is made of: of every eighth row some 64, an odd number of columns apart, so that no pattern
# of 8 pixels, such as that of a JPEG, comes into it. Within 0.1 grey levels of the whole frame on a natural picture.
_ROW_STEP, _COLUMNS = 8, 64
# Rows that are halved at once, even.
_BAND_ROWS = 96
# Rec. 601, B, G, R.
_WEIGHTS = (0.114, 0.587, 0.299)

_Value = TypeVar("_Value", np.uint8, np.bool_)


def sample_of(pixels: npt.NDArray[_Value], size: tuple[int, int]) -> npt.NDArray[_Value]:
    """Return the pixels that the brightness is made of, of a picture or of what is said of each of its pixels."""
    width, height = size
    return pixels[:height:_ROW_STEP, :: width // _COLUMNS | 1]


def mean_luma(pixels: Pixels, layout: Layout) -> float:
    """Return the mean luma of a sample of a picture, 0 (black) to 255 (white), Rec. 601 weights, full range."""
    sample = sample_of(pixels, size_of(pixels, layout))
    # Added up without numpy: it would be faster at it, but after the pause since the last picture the code of its sums
    # is in no cache of the processor any more, and to fetch it takes longer than this.
    if layout == "i420":
        return sum(sample.tobytes()) / sample.size
    # Rec. 601 luma is linear in B, G and R, so the mean of the luma is the luma of the means.
    sums = (weight * sum(sample[..., channel].tobytes()) for channel, weight in enumerate(_WEIGHTS))
    return sum(sums) / (sample.size // len(_WEIGHTS))


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
    as with strides. A band of rows after the other, so that what is made in between stays in the processor's cache.
    """
    height, width = plane.shape[0] & ~1, plane.shape[1] & ~1
    pairs = np.ascontiguousarray(plane[:height, :width]).view(np.uint16)
    means = np.empty((height // 2, width // 2), np.uint8)
    for top in range(0, height, _BAND_ROWS):
        band = pairs[top : top + _BAND_ROWS]
        total = band & 0xFF
        total += band >> 8
        rows = total[::2] + total[1::2]
        rows += 2
        rows >>= 2
        means[top // 2 : top // 2 + len(rows)] = rows
    return means
