"""What commands have the worker thread do, and how much memory that holds until it is done.

A job that waits for a slow disk keeps the pictures that it is about: a raw frame, or the frames of a whole ring. Their
count alone, which the worker bounds, would not bound their bytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from pi_cam_node.base.errors import Busy
from pi_cam_node.base.jobs import Progress, Submit
from pi_cam_node.base.units import MIB
from pi_cam_node.core.commands.registry import Work


class _Job:
    """A job that lets go of what it holds when it is done, or dropped before it began.

    Attributes:
        holds_bytes: What it holds now.
    """

    def __init__(self, work: Work) -> None:
        self._job = deque([work.job])  # whoever takes it out first, to run it or to drop it, has it alone
        self.holds_bytes = work.holds_bytes

    def __call__(self, progress: Progress) -> object:
        """Do it, unless it was dropped. Thread: the worker."""
        try:
            job = self._job.pop()
        except IndexError:
            return None
        try:
            return job(progress)
        finally:
            self.holds_bytes = 0

    def drop(self) -> None:
        """Let go of it, unless it has begun. Thread: the node thread."""
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
        room_bytes: Tells what all jobs that are not done may hold together. One alone may hold more.
    """

    def __init__(self, submit: Submit, room_bytes: Callable[[], int]) -> None:
        self._submit = submit
        self._room_bytes = room_bytes
        self._errands: dict[int, _Job] = {}

    def submit(self, work: Work) -> int:
        """Put work in line and return its number.

        Raises:
            Busy: Too many jobs wait, or what waits holds too much.
        """
        if not work.holds_bytes:
            return self._submit(work.job)
        self._errands = {number: errand for number, errand in self._errands.items() if errand.holds_bytes}
        held_bytes = sum(errand.holds_bytes for errand in self._errands.values())
        if held_bytes and held_bytes + work.holds_bytes > self._room_bytes():
            raise Busy(
                f"ERROR: pictures that are not saved yet hold {held_bytes / MIB:.1f} MiB, and there is no memory for "
                "more; ask again when they are saved, ask for fewer frames, or raise node.memory_bytes",
                data={"waiting_bytes": held_bytes},
            )
        errand = _Job(work)
        number = self._submit(errand)
        self._errands[number] = errand
        return number

    def drop(self, number: int) -> None:
        """Let go of a picture for which nobody waits any more.

        What has begun is ended all the same, and so is what holds no picture: privacy and `erase` are owed.
        """
        errand = self._errands.get(number)
        if errand is not None:
            errand.drop()
