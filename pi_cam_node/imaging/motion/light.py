"""Removes changes of lighting from pictures: a change of a whole row, or of all rows, is not motion.

A slowly adapting reference holds the usual brightness of cells, each of eight pixels in one row. The median ratio to it
over the whole picture is the light (clouds, exposure); the median of one row is flicker (mains light with a rolling
shutter). The picture is divided by both before background subtraction.
"""

from __future__ import annotations

import math
from collections import deque

import cv2
import numpy as np

from pi_cam_node.imaging.jpeg import Pixels

# Width of a cell in pixels; an integer factor makes OpenCV's averaging four times as fast.
_CELL_PX = 8
# Step between the rows used for the light of the whole picture.
_ROW_STEP = 4
# Added to both sides of a ratio, to avoid division by zero for black.
_OFFSET = 2.0
# Maximum deviation of a row from the light of the whole picture; more is an object.
_ROW_LIMIT = 0.15
# Number of neighbouring rows for smoothing.
_ROWS_SMOOTHED = 5
# Adaptation of the reference per picture at ten per second, and the maximum deviation from the row's ratio for it.
_FOLLOW = 0.05
_FOLLOW_WITHIN = 0.12
# A jump of the light: change of its logarithm within a time.
JUMP_LOG = 0.16
JUMP_WINDOW_S = 3.0


class LightNormalizer:
    """Divides pictures of one size by their light. Pure: times are arguments."""

    def __init__(self) -> None:
        self._reference: np.ndarray | None = None
        self._logs: deque[float] = deque()
        self._logs_s: deque[float] = deque()
        self._gain = np.empty((0, 0), np.float32)
        self._shown: np.ndarray | None = None
        self.light = 1.0

    def ignore(self, ignored: Pixels | None) -> None:
        """Set where pictures do not show the light: (height, width), 255 there and 0 elsewhere."""
        self._shown = None if ignored is None else _means(ignored) == 0

    def reset(self) -> None:
        """Use the next picture as the reference."""
        self._reference = None
        self._logs.clear()
        self._logs_s.clear()

    def normalize(self, luma: Pixels, interval_s: float, *, learn: bool = True) -> Pixels:
        """Return a picture normalized to the light of the reference.

        Args:
            luma: (height, width) uint8, smoothed.
            interval_s: Seconds since the previous picture.
            learn: Whether the reference adapts.
        """
        means = _means(luma)
        cells = means.astype(np.float32)
        cells += _OFFSET
        if self._reference is None:
            self._reference = cells.copy()
        ratio = cells / self._reference
        _clip(ratio, 0.25, 3.9)
        counted = self._counted(means)
        self.light = light = _median_of_counted(ratio, counted)
        shown = ratio if counted is None else np.where(counted, ratio, np.float32(light))
        rows = cv2.blur(_median_of_rows(shown), (1, _ROWS_SMOOTHED))
        _clip(rows, light * (1 - _ROW_LIMIT), light * (1 + _ROW_LIMIT))
        if learn:
            follow = 1 - (1 - _FOLLOW) ** (interval_s / 0.1)
            ratio /= rows
            ratio -= 1
            cells /= rows
            cells -= self._reference
            cells *= np.abs(ratio, out=ratio) < _FOLLOW_WITHIN
            cells *= follow
            self._reference += cells
        if self._gain.shape != luma.shape:
            self._gain = np.empty(luma.shape, np.float32)
        self._gain[:] = 1 / rows
        return np.asarray(cv2.multiply(luma, self._gain, dtype=cv2.CV_8U), dtype=np.uint8)

    def _counted(self, means: Pixels) -> np.ndarray | None:
        """Return which cells show the light: those neither black, as if masked, nor ignored; ``None`` for all."""
        if self._shown is None and cv2.countNonZero(means) == means.size:
            return None
        counted: np.ndarray = means != 0
        if self._shown is not None:
            counted &= self._shown
        return counted

    def moved_log(self, mono_s: float) -> float:
        """Return the change of the light (logarithm) within `JUMP_WINDOW_S` before the last picture's time."""
        log = math.log(self.light)
        self._logs.append(log)
        self._logs_s.append(mono_s)
        while len(self._logs) > 1 and self._logs_s[0] <= mono_s - JUMP_WINDOW_S:
            self._logs.popleft()
            self._logs_s.popleft()
        return max(max(self._logs) - log, log - min(self._logs))


def _means(luma: Pixels) -> Pixels:
    """Return the means of the cells of a picture."""
    height, columns = luma.shape[0], max(1, luma.shape[1] // _CELL_PX)
    whole = luma[:, : columns * _CELL_PX]
    return np.asarray(cv2.resize(whole, (columns, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _clip(values: np.ndarray, least: float, most: float) -> None:
    """Clamp values in place; faster than `numpy.clip`, which goes through several Python functions."""
    np.maximum(values, least, out=values)
    np.minimum(values, most, out=values)


def _median_of_rows(ratio: np.ndarray) -> np.ndarray:
    """Return the median of each row, as a column; for short rows, six times as fast as `numpy.median`."""
    ordered, columns = ratio.copy(), ratio.shape[1]
    ordered.sort(axis=1)
    return np.asarray((ordered[:, (columns - 1) // 2] + ordered[:, columns // 2]) / 2, dtype=np.float32)[:, None]


def _median_of_counted(ratio: np.ndarray, counted: np.ndarray | None) -> float:
    """Return the median ratio of the counted cells in every `_ROW_STEP`th row; of all cells there if none counts."""
    values = ratio[::_ROW_STEP]
    if counted is not None and (some := counted[::_ROW_STEP]).any():
        values = values[some]
    values = values.copy().ravel()
    # Equivalent to `numpy.median`, but several times as fast, as that goes through several Python functions, and
    # partitions at both values in the middle, which takes eight times as long as at one.
    half = values.size // 2
    values.partition(half)
    upper = values[half]
    return float(upper if values.size % 2 else (values[:half].max() + upper) / 2)
