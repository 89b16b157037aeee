"""The source in a thread of the node, for boards too small for a second process.

A driver that hangs then hangs this thread, and no second one is started beside it; one that crashes takes the node
along.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from pi_cam_node.camera.worker.base import WorkerLost
from pi_cam_node.camera.worker.messages import Arrived, Order, Quit, Ready, Report
from pi_cam_node.camera.worker.source_loop import SourceLoop

log = logging.getLogger(__name__)

# Images beyond this are skipped and counted; other notes are few and always kept.
_NOTES_WAITING = 4


class ThreadWorker:
    """Runs a source in a thread.

    Thread: one, but for what the thread itself posts.
    """

    killable = False
    pid = None

    def __init__(self, wake: Callable[[], None]) -> None:
        """Start the thread; it opens nothing yet.

        Args:
            wake: Called when notes are there. Thread: any.
        """
        self._wake = wake
        self._notes: deque[Report] = deque()
        self._skipped = 0
        self._runner = SourceLoop(self._post)
        self._thread = threading.Thread(target=self._run, name="camera source", daemon=True)
        self._thread.start()

    @property
    def descriptors(self) -> list[int]:
        """None: it wakes by a call."""
        return []

    def send(self, order: Order) -> None:
        """Pass an order on."""
        self._runner.order(order)

    def take(self) -> list[Report]:
        """Return the notes that came."""
        alive = self._thread.is_alive()
        notes = [self._notes.popleft() for _ in range(len(self._notes))]
        if not alive and not notes:
            raise WorkerLost("the camera's thread ended")
        return notes

    def end(self, deadline_s: float) -> bool:
        """Ask it to close the camera, and wait; return whether it ended."""
        self._runner.order(Quit())
        self._thread.join(deadline_s)
        if self._thread.is_alive():
            log.error("the camera hangs in its driver, and its thread cannot be ended")
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._runner.run()
        except Exception:
            log.exception("the camera's thread ended by a fault")
        self._wake()

    def _post(self, note: Report) -> None:
        if isinstance(note, Ready):
            self._skipped = 0
        if isinstance(note, Arrived):
            if len(self._notes) >= _NOTES_WAITING:
                self._skipped += 1
                return
            shot = replace(note.shot, pixels=note.shot.pixels.copy())
            note = Arrived(note.session, shot, self._skipped)
        self._notes.append(note)
        self._wake()
