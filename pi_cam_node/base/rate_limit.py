"""Even reduction of a stream of images to a frame rate."""

from __future__ import annotations


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
