"""How long the camera may take to do what it is told, in seconds, and what tells that it hangs."""

from __future__ import annotations

from pi_cam_node.base.clock import Clock

OPEN_S = 30.0
"""For a new worker: slow boards import for ten seconds, network cameras answer after some."""
REOPEN_S = 5.0
"""For a worker that shall close and open again because frames stopped."""
RECONFIGURE_S = 10.0
"""For a healthy one that shall do so because the settings changed."""
FIRST_FRAME_S = 15.0
"""From opening to the first frame: a network camera may send its next key frame ten seconds later."""
SWITCH_S = 5.0
"""What a change of mode may take at least beyond the usual deadline; see also `hidden_s`."""
STUCK_S = 20.0
"""A worker that has not answered the order to open for so long hangs."""


class HangDetector:
    """Times how long an order has been without an answer.

    Thread: the camera's, but for `is_overdue`, which any may ask.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since_s: float | None = None

    def ordered(self) -> None:
        """Start timing with an order; the time counts from the first that is unanswered."""
        if self._since_s is None:
            self._since_s = self._clock.monotonic()

    def answered(self) -> None:
        """Stop timing: a report came, whichever it was."""
        self._since_s = None

    @property
    def is_overdue(self) -> bool:
        """Whether no report has come for too long."""
        since_s = self._since_s
        return since_s is not None and self._clock.monotonic() - since_s >= STUCK_S
