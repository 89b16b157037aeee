"""Deadlines for orders to the camera, in seconds, and the detector of a camera that hangs."""

from __future__ import annotations

from pi_cam_node.base.clock import Clock
from pi_cam_node.camera.source import Controls

OPEN_S = 30.0
"""For a new worker: slow boards import for ten seconds, network cameras answer after some."""
REOPEN_S = 5.0
"""For a worker that reopens the camera because frames stopped."""
RECONFIGURE_S = 10.0
"""For a healthy worker that reopens the camera because settings changed."""
FIRST_FRAME_S = 15.0
"""From opening to the first frame: a network camera may send its next key frame ten seconds later."""
SWITCH_S = 5.0
"""Least extra time for a change of mode beyond the usual deadline; see also `hidden_s`."""
STUCK_S = 20.0
"""A worker that has not answered the order to open for so long counts as hung."""


class FrameDeadline:
    """Deadline for the next report of the camera: that it is open, its first frame, or the next one.

    Thread: one.

    Attributes:
        due_mono_s: Monotonic time; infinite where nothing is awaited.
    """

    def __init__(self, clock: Clock, controls: Controls) -> None:
        self._clock = clock
        self._first_frame_s = FIRST_FRAME_S
        self._frame_s = controls.deadline_s
        self._is_switching = False
        self._followed: Controls | None = None  # whose deadline `_frame_s` is
        self.due_mono_s = clock.monotonic()

    @property
    def wait_s(self) -> float:
        """Seconds until the deadline."""
        return max(0.0, self.due_mono_s - self._clock.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return self._clock.monotonic() >= self.due_mono_s

    def wait_for(self, seconds: float) -> None:
        """Set the deadline to so many seconds from now."""
        self.due_mono_s = self._clock.monotonic() + seconds

    def opening(self, deadline_s: float, controls: Controls) -> None:
        """Start with an order to open the camera within a time."""
        # A camera that was reopened because it hung and hangs again shall not be waited for so long.
        self._first_frame_s = (0.0 if deadline_s == REOPEN_S else FIRST_FRAME_S) + controls.hidden_s
        self._frame_s, self._is_switching, self._followed = controls.deadline_s, False, controls
        self.wait_for(deadline_s)

    def opened(self) -> None:
        """Await the first frame."""
        self.wait_for(max(self._first_frame_s, self._frame_s))

    def switching(self, controls: Controls) -> None:
        """Leave time for a change of mode on top of the usual."""
        self._is_switching, self._followed = True, None
        self._frame_s = max(self._frame_s, controls.deadline_s + max(SWITCH_S, controls.hidden_s))
        self.wait_for(self._frame_s)

    def switched(self) -> None:
        """Await the next frame after a change of mode, or the refusal of one."""
        self._is_switching = False
        self.wait_for(self._frame_s)

    def frame_received(self, controls: Controls) -> None:
        """Await the next frame."""
        if not self._is_switching and controls is not self._followed:
            self._frame_s, self._followed = controls.deadline_s, controls
        self.wait_for(self._frame_s)


class HangDetector:
    """Measures how long an order has been unanswered.

    Thread: the camera's; `is_overdue` any.
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
