"""Captures one frame from picamera2 with a timeout, without leaking its buffer.

A capture that timed out stays queued in picamera2. When frames return, it takes a buffer that would never be released:
after a few of these the camera stops, or, when Python collects the unused request, the process crashes inside
libcamera. So each capture goes through a `Handover`, which releases the request itself once its reader has given up.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pi_cam_node.base.errors import SourceError
from pi_cam_node.camera.sources.picam.interface import Job, Picamera, Request
from pi_cam_node.camera.sources.picam.metadata import CameraClock

_log = logging.getLogger(__name__)


class Handover:
    """Passes a finished job from picamera2's camera thread to the reader, or releases it."""

    def __init__(self) -> None:
        self.arrived = threading.Event()
        self._lock = threading.Lock()
        self._job: Job | None = None
        self._given_up = False

    def deliver(self, job: Job) -> None:
        """Accept the job; called as picamera2's signal function.

        Thread: picamera2's, which any exception raised here would end permanently.
        """
        with self._lock:
            if not self._given_up:
                self._job = job
                self.arrived.set()
                return
        _release_late(job)

    def collect(self) -> Request | None:
        """Return the request, or give up on it permanently.

        Raises:
            Exception: The error of picamera2 during the capture.
        """
        with self._lock:
            # Breaks a reference cycle, which would hold camera memory until garbage collection, so that the next
            # configuration would have none.
            job, self._job = self._job, None
            self._given_up = job is None
        return job.get_result(timeout=0) if job is not None else None


@contextmanager
def grab(camera: Picamera, clock: CameraClock, timeout_s: float) -> Iterator[Request]:
    """Yield the next frame, and release it afterwards.

    Raises:
        SourceError: No frame arrived in time; nothing is left queued.
    """
    handover = Handover()
    camera.capture_request(signal_function=handover.deliver)
    clock.wait(handover.arrived, timeout_s)
    request = handover.collect()
    if request is None:
        camera.cancel_all_and_flush()
        raise SourceError(f"no image from the camera for {timeout_s:.1f} s: check its cable and power")
    try:
        yield request
    finally:
        request.release()


def _release_late(job: Job) -> None:
    try:
        job.get_result(timeout=0).release()
    except Exception:
        _log.exception("a late camera buffer could not be released")
