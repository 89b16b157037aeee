"""Privacy masks: polygons blackened in each picture before any other processing.

The masks are drawn once per size; a picture then costs an AND over the rows that they touch, and without masks nothing.
A pixel that a mask only touches is black too, and so is the colour of four pixels where one of them is: JPEG keeps
colour at half the size, and nothing of what lies below may shine through.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pi_cam_node.imaging.frame import Layout
from pi_cam_node.imaging.jpeg import Pixels, planes
from pi_cam_node.imaging.luma import sample_of
from pi_cam_node.imaging.polygon import Polygon

# The middle of the chroma range: no colour.
_GREY = 128


class Masks:
    """Masks at one size, in one layout of the pixels.

    Attributes:
        visible: Share of the pixels that brightness is measured on and no mask covers, 0.0 to 1.0.
    """

    def __init__(self, polygons: Sequence[Polygon], size: tuple[int, int], layout: Layout) -> None:
        """Draw the masks.

        Args:
            polygons: Corners relative to width and height.
            size: Width and height in pixels, even where the layout is ``i420``.
            layout: Layout of the pixels.
        """
        covered = rasterize(polygons, size)
        self.visible = 1.0 - float(np.mean(sample_of(covered, size)))
        rows = np.flatnonzero(covered.any(axis=1))
        self._first, self._last = (int(rows[0]) & ~1, int(rows[-1]) | 1) if len(rows) else (0, -1)
        band = covered[self._first : self._last + 1]
        self._layout = layout
        self._keep = np.where(band, 0, 255).astype(np.uint8)
        if layout == "bgr":
            self._keep = np.repeat(self._keep[:, :, np.newaxis], 3, axis=2)
        else:
            half = band.reshape(band.shape[0] // 2, 2, band.shape[1] // 2, 2).any(axis=(1, 3))
            self._keep_colour = np.where(half, 0, 255).astype(np.uint8)
            self._no_colour = np.where(half, _GREY, 0).astype(np.uint8)

    def apply(self, pixels: Pixels) -> Pixels:
        """Return the picture with the masks in it: a new array, unless there is nothing to cover."""
        if self._last < 0:
            return pixels
        pixels = pixels.copy()
        luma = pixels if self._layout == "bgr" else planes(pixels)[0]
        luma[self._first : self._last + 1] &= self._keep
        if self._layout == "i420":
            for plane in planes(pixels)[1:]:
                colour = plane[self._first // 2 : (self._last + 1) // 2]
                colour &= self._keep_colour
                colour |= self._no_colour
        return pixels


def rasterize(polygons: Sequence[Polygon], size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Return (height, width): whether a mask covers or touches a pixel.

    What an outline encloses is covered, however often it goes round it: the non-zero winding rule. Only what it goes
    round as often one way as the other is left open.
    """
    width, height = size
    covered = np.zeros((height, width), bool)
    for polygon in polygons:
        corners = np.array(polygon, float) * (width, height)
        _fill(covered, corners)
        _outline(covered, corners)
    return _grown(covered)


def _fill(covered: npt.NDArray[np.bool_], corners: npt.NDArray[np.float64]) -> None:
    """Cover the pixels between the edges that a row's middle line crosses, wherever the outline winds round them."""
    begins, ends = corners, np.roll(corners, -1, axis=0)
    for row in range(covered.shape[0]):
        middle = row + 0.5
        crossed = (begins[:, 1] <= middle) != (ends[:, 1] <= middle)
        (x1, y1), (x2, y2) = begins[crossed].T, ends[crossed].T
        across = x1 + (middle - y1) * (x2 - x1) / (y2 - y1)
        order = np.argsort(across)
        across, winding = across[order], np.cumsum(np.sign(y2 - y1)[order])
        is_inside = winding[:-1] != 0
        for left, right in zip(across[:-1][is_inside], across[1:][is_inside], strict=True):
            covered[row, int(left) : int(np.ceil(right))] = True


def _outline(covered: npt.NDArray[np.bool_], corners: npt.NDArray[np.float64]) -> None:
    """Cover the pixels along the edges, sampled twice a pixel."""
    height, width = covered.shape
    for begin, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        steps = int(2 * np.abs(end - begin).max()) + 2
        points = np.linspace(begin, end, steps).astype(int)
        covered[np.minimum(points[:, 1], height - 1), np.minimum(points[:, 0], width - 1)] = True


def _grown(covered: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return the covered area with a margin of one pixel, which makes up for all rounding."""
    rows = covered.copy()
    rows[1:] |= covered[:-1]
    rows[:-1] |= covered[1:]
    grown = rows.copy()
    grown[:, 1:] |= rows[:, :-1]
    grown[:, :-1] |= rows[:, 1:]
    return grown
