"""Measures gaps in a film: missing pictures between two others.

Frame rates vary, and at night a picture may take seconds, so a distance counts as a gap only by comparison with its
neighbours. Pictures may be lost on the network, in the camera, or in full queues; whoever drops a packet marks the next
one (`PacketFacts.after_loss`), so that a short loss counts, too.
"""

from __future__ import annotations

# Of pictures that are encoded: the camera may be late now and then, and the film shows the last picture meanwhile. Of
# packets that are copied a group of pictures is missing where one packet was lost: that is shorter, and cannot be late.
ENCODED_S, COPIED_S = 1.5, 0.4
# A distance of at least so many usual ones is a gap.
_INTERVALS = 4.0


class GapMeter:
    """Sums the gaps of a film. Thread: one.

    Attributes:
        seconds: Sum of the gaps, without the last distance, which needs the next one for comparison.
    """

    def __init__(self, least_s: float) -> None:
        """Create a meter; distances shorter than ``least_s`` are no gaps."""
        self.seconds = 0.0
        self._least_s = least_s
        self._last_s: float | None = None
        self._before_s: float | None = None
        self._suspect_s: float | None = None

    def add(self, mono_s: float, *, is_lost: bool = False) -> None:
        """Add a picture.

        Args:
            mono_s: Its time, later than that of the one before.
            is_lost: Whether pictures before it are known to be missing.
        """
        last_s, self._last_s = self._last_s, mono_s
        if last_s is None:
            return
        distance_s = mono_s - last_s
        if self._suspect_s is not None:
            if self._is_usual(self._suspect_s, distance_s) and not is_lost:
                self._before_s = distance_s  # the camera has become slower
            else:
                self._note(self._suspect_s)
            self._suspect_s = None
        if is_lost:
            self._note(distance_s)
        elif not self._is_usual(distance_s, self._before_s or 0.0):  # the first one has none before it
            self._suspect_s = distance_s
        else:
            self._before_s = distance_s

    def finish(self) -> float:
        """Return the seconds of all gaps, with the last distance judged by those before it, where there are any."""
        if self._suspect_s is not None and self._before_s is not None:
            self._note(self._suspect_s)
        self._suspect_s = None
        return self.seconds

    def _is_usual(self, distance_s: float, beside_s: float) -> bool:
        return distance_s <= max(self._least_s, _INTERVALS * beside_s)

    def _note(self, distance_s: float) -> None:
        self.seconds += distance_s
