"""Switches privacy on and off: first the camera is released, then all frames in memory are deleted."""

from __future__ import annotations

from collections.abc import Callable

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.errors import Busy, NodeError
from pi_cam_node.base.schedule import NEVER_S
from pi_cam_node.base.threads import Job, Progress, Submit
from pi_cam_node.core.ports import PrivacyPort

# Seconds until a failed write is retried, and until one that hangs is.
AGAIN_S, SILENT_S = 30.0, 120.0


class PrivacySwitch:
    """Closes and opens the privacy gate, with camera and disk. Used by the node thread, but for its jobs.

    Args:
        port: Gate, camera and disk.
        clock: Tells the time.
        forget: Deletes frames in memory, and refuses commands that wait for one.

    Attributes:
        due_s: When `persist_again` is due, monotonic seconds; never, while the disk is up to date.
    """

    def __init__(self, port: PrivacyPort, clock: Clock, forget: Callable[[], None]) -> None:
        self._port = port
        self._gate = port.privacy_gate
        self._clock = clock
        self._forget = forget
        self._number = 0
        self.due_s = NEVER_S

    @property
    def number(self) -> int:
        """Number of switches, by which a waiting command detects a later switch."""
        return self._number

    def begin(self) -> int:
        """Begin a switch and return its number."""
        self._number += 1
        return self._number

    def close(self) -> None:
        """Switch privacy on at once; the order matters, in case a step fails."""
        self._gate.close()
        self._port.release_camera()
        self._forget()

    def open(self) -> None:
        """Switch privacy off: open the gate and acquire the camera."""
        self.due_s = NEVER_S
        self._gate.open(self._clock.monotonic())
        self._port.acquire_camera()

    def persist_job(self, number: int, *, closed: bool) -> Job:
        """Return the job that stores the state of privacy and, if on, waits until the camera is released.

        Privacy off is not stored if the switch was abandoned, or a later one followed.

        Thread of the job: the worker. It raises:
            NotSaved, NoSpace: The state is not stored.
            CameraDown: The camera's process, or one that encodes its pictures, did not end in time.
            Busy: Privacy was switched again meanwhile.
        """

        def persist(_progress: Progress) -> None:
            if not closed and number != self._number:
                raise Busy("privacy was switched again meanwhile")
            self._port.persist(closed)

        return persist

    def retry_persist(self) -> None:
        """Abandon the current switch, and store privacy on, retrying without limit."""
        self._number += 1  # a pending switch-off must not take effect any more
        self.due_s = self._clock.monotonic() + AGAIN_S

    def persist_again(self, submit: Submit) -> None:
        """Submit another attempt to store privacy on, until one has succeeded."""
        now_s = self._clock.monotonic()
        self.due_s = now_s + SILENT_S
        try:
            submit(self._persist)
        except Busy:
            self.due_s = now_s + AGAIN_S

    def _persist(self, _progress: Progress) -> None:
        if not self._gate.closed:
            return
        try:
            self._port.persist(True)
        except NodeError:
            self.due_s = self._clock.monotonic() + AGAIN_S
            raise
        self.due_s = NEVER_S
