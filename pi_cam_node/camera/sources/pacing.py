"""Pacing of a source: evenly spaced times."""

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
