"""Threads of the node: each runs a loop, has a name and a heartbeat, and can be started again where it died."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from pi_cam_node.base.clock import Clock

# Longer than anything that a healthy loop does between two beats on a small board that swaps, and short enough for a
# loop that hangs to be answered within 30 s.
LIMIT_S = 20.0
# How often within ten minutes a thread may be begun again.
REPAIRS = 3


class Heartbeat:
    """Sign of life of a loop: fresh for a while after each beat; the watchdog looks at it.

    Attributes:
        name: Of the loop.
        limit_s: How long it may be silent.
    """

    def __init__(self, name: str, clock: Clock, limit_s: float = LIMIT_S) -> None:
        self.name = name
        self.limit_s = limit_s
        self._clock = clock
        self._due_mono_s = float("inf")

    def beat(self, within_s: float = 0.0) -> None:
        """Say that the loop goes round.

        Args:
            within_s: What it is about to do, a wait for example, may take this much longer than usual.
        """
        self._due_mono_s = self._clock.monotonic() + self.limit_s + within_s

    def pause(self) -> None:
        """Say that the loop waits for something to do, for as long as it takes."""
        self._due_mono_s = float("inf")

    def extend(self) -> None:
        """Begin to wait anew: the whole process stood still, and this loop could not beat."""
        if self._due_mono_s != float("inf"):
            self._due_mono_s = max(self._due_mono_s, self._clock.monotonic() + self.limit_s)

    @property
    def is_stale(self) -> bool:
        """Whether a beat is overdue. Thread: any."""
        return self._clock.monotonic() > self._due_mono_s


class MonitoredThread(Heartbeat):
    """A thread that runs until its owner ends it.

    Attributes:
        repairs: How often within ten minutes it may be begun again.
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
            name: Of the thread.
            run: What it does; it returns when the owner wants it to, and only then.
            clock: Tells the time.
            limit_s: How long it may be silent.
            before_restart: Puts in order what a dead or a hanging predecessor has left. Thread: the watchdog's.
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
        """Whether it has ever run."""
        return self._thread.ident is not None

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._thread.is_alive()

    @property
    def is_dead(self) -> bool:
        """Whether it ended without being asked to."""
        return self.was_started and not self._ending and not self.is_alive

    @property
    def is_mine(self) -> bool:
        """Whether the thread that asks is the one in charge, and not one that was left behind."""
        return threading.current_thread() is self._thread

    @property
    def is_in_kernel(self) -> bool:
        """Whether it waits in the kernel and cannot be interrupted: for a disk, as a rule, that does not answer.

        Source: proc(5), the state in ``/proc/<pid>/task/<tid>/stat``, behind the name in brackets.
        """
        try:
            told = Path(f"/proc/self/task/{self._thread.native_id}/stat").read_bytes()
        except OSError:
            return False
        return told.rpartition(b")")[2].split()[:1] == [b"D"]

    def beat(self, within_s: float = 0.0) -> None:
        """Say that the loop goes round; one that was left behind has no say."""
        if self.is_mine:
            super().beat(within_s)

    def start(self) -> None:
        """Start it. Once."""
        super().beat()
        self._thread.start()

    def restart(self) -> None:
        """Begin again with a new thread. Thread: the watchdog's."""
        self._before_restart()
        self._thread = self._new()
        self.start()

    def end(self) -> None:
        """Say that it shall end, so that its end is no accident."""
        self._ending = True
        self.pause()

    def join(self, deadline_s: float) -> bool:
        """Wait for the end; return whether it came in time, or it never began."""
        self.end()
        if self.is_alive:
            self._thread.join(max(0.0, deadline_s))
        return not self.is_alive

    def _new(self) -> threading.Thread:
        # A daemon: what hangs in a driver or on a dead card must not keep the process from ending.
        return threading.Thread(target=self._run, name=self.name, daemon=True)
