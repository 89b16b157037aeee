"""Whether anything may be seen. Everybody who hands out pictures looks here last, before they leave.

A flag and a moment, so that whoever looks needs no lock: a frame taken before the curtain opened is never shown,
however late it arrives.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from pi_cam_node.base.errors import PrivacyOn
from pi_cam_node.base.jobs import Job, Progress
from pi_cam_node.imaging.frame import Frame


class PrivacyGate:
    """Closed while privacy is on, and from the moment in which it is asked for.

    Thread: drawn by the node thread, looked at and watched by any.
    """

    def __init__(self, *, closed: bool = False) -> None:
        self._closed = closed
        self._opened_s = float("-inf")
        self._times_closed = 0
        self._watchers: tuple[Callable[[], None], ...] = ()
        self._changed = threading.Lock()

    @property
    def closed(self) -> bool:
        """Whether nothing may be seen."""
        return self._closed

    @property
    def times_closed(self) -> int:
        """How often it was closed: whoever hands out pictures for a while looks whether it was closed meanwhile."""
        return self._times_closed

    def close(self) -> None:
        """Let nothing be seen from now on."""
        self._times_closed += 1
        self._closed = True
        for closed in self._watchers:
            closed()

    def watch(self, closed: Callable[[], None]) -> Callable[[], None]:
        """Call ``closed`` whenever the curtain closes, on the node thread; return what ends that. It must not raise."""
        with self._changed:
            self._watchers = (*self._watchers, closed)

        def leave() -> None:
            with self._changed:
                self._watchers = tuple(one for one in self._watchers if one is not closed)

        return leave

    def open(self, now_s: float) -> None:
        """Let be seen what is taken from now on, a monotonic time."""
        self._opened_s = now_s
        self._closed = False

    def hides(self, frame: Frame) -> bool:
        """Return whether a frame must not be seen: now, or because it was taken before the curtain opened."""
        return self._closed or frame.exposed_mono_s <= self._opened_s

    def check(self, times_closed: int | None = None) -> None:
        """Go on only where something may be seen.

        Args:
            times_closed: As it was when the pictures were taken that shall be seen: what is older than a time of
                privacy is forgotten.

        Raises:
            PrivacyOn: Nothing may.
        """
        if self._closed or times_closed not in (None, self._times_closed):
            raise PrivacyOn("ERROR: privacy is on; no picture is made, kept or shown")

    def before(self, job: Job) -> Job:
        """Return a job that does not begin, and ends at its next step, once the curtain is closed.

        Thread: the job's, which is the worker.
        """
        times_closed = self._times_closed

        def watched(progress: Progress) -> object:
            def step(done: int, total: int) -> None:
                self.check(times_closed)
                progress(done, total)

            self.check(times_closed)
            return job(step)

        return watched
