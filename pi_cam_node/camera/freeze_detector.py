"""Detects a frozen camera, which delivers one and the same picture for a while.

Pure: it is given the checksums that the camera's process makes of its pictures, see `picture_maker.Fingerprint`.
"""

from __future__ import annotations

from typing import Literal

BLANK = "the picture is blank: every pixel is alike; is the lens covered?"
Verdict = Literal["live", "frozen", "blank"]

# Long exposures: so many pictures at least must be alike, however long they take.
LEAST_LOOKS = 3


class FreezeDetector:
    """Compares pictures by checksum. All times on the monotonic clock, in seconds.

    What it remembers outlives a restart of the camera: the same picture again is no new one.

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
            checksum: Of the picture; ``None`` where it was not looked at, which changes nothing.
            now_s: Now.
            after_s: Alike for longer than this is not live; 0: every picture is live.
            flat: Every pixel of the picture is the same.

        Returns:
            ``frozen``, or ``blank`` where the picture is flat: a covered lens can look so.
        """
        if after_s <= 0:
            self.verdict = "live"
        if after_s <= 0 or checksum is None:
            return self.verdict
        if checksum != self._checksum:
            self._checksum, self._since_s, self._looks, self.verdict = checksum, now_s, 1, "live"
            return self.verdict
        self._looks += 1
        if self._looks >= LEAST_LOOKS and now_s - self._since_s > after_s:
            self.verdict = "blank" if flat else "frozen"
        return self.verdict
