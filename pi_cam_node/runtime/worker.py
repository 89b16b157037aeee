"""Worker thread for slow jobs: encoding, stacking, writing, deleting.

One job at a time, in order, so that a slow SD card delays this thread only. Results go into the inbox; the thread
accesses no other state of the node.
"""

from __future__ import annotations

import itertools
import logging
import queue
import threading

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.errors import Busy, NodeError
from pi_cam_node.base.threads import Job, MonitoredThread, Progress
from pi_cam_node.core.inbox import Inbox, deliver
from pi_cam_node.core.inputs import WorkAdvanced, WorkEnded

_log = logging.getLogger(__name__)

JOBS_WAITING = 16
PROGRESS_INTERVAL_S = 0.5


class Worker:
    """Runs jobs one by one on its own thread."""

    def __init__(self, inbox: Inbox, clock: Clock) -> None:
        self._inbox = inbox
        self._clock = clock
        self._numbers = itertools.count(1)
        self._jobs: queue.Queue[tuple[int, Job, float] | None] = queue.Queue(JOBS_WAITING)
        self._running: int | None = None
        self._stopping = threading.Event()
        self._given_up = threading.Event()
        self.loop = MonitoredThread("worker", self._run, self._clock, before_restart=self._give_up_job)

    def start(self) -> None:
        """Start the thread. Once."""
        self.loop.start()

    def submit(self, job: Job, patience_s: float = 0.0) -> int:
        """Queue a job and return its number, as in its `WorkAdvanced` and `WorkEnded`.

        Never blocks. The job gets a function ``progress(done, total)``; a job that does not call it for too long counts
        as hung.

        Args:
            job: The job.
            patience_s: Additional seconds without progress.

        Thread: any.

        Raises:
            Busy: `JOBS_WAITING` jobs are queued already, or the worker stops.
        """
        if self._stopping.is_set():
            raise Busy("the node is stopping")
        work = next(self._numbers)
        try:
            self._jobs.put_nowait((work, job, patience_s))
        except queue.Full:
            raise Busy(f"{JOBS_WAITING} jobs are waiting already", data={"waiting": JOBS_WAITING}) from None
        return work

    def stop(self, deadline_s: float) -> tuple[int, ...]:
        """Finish running and queued jobs, then end the thread; accepts no new jobs.

        Returns:
            Numbers of unfinished jobs: the one still running, if any, then those that never ran.
        """
        self._stopping.set()
        self.loop.end()
        if not self.loop.is_alive:
            return self._left()
        end_s = self._clock.monotonic() + deadline_s
        try:
            self._jobs.put(None, timeout=max(0.0, deadline_s))
        except queue.Full:
            _log.warning("the worker's queue stayed full; queued jobs are dropped")
        else:
            self.loop.join(end_s - self._clock.monotonic())
        if not self.loop.is_alive:
            return ()
        self._given_up.set()
        running = self._running
        left = (*(() if running is None else (running,)), *self._left())
        self._jobs.put_nowait(None)  # for a thread that just found the queue empty
        _log.warning("stopped after %.1f s with %d jobs not done", deadline_s, len(left))
        return left

    def _left(self) -> tuple[int, ...]:
        """Empty the queue and return the numbers of its jobs."""
        left: list[int] = []
        while True:
            try:
                waiting = self._jobs.get_nowait()
            except queue.Empty:
                return tuple(left)
            if waiting is not None:
                left.append(waiting[0])

    def _run(self) -> None:
        while not self._given_up.is_set():
            self.loop.pause()
            waiting = self._jobs.get()
            if waiting is None:
                return
            work, job, patience_s = waiting
            self._running = work
            self.loop.beat(patience_s)
            deliver(self._inbox.put, self._outcome(work, job), self.loop, self._given_up.wait)
            self._running = None
            del waiting, job  # a job may hold pixels, and the next may come hours later

    def _give_up_job(self) -> None:
        """Post the failure of the job in which the thread died. Thread: the watchdog's."""
        running, self._running = self._running, None
        if running is not None:
            self._inbox.put(WorkEnded(running, error=NodeError("ERROR: the worker ended in the middle of it")))

    def _outcome(self, work: int, job: Job) -> WorkEnded:
        try:
            return WorkEnded(work, result=job(self._progress(work)))
        except NodeError as error:
            return WorkEnded(work, error=error)
        except Exception as error:
            _log.exception("job %d failed: a bug", work)
            return WorkEnded(work, error=error)
        except BaseException as error:  # e.g. SystemExit from a library: ends the job only
            _log.exception("job %d tried to end the thread", work)
            return WorkEnded(work, error=NodeError(repr(error)))

    def _progress(self, work: int) -> Progress:
        """Return the job's progress function, which posts at most every `PROGRESS_INTERVAL_S`."""
        posted_s = self._clock.monotonic()

        def progress(done: int, total: int) -> None:
            nonlocal posted_s
            self.loop.beat()
            now_s = self._clock.monotonic()
            if now_s - posted_s >= PROGRESS_INTERVAL_S:
                posted_s = now_s
                self._inbox.put(WorkAdvanced(work, done, total))  # dropped if the inbox is full; the next one is newer

        return progress
