"""Privacy, carried out: the sensor is stopped first, then everything is forgotten that it saw."""

from __future__ import annotations

from collections.abc import Callable

from pi_cam_node.clock import Clock
from pi_cam_node.ports import Discretion


class Privacy:
    """Draws the curtain. Used by the node thread, but for `seal`.

    Args:
        discretion: The curtain, the camera and the disk.
        clock: Tells the time.
        forget: Forgets every picture, and refuses whoever waits for one.
    """

    def __init__(self, discretion: Discretion, clock: Clock, forget: Callable[[], None]) -> None:
        self._discretion = discretion
        self._curtain = discretion.curtain
        self._clock = clock
        self._forget = forget
        self._asked = 0

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
        self._curtain.open(self._clock.monotonic())
        self._discretion.hold(False)

    def seal(self, closed: bool) -> None:
        """Wait until the camera is free where it shall be, and remember on disk how the curtain is.

        Thread: the worker.

        Raises:
            NotSaved, NoSpace: It will not be remembered.
            CameraDown: The camera's process did not end in time.
        """
        self._discretion.seal(closed)
