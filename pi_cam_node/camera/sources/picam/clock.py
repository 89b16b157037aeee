"""The clocks of the picamera2 source, in one place so that tests can advance them by hand."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class CameraClock(Protocol):
    """The two clocks of this boot, and waiting by them."""

    def monotonic_ns(self) -> int:
        """CLOCK_MONOTONIC in nanoseconds."""
        ...

    def boottime_ns(self) -> int:
        """CLOCK_BOOTTIME in nanoseconds: goes on while the machine sleeps; libcamera stamps frames with it."""
        ...

    def wait(self, event: threading.Event, timeout_s: float) -> None:
        """Return when the event is set, or after the timeout."""
        ...


class SystemCameraClock:
    """The clocks of this machine."""

    def monotonic_ns(self) -> int:
        """Return CLOCK_MONOTONIC in nanoseconds."""
        return time.monotonic_ns()

    def boottime_ns(self) -> int:
        """Return CLOCK_BOOTTIME in nanoseconds."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def wait(self, event: threading.Event, timeout_s: float) -> None:
        """Wait for the event in real time."""
        event.wait(max(0.0, timeout_s))
