"""The way of facts from the node thread to the web server's: bounded, in order, and never a wait for either."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

_log = logging.getLogger(__name__)

# Seconds of everything that the node says; a loop that stands still for longer is ill.
WAITING_MAX = 2000


class LoopQueue:
    """Calls a function on a loop's thread, once for each thing put in.

    Args:
        loop: Takes them.
        take: Called with each of them, on the loop's thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, take: Callable[[object], None]) -> None:
        self._loop = loop
        self._take = take
        self._waiting: deque[object] = deque()
        self.dropped = 0

    def put(self, thing: object) -> None:
        """Hand something over; where too much waits already it is dropped and counted.

        Thread: one that is not the loop's.
        """
        if len(self._waiting) >= WAITING_MAX:
            self.dropped += 1
            return
        self._waiting.append(thing)
        try:
            self._loop.call_soon_threadsafe(self._next)
        except RuntimeError:  # the loop is closed
            self._waiting.clear()
            _log.debug("the web server has ended and is told nothing more")

    def _next(self) -> None:
        if self._waiting:
            self._take(self._waiting.popleft())
