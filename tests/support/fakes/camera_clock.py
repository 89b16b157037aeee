"""Clocks of the picamera2 source, advanced by hand together with the fake cameras."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from pi_cam_node.camera.sources.picam.metadata import CameraClock


class Ticking(Protocol):
    """Interface of something that happens at given times of the fake clock."""

    def due_ns(self) -> int | None:
        """Monotonic time of the next occurrence; ``None``: never."""
        ...

    def happen(self) -> None:
        """Run what is due."""
        ...


class FakeCameraClock(CameraClock):
    """Starts at 1000 s of monotonic time, on a machine that was suspended for an hour."""

    def __init__(self) -> None:
        self.now_ns = 1000 * 10**9
        self.asleep_ns = 3600 * 10**9
        self.ticking: list[Ticking] = []

    def monotonic_ns(self) -> int:
        return self.now_ns

    def boottime_ns(self) -> int:
        return self.now_ns + self.asleep_ns

    def wait(self, event: threading.Event, timeout_s: float) -> None:
        self.run(timeout_s, event.is_set)

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Advance the time by at most ``seconds`` until a condition holds; return whether it does."""
        end_ns = self.now_ns + round(seconds * 1e9)
        while not until():
            due = [(at, each) for each in self.ticking if (at := each.due_ns()) is not None and at <= end_ns]
            if not due:
                self.now_ns = end_ns
                return until()
            at, first = min(due, key=lambda pair: pair[0])
            self.now_ns = max(self.now_ns, at)
            first.happen()
        return True
