"""Pacing of a source: evenly spaced times, and frame rate reduction."""

from __future__ import annotations

import threading
import time


class Metronome:
    """Waits for evenly spaced times; a late caller skips missed ones.

    Thread: one.
    """

    def __init__(self) -> None:
        self._due_mono_s = time.monotonic()
        # Never released: a wait for it is as precise as a sleep, and takes half the CPU time of an Event.
        self._never = threading.Lock()
        self._never.acquire()

    def wait(self, interval_s: float) -> float:
        """Wait for the next time and return it, monotonic seconds."""
        now = time.monotonic()
        self._due_mono_s += interval_s
        if self._due_mono_s < now:
            self._due_mono_s = now
        else:
            self._never.acquire(timeout=self._due_mono_s - now)
        return self._due_mono_s

    def restart(self) -> None:
        """Restart the schedule now."""
        self._due_mono_s = time.monotonic()


class RateLimit:
    """Reduces a stream of images evenly to a frame rate."""

    def __init__(self) -> None:
        self._due_mono_s: float | None = None

    def admits(self, mono_s: float, interval_s: float) -> bool:
        """Return whether to use an image captured at a time.

        A camera at exactly the requested rate has jitter, so an image may be a quarter of the interval early. The next
        due time follows from the schedule, not from the last image, so the mean rate is kept.
        """
        if self._due_mono_s is None:
            self._due_mono_s = mono_s
        if mono_s < self._due_mono_s - interval_s / 4:
            return False
        self._due_mono_s = max(self._due_mono_s, mono_s - interval_s) + interval_s
        return True
