"""Runs a source in a thread of the node, for boards too small for a second process.

A hung driver then blocks this thread, and no second one is started beside it; a crash of the driver ends the node.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from pi_cam_node.camera.worker.base import WorkerLost
from pi_cam_node.camera.worker.messages import Arrived, Order, Quit, Ready, Report
from pi_cam_node.camera.worker.source_loop import SourceLoop

_log = logging.getLogger(__name__)

# Maximum number of queued images; more are skipped and counted. Other reports are few and always kept.
_REPORTS_WAITING = 4


class ThreadWorker:
    """Runs a source in a thread of the node.

    Thread: one, except for reports posted by the source's thread.
    """

    killable = False
    pid = None

    def __init__(self, wake: Callable[[], None]) -> None:
        """Start the thread; it opens no source yet.

        Args:
            wake: Called when reports are queued. Thread: any.
        """
        self._wake = wake
        self._reports: deque[Report] = deque()
        self._skipped = 0
        self._loop = SourceLoop(self._post)
        self._thread = threading.Thread(target=self._run, name="camera source", daemon=True)
        self._thread.start()

    @property
    def descriptors(self) -> list[int]:
        """Empty, as the worker wakes the controller by a call."""
        return []

    def send(self, order: Order) -> None:
        """Pass an order on."""
        self._loop.order(order)

    def take(self) -> list[Report]:
        """Return queued reports."""
        alive = self._thread.is_alive()
        reports = [self._reports.popleft() for _ in range(len(self._reports))]
        if not alive and not reports:
            raise WorkerLost("the camera's thread ended")
        return reports

    def end(self, deadline_s: float) -> bool:
        """Order the thread to close the camera, and wait; return whether it ended."""
        self._loop.order(Quit())
        self._thread.join(deadline_s)
        if self._thread.is_alive():
            _log.error("the camera hangs in its driver, and its thread cannot be ended")
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._loop.run()
        except Exception:
            _log.exception("the camera's thread failed")
        self._wake()

    def _post(self, report: Report) -> None:
        if isinstance(report, Ready):
            self._skipped = 0
        if isinstance(report, Arrived):
            if len(self._reports) >= _REPORTS_WAITING:
                self._skipped += 1
                return
            report = Arrived(report.session, report.image, report.skipped + self._skipped)
        self._reports.append(report)
        self._wake()
