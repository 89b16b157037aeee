"""Detects a frozen camera, which delivers the same picture for a while.

No I/O: it compares checksums of pictures, see `picture_maker.Fingerprint`.
"""

from __future__ import annotations

from typing import Literal

BLANK = "the picture is blank: every pixel is alike; is the lens covered?"
Verdict = Literal["live", "frozen", "blank"]

# Least number of identical pictures, for long exposures.
LEAST_LOOKS = 3


class FreezeDetector:
    """Compares pictures by checksum. All times on the monotonic clock, in seconds.

    Its memory survives a restart of the camera, as the same picture again is not new.

    Attributes:
        verdict: Verdict on the last picture.
    """

    def __init__(self) -> None:
        self._checksum: int | None = None
        self._since_s = float("-inf")
        self._looks = 0
        self.verdict: Verdict = "live"

    def see(self, checksum: int | None, now_s: float, after_s: float, *, flat: bool = False) -> Verdict:
        """Check a picture and return the verdict.

        Args:
            checksum: Checksum of the picture; ``None``: not computed, and ignored.
            now_s: Now.
            after_s: Time of identical pictures after which they are frozen; 0: never.
            flat: Whether all its pixels are equal.

        Returns:
            ``frozen``, or ``blank`` for a flat picture, as from a covered lens.
        """
        if after_s <= 0:
            self.verdict = "live"
        if after_s <= 0 or checksum is None:
            return self.verdict
        if checksum != self._checksum:
            self._checksum, self._since_s, self._looks = checksum, now_s, 1
            self.verdict = "live"
            return self.verdict
        self._looks += 1
        if self._looks >= LEAST_LOOKS and now_s - self._since_s > after_s:
            self.verdict = "blank" if flat else "frozen"
        return self.verdict
