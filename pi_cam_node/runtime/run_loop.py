"""Main loop of the node thread: processes inputs and due times, and passes the resulting events to listeners.

At shutdown it answers or refuses pending inputs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.schedule import Timed
from pi_cam_node.core.core import Core
from pi_cam_node.core.events import Event, FrameTaken, Listener
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import CommandArrived, Input, WorkEnded
from pi_cam_node.imaging.frame import Frame

_log = logging.getLogger(__name__)

# Failed steps in a row before giving up, and the pause after a failed step.
STEPS_FAILED_MAX = 100
AFTER_FAILURE_S = 0.5

# Time limit of draining at shutdown, enough for ten thousand refusals; a stop must end within five seconds.
REFUSING_S = 0.5
# Pauses at shutdown for a slow broker to make room for replies.
PAUSES, PAUSE_S = 5, 0.05


class RunLoop:
    """Waits for inputs and due times and processes them. Thread: the node thread.

    Args:
        core: Processes inputs.
        inbox: Queue of inputs.
        clock: Tells the time.
        is_backlogged: Whether the queue to the broker is full, so that its commands have to wait.
        give_up: Called with the reason if every step fails.

    Attributes:
        listeners: Called with each event but `FrameTaken`, in this order.
        frame_listeners: Called with `FrameTaken` instead, many times a second.
        timed: Parts with timed work.
        exit_code: Exit code of the node; ``None`` while it runs.
    """

    def __init__(
        self, core: Core, inbox: Inbox, clock: Clock, is_backlogged: Callable[[], bool], give_up: Callable[[str], None]
    ) -> None:
        self._core, self._inbox, self._clock = core, inbox, clock
        self._is_backlogged, self._give_up = is_backlogged, give_up
        self._failed_steps = 0
        self._not_before_s = float("-inf")
        self.listeners: Sequence[Listener] = ()
        self.frame_listeners: Sequence[Listener] = ()
        self.timed: Sequence[Timed] = ()
        self.exit_code: int | None = None

    def run(self) -> None:
        """Run until `stop`."""
        while self.exit_code is None:
            self.turn()

    def stop(self, code: int = 0) -> None:
        """Request a clean stop. Thread: any, and signal handlers."""
        if self.exit_code is None:
            self.exit_code = code
        self._inbox.wake()

    def turn(self) -> None:
        """Wait, then take one step; an error in it is logged and does not end the node."""
        try:
            due_s = min(self._core.due_s, *[part.due_s for part in self.timed])
            due_s = max(due_s, self._not_before_s)
            message = self._inbox.take(due_s - self._clock.monotonic(), hold_broker=self._is_backlogged)
            self.step(message)
            self._failed_steps = 0
        except Exception:
            self._failed_steps += 1
            self._not_before_s = self._clock.monotonic() + AFTER_FAILURE_S
            _log.exception("a step of the node failed (%d in a row)", self._failed_steps)
            if self._failed_steps >= STEPS_FAILED_MAX:
                self._give_up("every step of the node thread fails")

    def step(self, message: Input | Frame | None) -> None:
        """Process a message, if any, and due work."""
        for event in self._core.step(message):
            self.publish(event)
        now_s = self._clock.monotonic()
        for part in self.timed:
            if part.due_s <= now_s:
                part.on_time(now_s)

    def publish(self, event: Event) -> None:
        """Pass an event to every listener; a failing one does not stop the others."""
        for listener in self.frame_listeners if isinstance(event, FrameTaken) else self.listeners:
            try:
                listener.on_event(event)
            except Exception:
                _log.exception("%s: %s failed", type(event).__name__, type(listener).__name__)

    def drain(self) -> None:
        """Drain the inbox at shutdown: answer finished work, refuse late commands, and log how many inputs are left.

        Other threads may still add inputs meanwhile. Thread: the node thread.
        """
        for event in self._last_events():
            self.publish(event)

    def _last_events(self) -> Iterator[Event]:
        inbox, core, clock = self._inbox, self._core, self._clock
        until_s, pauses = clock.monotonic() + REFUSING_S, PAUSES
        while inbox.waiting and pauses and clock.monotonic() < until_s:
            match inbox.take(PAUSE_S, hold_broker=self._is_backlogged):
                case CommandArrived() as command:
                    yield from core.step(replace(command, during_shutdown=True))
                case WorkEnded() as ended:
                    yield from core.step(ended)
                case None:
                    pauses -= 1
        if inbox.waiting:
            _log.warning("stopping: %d messages were not processed and get no reply", inbox.waiting)
        yield from core.close()
