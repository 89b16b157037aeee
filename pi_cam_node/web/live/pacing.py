"""When a viewer gets its next picture: not more often than it asked, and the last one again where nothing follows.

Chromium paints a part when the next one begins, so a picture that stays the last would never be
seen: it is sent twice. After that a repetition now and then keeps readers from their time-outs
(5 seconds in OpenCV and PyAV) and shows which viewers are still there.
"""

from __future__ import annotations

REPEAT_S = 0.2
KEEPALIVE_S = 2.0
# A picture that comes within this after the repetition would be due makes it needless.
SOON_S = 0.1
# Frames are not spaced evenly: one that comes this early is not put off to the next.
SLACK_S = 0.02


class ViewerPacing:
    """The rhythm of one viewer. All times are monotonic seconds."""

    __slots__ = ("_again_s", "_due_s")

    def __init__(self) -> None:
        self._due_s = float("-inf")
        self._again_s = float("inf")

    @property
    def due_s(self) -> float:
        """The time from which a new picture is welcome."""
        return self._due_s - SLACK_S

    def wants_again(self, now_s: float) -> bool:
        """Whether the picture that was sent last has to go out once more."""
        return now_s >= self._again_s

    def sent_new(self, now_s: float, interval_s: float) -> None:
        """Take note of a new picture; the next is due ``interval_s`` after this one was due, which keeps the average.

        After a pause the count begins anew, with half of it: this picture may have been late, and
        the next one is not to be missed for that.
        """
        due_s = self._due_s + interval_s
        self._due_s = due_s if due_s >= now_s else now_s + interval_s / 2
        self._again_s = now_s + (REPEAT_S if interval_s > REPEAT_S + SOON_S else interval_s + REPEAT_S)

    def sent_again(self, now_s: float) -> None:
        """Take note of a repetition; the next one only serves to keep the connection alive."""
        self._again_s = now_s + KEEPALIVE_S

    def look_s(self, now_s: float) -> float:
        """Return when to look again even if no frame comes: to repeat, or to show one that came too early."""
        late_s = self._due_s + REPEAT_S
        return min(self._again_s, late_s) if late_s > now_s else self._again_s
