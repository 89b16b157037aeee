"""The sign of life of a loop: fresh for a while after each beat. Pure but for the one number that two threads share."""

from __future__ import annotations

from pi_cam_node.base.clock import Clock

# Longer than anything that a healthy loop does between two beats on a small board that swaps, and short enough for a
# loop that hangs to be answered within 30 s.
LIMIT_S = 20.0


class Heartbeat:
    """Beaten by the loop that it belongs to, looked at by the supervisor.

    Attributes:
        name: Of the loop.
        limit_s: How long it may be silent.
    """

    def __init__(self, name: str, clock: Clock, limit_s: float = LIMIT_S) -> None:
        self.name = name
        self.limit_s = limit_s
        self._clock = clock
        self._due_mono_s = float("inf")

    def beat(self, within_s: float = 0.0) -> None:
        """Say that the loop goes round.

        Args:
            within_s: What it is about to do, a wait for example, may take this much longer than usual.
        """
        self._due_mono_s = self._clock.monotonic() + self.limit_s + within_s

    def rest(self) -> None:
        """Say that the loop waits for something to do, for as long as it takes."""
        self._due_mono_s = float("inf")

    def forgive(self) -> None:
        """Begin to wait anew: the whole process stood still, and this loop could not beat."""
        if self._due_mono_s != float("inf"):
            self._due_mono_s = max(self._due_mono_s, self._clock.monotonic() + self.limit_s)

    @property
    def is_stale(self) -> bool:
        """Whether a beat is overdue. Thread: any."""
        return self._clock.monotonic() > self._due_mono_s
