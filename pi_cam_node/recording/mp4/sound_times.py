"""Times of the frames of sound in a film: evenly spaced, as they are heard, and near to those that they came with."""

from __future__ import annotations

from pi_cam_node.imaging.aac import SAMPLES

# Frames further from their place than this are missing between, or come twice.
_JUMP_S = 0.2
# A frame that is off by so many samples is moved by one: a thousandth at most, which is not heard.
_MOVED_AT = 64


class SoundTimes:
    """Places frames one after the other. Thread: one."""

    def __init__(self, rate_hz: int) -> None:
        """Take the samples in a second."""
        self._rate_hz = rate_hz
        self._next: int | None = None

    def place(self, begin_s: float) -> int | None:
        """Return the sample with which a frame begins; ``None`` where there is no place for it.

        Args:
            begin_s: When it began, in seconds since the beginning of the film, give or take some jitter.
        """
        begin = round(begin_s * self._rate_hz)
        late, jump = begin - (self._next or 0), _JUMP_S * self._rate_hz
        if late < (0 if self._next is None else -jump):
            return None
        if self._next is not None and late <= jump:
            begin = self._next + (abs(late) >= _MOVED_AT) * (1 if late > 0 else -1)
        self._next = begin + SAMPLES
        return begin
