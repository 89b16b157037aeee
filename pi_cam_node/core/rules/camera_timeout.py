"""Timeout after which a camera without frames counts as away."""

from __future__ import annotations

from pi_cam_node.base.schedule import NEVER_S
from pi_cam_node.config import Config
from pi_cam_node.imaging import frame_timing
from pi_cam_node.imaging.frame import Mode

# What a change of mode may cost on top, however fast the camera is.
LEAST_CHANGEOVER_S = 5.0


def _exposure_s(config: Config, mode: Mode) -> float:
    return config.night.exposure_us / 1e6 if mode == "night" else 0.0


def interval_s(config: Config, mode: Mode) -> float:
    """Return the seconds between two frames."""
    return max(1 / config.camera.framerate, _exposure_s(config, mode))


def frame_deadline_s(config: Config, mode: Mode) -> float:
    """Return the longest wait for a frame, in seconds; see `frame_timing`."""
    return frame_timing.frame_deadline_s(interval_s(config, mode), _exposure_s(config, mode))


def changeover_s(config: Config, mode: Mode, wanted: Mode) -> float:
    """Return what the way from one mode into another may cost, in seconds; 0 where they are the same."""
    return 0.0 if mode == wanted else max(LEAST_CHANGEOVER_S, frame_timing.hidden_s(interval_s(config, wanted)))


def patience_s(config: Config, mode: Mode, wanted: Mode) -> float:
    """Return how long the next frame may take, in seconds, in one mode or on the way into another."""
    return max(frame_deadline_s(config, mode), frame_deadline_s(config, wanted)) + changeover_s(config, mode, wanted)


class CameraTimeout:
    """Time at which the next frame is overdue. Pure; all times on the monotonic clock, in seconds.

    A change of settings or mode gives the camera its time from then on, and one that makes it faster does not shorten
    the wait for the frame under way. Counted from the last frame, no wait is longer than twice the patience that the
    settings give.

    Attributes:
        due_s: When the camera counts as away; never, while it does already.
    """

    def __init__(self) -> None:
        self._received_s = self._patience_s = 0.0
        self.due_s = NEVER_S

    def frame_received(self, now_s: float) -> None:
        """Await the next frame from now on."""
        self._received_s = now_s
        self.due_s = now_s + self._patience_s

    def set_patience(self, patience_s: float, now_s: float) -> None:
        """Set how long a frame may take from now on; see `patience_s`."""
        if patience_s > self._patience_s and self.due_s != NEVER_S:
            self.due_s = max(self.due_s, min(now_s, self._received_s + patience_s) + patience_s)
        self._patience_s = patience_s

    def camera_lost(self) -> None:
        """Await nothing until a frame comes."""
        self.due_s = NEVER_S
