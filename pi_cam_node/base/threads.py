"""Monitored threads: each runs a loop, has a name and a heartbeat, and can be restarted after it failed.

Also the types of jobs for the worker thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pi_cam_node.base.clock import Clock

if TYPE_CHECKING:  # slow to import, and not needed by processes without an event loop
    from asyncio import AbstractEventLoop

# Longer than any step of a healthy loop on a small board that swaps, and short enough to detect a hang within 30 s.
LIMIT_S = 20.0
# Interval of heartbeats of an event loop; each wakes an idle thread.
BEAT_S = 4.0
# Restarts of a thread allowed within ten minutes.
REPAIRS = 3

Progress = Callable[[int, int], None]
"""Called with (done, total) during long work; cheap, from any thread."""

Job = Callable[[Progress], object]
"""A job for the worker thread; its result or error is reported as `WorkEnded`."""

Submit = Callable[[Job], int]
"""Queues a job and returns its number. Raises `Busy` if the queue is full. Never blocks."""


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
        """Record that the loop runs.

        Args:
            within_s: Extra time for the next step, a wait for example, beyond the usual limit.
        """
        self._due_mono_s = self._clock.monotonic() + self.limit_s + within_s

    def pause(self) -> None:
        """Suspend the deadline while the loop waits for work."""
        self._due_mono_s = float("inf")

    def extend(self) -> None:
        """Restart the deadline, after the whole process was suspended."""
        if self._due_mono_s != float("inf"):
            self._due_mono_s = max(self._due_mono_s, self._clock.monotonic() + self.limit_s)

    @property
    def is_stale(self) -> bool:
        """Whether a beat is overdue. Thread: any."""
        return self._clock.monotonic() > self._due_mono_s


class MonitoredThread(Heartbeat):
    """A thread with a heartbeat that runs until its owner ends it, and can be restarted.

    Attributes:
        repairs: Restarts allowed within ten minutes.
        replaceable: Whether a hung thread may be abandoned, because it holds nothing that its successor needs.
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
        """Create the thread without starting it.

        Args:
            name: Name of the thread.
            run: Body of the thread; returns only when the owner ends it.
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
        """Whether the calling thread is the current one, rather than a replaced one."""
        return threading.current_thread() is self._thread

    @property
    def is_in_kernel(self) -> bool:
        """Whether the thread is in uninterruptible sleep (state D), usually because a disk does not respond.

        Source: proc(5), the state in ``/proc/<pid>/task/<tid>/stat``, after the name in parentheses.
        """
        try:
            status = Path(f"/proc/self/task/{self._thread.native_id}/stat").read_bytes()
        except OSError:
            return False
        return status.rpartition(b")")[2].split()[:1] == [b"D"]

    def beat(self, within_s: float = 0.0) -> None:
        """Record that the loop runs; calls by a replaced thread are ignored."""
        if self.is_mine:
            super().beat(within_s)

    def beat_along(self, event_loop: AbstractEventLoop) -> None:
        """Beat now, and every few seconds as long as the event loop runs. Thread: the event loop's."""
        self.beat()
        event_loop.call_later(BEAT_S, self.beat_along, event_loop)

    def start(self) -> None:
        """Start the thread. Once."""
        super().beat()
        self._thread.start()

    def restart(self) -> None:
        """Start a new thread in place of the failed one. Thread: the watchdog's."""
        self._before_restart()
        self._thread = self._new()
        self.start()

    def end(self) -> None:
        """Record that the thread is about to end, so that this does not count as a failure."""
        self._ending = True
        self.pause()

    def join(self, deadline_s: float) -> bool:
        """Wait for the thread; return whether it ended in time, or was never started."""
        self.end()
        if self.is_alive:
            self._thread.join(max(0.0, deadline_s))
        return not self.is_alive

    def _new(self) -> threading.Thread:
        # A daemon, since a hang in a driver or on a failed SD card must not block the exit of the process.
        return threading.Thread(target=self._run, name=self.name, daemon=True)
