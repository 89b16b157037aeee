"""Removes lighting from a picture: a change of a whole row, or of all rows, is lighting and not motion.

A slow reference of 40 columns holds how bright each part of each row usually is. The median ratio to it over the whole
picture is the light (clouds, exposure); the median of one row is flicker (mains light under a rolling shutter). The
picture is divided by both before the background is subtracted.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from pi_cam_node.imaging.jpeg import Pixels

_COLUMNS = 40
# Added to both sides of a ratio, so that black does not divide by nothing.
_OFFSET = 2.0
# A row may differ from the light of the whole picture by this share, no more: beyond that it is an object.
_ROW_LIMIT = 0.15
# Rows are smoothed over so many of their neighbours.
_ROWS_SMOOTHED = 5
# How fast the reference follows, a picture at ten a second, and only where the ratio is this close to the row's.
_FOLLOW = 0.05
_FOLLOW_WITHIN = 0.12
# A jump of the light: its logarithm moved by this much within this time.
JUMP_LOG = 0.16
JUMP_WINDOW_S = 3.0
# Darker cells than this are masked, or tell nothing.
_DARK = _OFFSET + 1.0


class LightNormalizer:
    """Divides pictures of one size by their light. Pure: times are arguments."""

    def __init__(self) -> None:
        self._reference: np.ndarray | None = None
        self._logs: list[tuple[float, float]] = []
        self.light = 1.0

    def reset(self) -> None:
        """Take the next picture as the reference."""
        self._reference = None
        self._logs = []

    def normalize(self, luma: Pixels, interval_s: float, *, learn: bool = True) -> Pixels:
        """Return a picture in the light of the reference.

        Args:
            luma: (height, width) uint8, smoothed.
            interval_s: Seconds since the picture before.
            learn: Whether the reference follows.
        """
        height, width = luma.shape
        cells = cv2.resize(luma, (_COLUMNS, height), interpolation=cv2.INTER_AREA).astype(np.float32) + _OFFSET
        if self._reference is None:
            self._reference = cells.copy()
        ratio = np.clip(cells / self._reference, 0.25, 3.9)
        self.light = light = _median_of_lit(ratio, cells)
        rows = cv2.blur(_median_of_rows(ratio).reshape(-1, 1), (1, _ROWS_SMOOTHED)).ravel()
        rows = np.clip(rows, light * (1 - _ROW_LIMIT), light * (1 + _ROW_LIMIT))
        if learn:
            follow = 1 - (1 - _FOLLOW) ** (interval_s / 0.1)
            close = np.abs(ratio / rows[:, None] - 1) < _FOLLOW_WITHIN
            self._reference += follow * (cells / rows[:, None] - self._reference) * close
        gain = np.repeat((1 / rows)[:, None], width, 1).astype(np.float32)
        return np.asarray(cv2.multiply(luma, gain, dtype=cv2.CV_8U), dtype=np.uint8)

    def moved_log(self, mono_s: float) -> float:
        """Return how far the light moved within `JUMP_WINDOW_S` up to the last picture, of this time; a logarithm."""
        log = math.log(self.light)
        self._logs = [*((at_s, each) for at_s, each in self._logs if at_s > mono_s - JUMP_WINDOW_S), (mono_s, log)]
        return max(abs(log - each) for _, each in self._logs)


def _median_of_rows(ratio: np.ndarray) -> np.ndarray:
    """Return the median of each row; so short rows are sorted in a sixth of the time that `numpy.median` takes."""
    ordered = np.sort(ratio, axis=1)
    return np.asarray((ordered[:, _COLUMNS // 2 - 1] + ordered[:, _COLUMNS // 2]) / 2, dtype=np.float32)


def _median_of_lit(ratio: np.ndarray, cells: np.ndarray) -> float:
    """Return the median ratio of the cells that are not black; masked parts say nothing of the light."""
    lit = cells >= _DARK
    share = np.count_nonzero(lit) / lit.size
    if share in (0.0, 1.0):
        return float(np.median(ratio))
    return float(np.median(ratio[lit]))
