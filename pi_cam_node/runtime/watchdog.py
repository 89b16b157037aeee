"""Watchdog of the node's threads; notifies the service manager of the node's state.

A dead thread is restarted, within a budget. Python cannot stop a hung thread, so the process exits with
`INTERNAL_CODE`, to be restarted by its supervisor; other threads get `FINISH_S` to finish. The service manager's
watchdog is fed only while every heartbeat is fresh, so that a fault which stops this thread too, such as an extension
that never releases the GIL, ends the process from outside.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.schedule import AT_ONCE_S
from pi_cam_node.base.sliding_window import SlidingWindow
from pi_cam_node.base.threads import Heartbeat, MonitoredThread
from pi_cam_node.runtime.health import NodeHealth
from pi_cam_node.system.systemd import SystemdNotifier

_log = logging.getLogger(__name__)

# EX_SOFTWARE of sysexits.h.
INTERNAL_CODE = 70
CHECK_S = 1.0
# Interval in which the node thread beats and checks the watchdog; a fraction of the heartbeat's limit of 20 s.
WATCH_S = 5.0
FINISH_S = 2.0
# A check delayed by more means that the whole process was suspended or starved.
STOOD_STILL_S = 5.0
WATCHDOG_MAX_S = 10.0
# A failed thread is restarted `MonitoredThread.repairs` times within this; then the process is ended.
REPAIRS_WINDOW_S = 600.0


class Watchdog:
    """Thread that monitors the others; the node thread monitors it.

    Args:
        node: The heartbeat of the node thread.
        loops: All other threads.
        health: State of camera, broker and live view.
        notifier: Notifications to the service manager.
        clock: Tells the time.
        give_up: Called with the reason before the process ends. Thread: the watchdog's.
        kill: Ends the process at once; replaced in tests.

    Attributes:
        due_s: When `on_time` is to be called by the node thread.
    """

    def __init__(  # noqa: PLR0917 - the node builds it, from left to right
        self,
        node: Heartbeat,
        loops: Sequence[MonitoredThread],
        health: NodeHealth,
        notifier: SystemdNotifier,
        clock: Clock,
        give_up: Callable[[str], None],
        kill: Callable[[int], object] = os._exit,
    ) -> None:
        self._node, self._loops = node, loops
        self._health, self._notifier, self._clock = health, notifier, clock
        self._give_up, self._kill = give_up, kill
        self._repairs = defaultdict[str, SlidingWindow](lambda: SlidingWindow(REPAIRS_WINDOW_S))
        self._closing = threading.Event()
        self._looked_s = self._fed_s = clock.monotonic()
        self._ready = self._gave_up = False
        self._said = ""
        self.due_s = AT_ONCE_S
        self.loop = MonitoredThread("watchdog", self._run, clock)

    def start(self) -> None:
        """Start the thread."""
        self.loop.start()

    def close(self, deadline_s: float) -> None:
        """End the thread. Thread: the node thread."""
        self._closing.set()
        self.loop.join(deadline_s)

    def stopping(self) -> None:
        """Record that the node stops, so that threads may end. Thread: the node thread."""
        self._notifier.say("STOPPING=1")
        self._node.pause()
        for loop in self._loops:
            loop.end()

    def on_time(self, now_s: float) -> None:
        """Beat for the node thread, and restart the watchdog's thread where it is dead. Thread: the node thread."""
        self.due_s = now_s + WATCH_S
        self._node.beat()
        if self.loop.is_dead or self.loop.is_stale:
            self._mend(self.loop)

    def look(self) -> None:
        """Check all heartbeats once."""
        now_s = self._clock.monotonic()
        if now_s - self._looked_s > STOOD_STILL_S:
            _log.warning("the process was suspended for %.0f s", now_s - self._looked_s)
            for heartbeat in (self._node, *self._loops):
                heartbeat.extend()
        self._looked_s = now_s
        for loop in self._loops:
            is_stale = loop.is_stale
            if is_stale and loop.is_in_kernel:
                # A new process would wait for the same disk.
                self._health.waiting(loop.name)
                loop.extend()
            elif is_stale or loop.is_dead:
                self._mend(loop)
        if self._node.is_stale:
            self._end("the node thread hangs")
        elif (why := self._health.hopeless) is not None:
            self._end(why)
        self._tell(now_s)

    def _run(self) -> None:
        while not self._closing.wait(CHECK_S):
            self.loop.beat()
            self.look()

    def _mend(self, loop: MonitoredThread) -> None:
        how = "died" if loop.is_dead else "hangs"
        can = loop.is_dead or loop.replaceable
        if can and self._repairs[loop.name].allow(loop.repairs, self._clock.monotonic()):
            _log.error("the thread %s %s; it is begun again", loop.name, how)
            loop.restart()
            self._health.restarted(loop.name, how)
        else:
            self._end(f"the thread {loop.name} {how}" + (" again and again" if can else ""))

    def _end(self, why: str) -> None:
        """End the process; cleanly by the node thread, unless that hangs itself."""
        if self._gave_up or self._closing.is_set():
            return
        self._gave_up = True
        _log.critical("%s: the node ends, to be started anew", why)
        self._notifier.say(f"STATUS={why}")
        giving_up = threading.Thread(target=self._give_up, args=(why,), name="giving-up", daemon=True)
        giving_up.start()  # on a separate thread, as the disk may be what hangs
        giving_up.join(FINISH_S / 2)
        if self.loop.is_mine:
            # Also after a clean stop, as a hung thread could block the exit of the interpreter.
            self._closing.wait(FINISH_S / 2 if giving_up.is_alive() else FINISH_S)
            self._kill(INTERNAL_CODE)

    def _tell(self, now_s: float) -> None:
        if self._gave_up:
            return
        status = self._health.status
        if status != self._said:
            self._said = status
            self._notifier.say(f"STATUS={status}")
        if not self._ready and self._health.is_up:
            self._ready = self._notifier.say("READY=1") or self._notifier.watchdog_s == 0
        every_s = min(WATCHDOG_MAX_S, self._notifier.watchdog_s / 3)
        if every_s and now_s - self._fed_s >= every_s:  # a thread that hangs was begun again, or ends the node
            self._fed_s = now_s
            self._notifier.say("WATCHDOG=1")
