"""Whether anything may be seen. Everybody who hands out pictures looks here last, before they leave.

A flag and a moment, so that whoever looks needs no lock: a frame taken before the curtain opened is never shown,
however late it arrives.
"""

from __future__ import annotations

from collections.abc import Callable

from pi_cam_node.errors import PrivacyOn
from pi_cam_node.frame import Frame
from pi_cam_node.picture import Progress


class Curtain:
    """Closed while privacy is on, and from the moment in which it is asked for.

    Thread: drawn by the node thread, looked at by any.
    """

    def __init__(self, *, closed: bool = False) -> None:
        self._closed = closed
        self._opened_s = float("-inf")

    @property
    def closed(self) -> bool:
        """Whether nothing may be seen."""
        return self._closed

    def close(self) -> None:
        """Let nothing be seen from now on."""
        self._closed = True

    def open(self, now_s: float) -> None:
        """Let be seen what is taken from now on, a monotonic time."""
        self._opened_s = now_s
        self._closed = False

    def hides(self, frame: Frame) -> bool:
        """Return whether a frame must not be seen: now, or because it was taken before the curtain opened."""
        return self._closed or frame.exposed_mono_s <= self._opened_s

    def check(self) -> None:
        """Go on only where something may be seen.

        Raises:
            PrivacyOn: Nothing may.
        """
        if self._closed:
            raise PrivacyOn("ERROR: privacy is on; no picture is made, kept or shown")

    def before(self, job: Callable[[Progress], object]) -> Callable[[Progress], object]:
        """Return a job that does not begin, and ends at its next step, once the curtain is closed.

        Thread: the job's, which is the worker.
        """

        def watched(progress: Progress) -> object:
            def step(done: int, total: int) -> None:
                self.check()
                progress(done, total)

            self.check()
            return job(step)

        return watched
