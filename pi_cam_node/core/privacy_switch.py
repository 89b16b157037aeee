"""Privacy, carried out: the sensor is stopped first, then everything is forgotten that it saw."""

from __future__ import annotations

from collections.abc import Callable

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.errors import Busy, NodeError
from pi_cam_node.base.jobs import Job, Progress, Submit
from pi_cam_node.core.ports import PrivacyPort

# How soon a disk that did not remember is asked again, and one that has not answered at all.
AGAIN_S, SILENT_S = 30.0, 120.0


class PrivacySwitch:
    """Draws the curtain. Used by the node thread, but for its jobs.

    Args:
        discretion: The curtain, the camera and the disk.
        clock: Tells the time.
        forget: Forgets every picture, and refuses whoever waits for one.
    """

    def __init__(self, discretion: PrivacyPort, clock: Clock, forget: Callable[[], None]) -> None:
        self._discretion = discretion
        self._curtain = discretion.curtain
        self._clock = clock
        self._forget = forget
        self._asked = 0
        self._again_s = float("inf")

    @property
    def asked(self) -> int:
        """How often it was switched: who waits sees by it that somebody switched later."""
        return self._asked

    def ask(self) -> int:
        """Count a switch and return its number."""
        self._asked += 1
        return self._asked

    def close(self) -> None:
        """Let nothing be seen from now on: whatever fails in here, what stands before it is done."""
        self._curtain.close()
        self._discretion.hold(True)
        self._forget()

    def open(self) -> None:
        """Take the camera up again."""
        self._again_s = float("inf")
        self._curtain.open(self._clock.monotonic())
        self._discretion.hold(False)

    def sealing(self, number: int, *, closed: bool) -> Job:
        """Return the job that waits until the camera is free where it shall be, and remembers how the curtain is.

        It opens nothing once its switch is given up, or another came later.

        Thread of the job: the worker. It raises:
            NotSaved, NoSpace: It will not be remembered.
            CameraDown: The camera's process did not end in time.
            Busy: It is not wanted any more.
        """

        def seal(_progress: Progress) -> None:
            if not closed and number != self._asked:
                raise Busy("privacy was switched again meanwhile")
            self._discretion.seal(closed)

        return seal

    def insist(self) -> None:
        """Have the disk asked again soon: it may not know that the curtain is closed."""
        self._asked += 1  # what still waits to open is not wanted any more
        self._again_s = self._clock.monotonic() + AGAIN_S

    def tick(self, submit: Submit) -> None:
        """Let the worker make the disk remember what it did not, again and again."""
        now_s = self._clock.monotonic()
        if not self._curtain.closed or now_s < self._again_s:
            return
        self._again_s = now_s + SILENT_S
        try:
            submit(self._remember)
        except Busy:
            self._again_s = now_s + AGAIN_S

    def _remember(self, _progress: Progress) -> None:
        if not self._curtain.closed:
            return
        try:
            self._discretion.seal(True)
        except NodeError:
            self._again_s = self._clock.monotonic() + AGAIN_S
            raise
        self._again_s = float("inf")
