"""Pacing of a source: evenly spaced times, and reduction to a frame rate."""

from __future__ import annotations

import threading
import time


class Metronome:
    """Waits for evenly spaced times; a late caller skips missed ones.

    Thread: one.
    """

    def __init__(self) -> None:
        self._due_mono_s = time.monotonic()
        # Never released: waits like a sleep, to the same precision, and in half of the time that an Event takes.
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
        """Return whether to use the image of this time.

        A camera at exactly the requested rate jitters around it, so an image may come a quarter of the interval
        early; the schedule, not the last image, says when the next one is due, so the mean rate is kept.
        """
        if self._due_mono_s is None:
            self._due_mono_s = mono_s
        if mono_s < self._due_mono_s - interval_s / 4:
            return False
        self._due_mono_s = max(self._due_mono_s, mono_s - interval_s) + interval_s
        return True
