"""Timeout after which a camera without frames counts as offline."""

from __future__ import annotations

from pi_cam_node.base.schedule import NEVER_S
from pi_cam_node.config import Config
from pi_cam_node.imaging import frame_timing
from pi_cam_node.imaging.frame import Mode

# Additional time for a change of mode.
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
    """Return the additional time for a change of mode in seconds; 0 for the same mode."""
    return 0.0 if mode == wanted else max(LEAST_CHANGEOVER_S, frame_timing.hidden_s(interval_s(config, wanted)))


def patience_s(config: Config, mode: Mode, wanted: Mode) -> float:
    """Return the longest wait for the next frame in seconds, in one mode or during a change of mode."""
    return max(frame_deadline_s(config, mode), frame_deadline_s(config, wanted)) + changeover_s(config, mode, wanted)


class CameraTimeout:
    """Time at which the next frame is overdue (monotonic seconds). No I/O.

    A change of settings or mode restarts the timeout; a faster setting does not shorten it for the current frame. The
    wait since the last frame is at most twice the timeout of the settings.

    Attributes:
        due_s: When the camera counts as offline; never, while it does already.
    """

    def __init__(self) -> None:
        self._received_s = self._patience_s = 0.0
        self.due_s = NEVER_S

    def frame_received(self, now_s: float) -> None:
        """Restart the timeout."""
        self._received_s = now_s
        self.due_s = now_s + self._patience_s

    def set_patience(self, patience_s: float, now_s: float) -> None:
        """Change the timeout; see `patience_s`."""
        if patience_s > self._patience_s and self.due_s != NEVER_S:
            self.due_s = max(self.due_s, min(now_s, self._received_s + patience_s) + patience_s)
        self._patience_s = patience_s

    def camera_lost(self) -> None:
        """Stop the timeout until a frame arrives."""
        self.due_s = NEVER_S
