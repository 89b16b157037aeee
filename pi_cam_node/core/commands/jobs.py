"""Jobs of commands for the worker thread, limited by the memory that they hold.

A pending job holds its pictures, perhaps all frames of a ring. The worker limits the number of jobs, but not their
bytes.
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
        holds_bytes: Bytes that it holds now.
    """

    def __init__(self, work: Work) -> None:
        self._job = deque([work.job])  # popped once: to run or to cancel
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
    """Submits jobs to the worker thread within a memory limit.

    Thread: the node thread.

    Args:
        submit: Puts a job on the worker thread.
        limit_bytes: Returns the limit for all unfinished jobs together. A single job may exceed it.
    """

    def __init__(self, submit: Submit, limit_bytes: Callable[[], int]) -> None:
        self._submit = submit
        self._limit_bytes = limit_bytes
        self._jobs: dict[int, _Job] = {}

    def submit(self, work: Work) -> int:
        """Queue work and return its number.

        Raises:
            Busy: There are too many jobs, or they hold too much memory.
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
        """Cancel a job that holds pictures and has not started.

        Jobs that have started or hold no pictures are not cancelled; so privacy and erase jobs never are.
        """
        job = self._jobs.get(number)
        if job is not None:
            job.cancel()
