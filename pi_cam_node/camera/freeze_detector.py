"""Detects a camera that delivers, but no longer sees: one and the same picture for a while.

A sensor has noise, so no two of its pictures are alike to the last bit. Compared is a sixteenth of the rows, once a
second, by checksum: a fraction of a millisecond.
"""

from __future__ import annotations

import zlib
from typing import Literal

import numpy as np

from pi_cam_node.imaging.jpeg import Pixels

BLANK = "the picture is blank: every pixel is alike; is the lens covered?"
Verdict = Literal["live", "frozen", "blank"]

LOOK_S = 1.0
# Long exposures: so many pictures at least must be alike, however long they take.
LEAST_LOOKS = 3
_ROW_STEP = 16
# A flat picture that went through JPEG differs by rounding.
_FLAT_LEVELS = 2


class FreezeDetector:
    """Compares pictures. Pure; all times on the monotonic clock, in seconds.

    What it remembers outlives a restart of the camera: the same picture again is no new one.

    Attributes:
        verdict: What was said of the last picture.
    """

    def __init__(self) -> None:
        self._checksum: int | None = None
        self._since_s = self._looked_s = float("-inf")
        self._looks = 0
        self.verdict: Verdict = "live"

    def see(self, pixels: Pixels, now_s: float, after_s: float) -> Verdict:
        """Take in a picture and return the verdict.

        Args:
            pixels: uint8, either layout.
            now_s: Now.
            after_s: Alike for longer than this is not live; 0: every picture is live.

        Returns:
            ``frozen``, or ``blank`` where moreover every pixel is the same: a covered lens can look so.
        """
        if after_s <= 0:
            self.verdict = "live"
        if after_s <= 0 or (self.verdict == "live" and now_s - self._looked_s < LOOK_S):
            return self.verdict
        self._looked_s = now_s
        rows = np.ascontiguousarray(pixels[::_ROW_STEP])
        checksum = zlib.crc32(rows.data)
        if checksum != self._checksum:
            self._checksum, self._since_s, self._looks, self.verdict = checksum, now_s, 1, "live"
            return self.verdict
        self._looks += 1
        if self._looks >= LEAST_LOOKS and now_s - self._since_s > after_s:
            self.verdict = "blank" if _is_flat(rows) else "frozen"
        return self.verdict


def _is_flat(rows: Pixels) -> bool:
    """Return whether every pixel of the sampled rows is alike, channel by channel."""
    # The lower third of I420 rows holds the colours; the brightness alone decides.
    luma = rows if rows.ndim == 3 else rows[: len(rows) * 2 // 3]
    flat = luma.reshape(-1, luma.shape[-1] if luma.ndim == 3 else 1)
    return bool((flat.max(axis=0) - flat.min(axis=0)).max() <= _FLAT_LEVELS)
