"""Privacy, carried out: the sensor is stopped first, then everything is forgotten that it saw."""

from __future__ import annotations

from collections.abc import Callable

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.errors import Busy, NodeError
from pi_cam_node.base.jobs import Job, Progress, Submit
from pi_cam_node.base.schedule import NEVER_S
from pi_cam_node.core.ports import PrivacyPort

# How soon a disk that did not remember is asked again, and one that has not answered at all.
AGAIN_S, SILENT_S = 30.0, 120.0


class PrivacySwitch:
    """Draws the curtain. Used by the node thread, but for its jobs.

    Args:
        discretion: The curtain, the camera and the disk.
        clock: Tells the time.
        forget: Forgets every picture, and refuses whoever waits for one.

    Attributes:
        due_s: When `retry_persist` is to be called, on the monotonic clock; never, while the disk knows.
    """

    def __init__(self, discretion: PrivacyPort, clock: Clock, forget: Callable[[], None]) -> None:
        self._discretion = discretion
        self._curtain = discretion.curtain
        self._clock = clock
        self._forget = forget
        self._asked = 0
        self.due_s = NEVER_S

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
        self.due_s = NEVER_S
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
        self.due_s = self._clock.monotonic() + AGAIN_S

    def retry_persist(self, submit: Submit) -> None:
        """Have the worker store again that privacy is on, until the disk has done so."""
        now_s = self._clock.monotonic()
        self.due_s = now_s + SILENT_S
        try:
            submit(self._remember)
        except Busy:
            self.due_s = now_s + AGAIN_S

    def _remember(self, _progress: Progress) -> None:
        if not self._curtain.closed:
            return
        try:
            self._discretion.seal(True)
        except NodeError:
            self.due_s = self._clock.monotonic() + AGAIN_S
            raise
        self.due_s = NEVER_S
