"""How long an order has been without an answer."""

from __future__ import annotations

from pi_cam_node.base.clock import Clock

STUCK_S = 20.0
"""A worker that has not answered the order to open for so long hangs."""


class HangDetector:
    """Thread: the camera's, but for `is_overdue`, which any may ask."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since_s: float | None = None

    def ordered(self) -> None:
        """An order was given; the time counts from the first that is unanswered."""
        if self._since_s is None:
            self._since_s = self._clock.monotonic()

    def answered(self) -> None:
        """Something came, whatever it was."""
        self._since_s = None

    @property
    def is_overdue(self) -> bool:
        """Whether nothing has come for too long."""
        since_s = self._since_s
        return since_s is not None and self._clock.monotonic() - since_s >= STUCK_S
