"""Determines the actual mode of each frame, which may lag behind the mode set last."""

from __future__ import annotations

from pi_cam_node.imaging.frame import Mode

# A control takes effect after the requests in flight (four frames) and the sensor's pipeline (three), plus a margin.
FRAMES_TO_CONFIRM = 10
# Sensors round exposures to multiples of the row time, 10 to 100 microseconds.
EXPOSURE_TOLERANCE = 0.05
EXPOSURE_TOLERANCE_US = 200


class ModeWatch:
    """Determines the actual mode of frames.

    After a switch, frames count as the old mode until one has the requested exposure or, when switching to automatic
    exposure, no longer has the fixed one. The new mode counts at once if the camera does not report its exposure, or
    was restarted with automatic exposure.
    """

    def __init__(self, mode: Mode, fixed_us: int) -> None:
        self._mode = mode
        self._next = mode
        self._fixed_us = fixed_us
        self._sign: tuple[int, bool] | None = None
        self._waited = 0
        self.live = False

    def switch(self, mode: Mode, fixed_us: int, *, live: bool) -> None:
        """Record a switch of the camera to a mode.

        Args:
            mode: The requested mode.
            fixed_us: The requested exposure, in microseconds; 0 for automatic.
            live: The camera was not stopped for it, so more frames of the old mode follow.
        """
        before_us, self._fixed_us = self._fixed_us, fixed_us
        self._next, self.live, self._waited = mode, live, 0
        self._sign = (fixed_us, True) if fixed_us else (before_us, False)
        if not fixed_us and not (live and before_us):
            self.believe()

    def frame(self, exposure_us: int | None) -> Mode:
        """Process a frame's exposure; return its mode."""
        if self._sign is not None:
            self._waited += 1
            asked_us, should_be_near = self._sign
            if exposure_us is None or _near(exposure_us, asked_us) == should_be_near:
                self.believe()
        return self._mode

    @property
    def overdue(self) -> bool:
        """Whether the camera should have switched by now."""
        return self._sign is not None and self._waited >= FRAMES_TO_CONFIRM

    def believe(self) -> None:
        """Assume that the mode is reached."""
        self._mode = self._next
        self._sign = None


def _near(exposure_us: int, asked_us: int) -> bool:
    return abs(exposure_us - asked_us) <= max(EXPOSURE_TOLERANCE * asked_us, EXPOSURE_TOLERANCE_US)
