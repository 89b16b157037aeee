"""How long the camera may be silent before it counts as away."""

from __future__ import annotations

from pi_cam_node.config import Config
from pi_cam_node.imaging.frame import Mode

LEAST_DEADLINE_S = 5.0
# What a change of mode may cost on top: libcamera hides up to eight frames after a start, until gains have settled.
LEAST_CHANGEOVER_S = 5.0
CHANGEOVER_FRAMES = 8


def interval_s(config: Config, mode: Mode) -> float:
    """Return the seconds between two frames."""
    exposure_s = config.night.exposure_us / 1e6 if mode == "night" else 0.0
    return max(1 / config.camera.framerate, exposure_s)


def frame_deadline_s(config: Config, mode: Mode) -> float:
    """Return the longest wait for a frame, in seconds: max(5, 3 frame intervals, exposure + 3)."""
    exposure_s = config.night.exposure_us / 1e6 if mode == "night" else 0.0
    return max(LEAST_DEADLINE_S, 3 * interval_s(config, mode), exposure_s + 3)


def changeover_s(config: Config, mode: Mode, wanted: Mode) -> float:
    """Return what the way from one mode into another may cost, in seconds; 0 where they are the same."""
    return 0.0 if mode == wanted else max(LEAST_CHANGEOVER_S, CHANGEOVER_FRAMES * interval_s(config, wanted))


class CameraTimeout:
    """Says when the next frame is overdue. Pure; all times on the monotonic clock, in seconds.

    What is asked of the camera gets its time from then on, and what makes it faster does not shorten the wait for the
    frame under way. Counted from the last frame, no wait is longer than twice the patience that the settings give.
    """

    def __init__(self) -> None:
        self._heard_s = self._due_s = self._patience_s = 0.0

    def heard(self, now_s: float) -> None:
        """A frame came: the next one is awaited anew."""
        self._heard_s = self._due_s = now_s
        self._patience_s = 0.0

    def is_overdue(self, now_s: float, config: Config, mode: Mode, wanted: Mode) -> bool:
        """Return whether the next frame should have come by now.

        Args:
            now_s: Now.
            config: The settings in force.
            mode: The mode that the frames show.
            wanted: The mode that the camera was asked for.
        """
        patience_s = max(frame_deadline_s(config, mode), frame_deadline_s(config, wanted))
        patience_s += changeover_s(config, mode, wanted)
        if patience_s > self._patience_s:
            self._due_s = max(self._due_s, min(now_s, self._heard_s + patience_s) + patience_s)
        self._patience_s = patience_s
        return now_s > self._due_s
