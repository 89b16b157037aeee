"""Jobs of commands for the worker thread, bounded by the memory that they hold until they are done.

A job that waits for a slow disk keeps the pictures that it is about: a raw frame, or the frames of a whole ring. Their
count alone, which the worker bounds, would not bound their bytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from pi_cam_node.base.errors import Busy
from pi_cam_node.base.threads import Progress, Submit
from pi_cam_node.base.units import MIB
from pi_cam_node.core.commands.registry import Work


class _Job:
    """A job that releases its memory when it is done, or cancelled before it began.

    Attributes:
        holds_bytes: What it holds now.
    """

    def __init__(self, work: Work) -> None:
        self._job = deque([work.job])  # taken out once: to be run, or to be cancelled
        self.holds_bytes = work.holds_bytes

    def __call__(self, progress: Progress) -> object:
        """Run the job, unless it was cancelled. Thread: the worker."""
        try:
            job = self._job.pop()
        except IndexError:
            return None
        try:
            return job(progress)
        finally:
            self.holds_bytes = 0

    def cancel(self) -> None:
        """Cancel the job, unless it has begun. Thread: the node thread."""
        try:
            self._job.pop()
        except IndexError:
            return
        self.holds_bytes = 0


class JobQueue:
    """Hands work to the worker thread while there is memory for what it holds.

    Thread: the node thread.

    Args:
        submit: Puts a job on the worker thread.
        limit_bytes: Returns what all jobs that are not done may hold together. One alone may hold more.
    """

    def __init__(self, submit: Submit, limit_bytes: Callable[[], int]) -> None:
        self._submit = submit
        self._limit_bytes = limit_bytes
        self._jobs: dict[int, _Job] = {}

    def submit(self, work: Work) -> int:
        """Queue work and return its number.

        Raises:
            Busy: Too many jobs wait, or what waits holds too much.
        """
        if not work.holds_bytes:
            return self._submit(work.job)
        self._jobs = {number: job for number, job in self._jobs.items() if job.holds_bytes}
        held_bytes = sum(job.holds_bytes for job in self._jobs.values())
        if held_bytes and held_bytes + work.holds_bytes > self._limit_bytes():
            raise Busy(
                f"ERROR: pictures that are not saved yet hold {held_bytes / MIB:.1f} MiB, and there is no memory for "
                "more; ask again when they are saved, ask for fewer frames, or raise node.memory_bytes",
                data={"waiting_bytes": held_bytes},
            )
        job = _Job(work)
        number = self._submit(job)
        self._jobs[number] = job
        return number

    def cancel(self, number: int) -> None:
        """Cancel a job that holds pictures and has not begun.

        What has begun goes on, and so does what holds no picture: privacy and erase jobs are never cancelled.
        """
        job = self._jobs.get(number)
        if job is not None:
            job.cancel()
