"""Recovery policy for a camera whose frames stop: reopen, restart the process, then back off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Step = Literal["reopen", "respawn", "wait"]

BACKOFF_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Pauses between attempts; the last one for ever."""

FLAPPING_S = 5.0
"""Longest pause for a camera that delivered frames after the last attempt."""

HEALTHY_S = 10.0
"""After frames for so long, the next failure starts with the first step again."""


class RecoveryPolicy:
    """Chooses the next step: reopen, restart the process, then wait increasingly long.

    No I/O; the first two steps are only taken after frames have come.
    """

    def __init__(self, jitter: Callable[[], float]) -> None:
        """Start with pauses, as no frames have come yet.

        Args:
            jitter: Returns a factor around 1 for each pause, so that many nodes do not retry at once.
        """
        self._jitter = jitter
        self._next = 2
        self._frames_since_s: float | None = None

    def reset(self) -> None:
        """Reset for another camera or other settings."""
        self._next, self._frames_since_s = 2, None

    def frame_received(self, now_s: float) -> None:
        """Report that a frame came, at a monotonic time."""
        if self._frames_since_s is None:
            self._frames_since_s = now_s
        if now_s - self._frames_since_s >= HEALTHY_S:
            self._next = 0

    def next_step(self, *, lost: bool, killable: bool) -> tuple[Step, float]:
        """Return the next step, and the seconds before it.

        Args:
            lost: The worker is gone and cannot reopen anything.
            killable: Whether the worker can be replaced by force.
        """
        delivered, self._frames_since_s = self._frames_since_s is not None, None
        if self._next == 0:
            self._next = 1
            if not lost:
                return "reopen", 0.0
        if self._next == 1:
            self._next = 2
            if killable:
                return "respawn", 0.0
        pause_s = BACKOFF_S[min(self._next - 2, len(BACKOFF_S) - 1)]
        if delivered and pause_s >= FLAPPING_S:
            return "wait", FLAPPING_S * self._jitter()
        self._next += 1
        return "wait", pause_s * self._jitter()
