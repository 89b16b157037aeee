"""Supervises the process of one node: restarts it with a growing delay, and gives up after repeated quick failures."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from pi_cam_node.base.clock import Clock
from pi_cam_node.core.commands.status import RESTART_CODE

_log = logging.getLogger(__name__)

ERASED = 79
FIRST_WAIT_S, WAIT_MAX_S = 1.0, 60.0
# Gives up after this many exits in a row, each within this time of its start.
FAST_ENDS, FAST_S = 5, 20.0
STOP_S = 10.0
LINE_MAX_BYTES = 64 << 10


class Process(Protocol):
    """A running child process."""

    async def wait(self) -> int:
        """Wait for the end of the process; return its exit code."""
        ...

    def terminate(self) -> None:
        """Send SIGTERM."""
        ...

    def kill(self) -> None:
        """Send SIGKILL."""
        ...


Spawn = Callable[[], Awaitable[Process]]
Sleep = Callable[[float], Awaitable[None]]


class Child:
    """Supervised process of one node. Thread: the loop's.

    Args:
        name: The node's id.
        spawn: Starts the process.
        clock: Tells the time.
        sleep: Waits.

    Attributes:
        state: State as text for a page.
    """

    def __init__(self, name: str, spawn: Spawn, clock: Clock, sleep: Sleep = asyncio.sleep) -> None:
        self.name = name
        self.state = "not started"
        self._spawn = spawn
        self._clock = clock
        self._sleep = sleep
        self._process: Process | None = None

    async def run(self) -> None:
        """Keep the process running until the node is erased, it is given up, or this task is cancelled."""
        wait_s, fast = FIRST_WAIT_S, 0
        while True:
            began_s = self._clock.monotonic()
            try:
                self._process = await self._spawn()
                self.state = "running"
                code = await self._process.wait()
            except OSError as error:
                code = -1
                _log.error("%s cannot be started: %s", self.name, error)
            self._process = None
            if code == ERASED:
                self.state = "erased; it is not started again"
                return
            if code == RESTART_CODE:
                fast, wait_s = 0, FIRST_WAIT_S
                continue
            is_fast = self._clock.monotonic() - began_s < FAST_S
            fast, wait_s = (fast + 1, wait_s) if is_fast else (0, FIRST_WAIT_S)
            if fast >= FAST_ENDS:
                self.state = (
                    f"ended {FAST_ENDS} times at once, last with code {code}; left alone until the console restarts"
                )
                _log.error("%s: %s", self.name, self.state)
                return
            self.state = f"ended with code {code}; starting again"
            _log.warning("%s exited with code %d; restarting in %g s", self.name, code, wait_s)
            await self._sleep(wait_s)
            wait_s = min(WAIT_MAX_S, 2 * wait_s)

    async def stop(self) -> None:
        """Stop the process: SIGTERM, then SIGKILL after a deadline."""
        process = self._process
        if process is None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()
