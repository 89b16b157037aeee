"""Longest wait for a frame: one rule for the node and for the camera's process. Pure."""

from __future__ import annotations

LEAST_DEADLINE_S = 5.0
# libcamera hides up to eight frames after a start or a change of mode, until exposure and gains have settled.
HIDDEN_FRAMES = 8


def frame_deadline_s(interval_s: float, exposure_s: float) -> float:
    """Return the longest wait for a frame, in seconds: max(5, 3 frame intervals, exposure + 3).

    Args:
        interval_s: Seconds between two frames.
        exposure_s: The fixed exposure in seconds; 0 where the camera chooses it.
    """
    return max(LEAST_DEADLINE_S, 3 * interval_s, exposure_s + 3)


def hidden_s(interval_s: float) -> float:
    """Return the seconds for which a camera shows nothing after a start or a change of mode."""
    return HIDDEN_FRAMES * interval_s
