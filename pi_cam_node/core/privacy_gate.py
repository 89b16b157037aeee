"""Privacy gate: pictures may be shown, stored or sent only while it is open. Each part checks it last before sending.

A flag and a time, so that a check needs no lock: a frame whose exposure began before privacy was switched off is never
shown, however late it arrives.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from pi_cam_node.base.errors import NoFrames, PrivacyOn
from pi_cam_node.base.threads import Job, Progress
from pi_cam_node.imaging.frame import Frame


class PrivacyGate:
    """Gate for pictures, closed while privacy is on.

    Thread: closed and opened by the node thread, checked and watched by any.
    """

    def __init__(self, *, closed: bool = False) -> None:
        self._closed = closed
        self._opened_s = float("-inf")
        self._generation = 0
        self._watchers: tuple[Callable[[], None], ...] = ()
        self._changed = threading.Lock()

    @property
    def closed(self) -> bool:
        """Whether the gate is closed, so that no picture may be shown."""
        return self._closed

    @property
    def generation(self) -> int:
        """Number of closings of the gate, by which a longer transmission detects a closing."""
        return self._generation

    def close(self) -> None:
        """Close the gate: no picture may be shown from now on."""
        self._generation += 1
        self._closed = True
        for closed in self._watchers:
            closed()

    def watch(self, closed: Callable[[], None]) -> Callable[[], None]:
        """Register a callback for closings, on the node thread, which must not raise; return its unregistration."""
        with self._changed:
            self._watchers = (*self._watchers, closed)

        def end() -> None:
            with self._changed:
                self._watchers = tuple(one for one in self._watchers if one is not closed)

        return end

    def open(self, now_s: float) -> None:
        """Open the gate for frames whose exposure begins after a monotonic time."""
        self._opened_s = now_s
        self._closed = False

    def blocks(self, frame: Frame) -> bool:
        """Return whether a frame must not be shown: now, or because its exposure began before the gate opened."""
        return self._closed or frame.exposed_mono_s <= self._opened_s

    def check(self, generation: int | None = None) -> None:
        """Raise unless pictures may be shown.

        Args:
            generation: Value when the pictures were taken; pictures from before a privacy period are not shown.

        Raises:
            PrivacyOn: Pictures may not be shown.
        """
        if self._closed or generation not in (None, self._generation):
            raise PrivacyOn("ERROR: privacy is on; no picture is made, kept or shown")

    def guard_job(self, job: Job) -> Job:
        """Wrap a job so that it does not start, and ends at its next step, once the gate is closed.

        Also a job that finds the ring wiped, which only privacy does.

        Thread: the job's, which is the worker.
        """
        generation = self._generation

        def guarded(progress: Progress) -> object:
            def step(done: int, total: int) -> None:
                self.check(generation)
                progress(done, total)

            self.check(generation)
            try:
                return job(step)
            except NoFrames:
                self.check(generation)
                raise

        return guarded
