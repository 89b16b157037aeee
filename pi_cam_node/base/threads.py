"""Monitored threads: each runs a loop, has a name and a heartbeat, and can be restarted after it failed.

Also the types of the work that one thread hands to another.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pi_cam_node.base.clock import Clock

if TYPE_CHECKING:  # takes tenths of a second to import, and processes with threads alone do without it
    from asyncio import AbstractEventLoop

# Longer than anything that a healthy loop does between two beats on a small board that swaps, and short enough for a
# loop that hangs to be answered within 30 s.
LIMIT_S = 20.0
# Interval of the beats along an event loop, each of which wakes a thread that has nothing else to do.
BEAT_S = 4.0
# Restarts of a thread allowed within ten minutes.
REPAIRS = 3

Progress = Callable[[int, int], None]
"""Called with (done, total) while long work goes on; cheap, from any thread."""

Job = Callable[[Progress], object]
"""One piece of work. Runs on the worker thread; its result or its error comes back as `WorkEnded`."""

Submit = Callable[[Job], int]
"""Puts a job in line and returns its number. Raises `Busy` where too many jobs wait. Never blocks."""


class Heartbeat:
    """Heartbeat of a loop: fresh for a while after each beat; the watchdog checks it.

    Attributes:
        name: Name of the loop.
        limit_s: Longest time between two beats, in seconds.
    """

    def __init__(self, name: str, clock: Clock, limit_s: float = LIMIT_S) -> None:
        self.name = name
        self.limit_s = limit_s
        self._clock = clock
        self._due_mono_s = float("inf")

    def beat(self, within_s: float = 0.0) -> None:
        """Note that the loop runs.

        Args:
            within_s: Extra time for the next step, a wait for example, beyond the usual limit.
        """
        self._due_mono_s = self._clock.monotonic() + self.limit_s + within_s

    def pause(self) -> None:
        """Suspend the deadline while the loop waits for work."""
        self._due_mono_s = float("inf")

    def extend(self) -> None:
        """Restart the deadline: the whole process stood still, and this loop could not beat."""
        if self._due_mono_s != float("inf"):
            self._due_mono_s = max(self._due_mono_s, self._clock.monotonic() + self.limit_s)

    @property
    def is_stale(self) -> bool:
        """Whether a beat is overdue. Thread: any."""
        return self._clock.monotonic() > self._due_mono_s


class MonitoredThread(Heartbeat):
    """A thread that runs until its owner ends it.

    Attributes:
        repairs: Restarts allowed within ten minutes.
        replaceable: One that hangs may be left behind, because its successor shares nothing with it that it holds.
    """

    def __init__(
        self,
        name: str,
        run: Callable[[], None],
        clock: Clock,
        limit_s: float = LIMIT_S,
        before_restart: Callable[[], None] = lambda: None,
        *,
        repairs: int = REPAIRS,
        replaceable: bool = False,
    ) -> None:
        """Start nothing yet.

        Args:
            name: Name of the thread.
            run: Body of the thread; returns when the owner ends it, and only then.
            clock: Tells the time.
            limit_s: Longest time between two beats, in seconds.
            before_restart: Cleans up after a predecessor that failed or hangs. Thread: the watchdog's.
            repairs: See above.
            replaceable: See above.
        """
        super().__init__(name, clock, limit_s)
        self.repairs, self.replaceable = repairs, replaceable
        self._run = run
        self._before_restart = before_restart
        self._ending = False
        self._thread = self._new()

    @property
    def was_started(self) -> bool:
        """Whether the thread has ever run."""
        return self._thread.ident is not None

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @property
    def is_dead(self) -> bool:
        """Whether the thread ended without a request to end."""
        return self.was_started and not self._ending and not self.is_alive

    @property
    def is_mine(self) -> bool:
        """Whether the calling thread is the current one, and not one that was replaced."""
        return threading.current_thread() is self._thread

    @property
    def is_in_kernel(self) -> bool:
        """Whether the thread waits uninterruptibly in the kernel, as a rule for a disk that does not answer.

        Source: proc(5), the state in ``/proc/<pid>/task/<tid>/stat``, behind the name in brackets.
        """
        try:
            status = Path(f"/proc/self/task/{self._thread.native_id}/stat").read_bytes()
        except OSError:
            return False
        return status.rpartition(b")")[2].split()[:1] == [b"D"]

    def beat(self, within_s: float = 0.0) -> None:
        """Note that the loop runs; a call by a thread that was replaced is ignored."""
        if self.is_mine:
            super().beat(within_s)

    def beat_along(self, event_loop: AbstractEventLoop) -> None:
        """Beat now, and every few seconds for as long as an event loop turns. Thread: the event loop's."""
        self.beat()
        event_loop.call_later(BEAT_S, self.beat_along, event_loop)

    def start(self) -> None:
        """Start the thread. Once."""
        super().beat()
        self._thread.start()

    def restart(self) -> None:
        """Begin again with a new thread. Thread: the watchdog's."""
        self._before_restart()
        self._thread = self._new()
        self.start()

    def end(self) -> None:
        """Note that the thread shall end, so that its end does not count as a failure."""
        self._ending = True
        self.pause()

    def join(self, deadline_s: float) -> bool:
        """Wait for the end; return whether it came in time, or it never began."""
        self.end()
        if self.is_alive:
            self._thread.join(max(0.0, deadline_s))
        return not self.is_alive

    def _new(self) -> threading.Thread:
        # A daemon: what hangs in a driver or on a failed card must not keep the process from ending.
        return threading.Thread(target=self._run, name=self.name, daemon=True)
