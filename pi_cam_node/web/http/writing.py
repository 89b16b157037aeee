"""Waits for clients to read what is written to them, and disconnects clients that stop reading."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

# A client that reads no byte for so long is disconnected.
STALL_S = 10.0
# Polling interval: there is no notification when the buffer below TLS is empty.
POLL_S = 0.02


def unsent_bytes(transport: asyncio.WriteTransport) -> int:
    """Return the number of bytes not yet accepted by the kernel, including encrypted ones."""
    below = getattr(transport.get_protocol(), "below_tls", None)
    return transport.get_write_buffer_size() + (below.get_write_buffer_size() if below is not None else 0)


async def flushed(transport: asyncio.WriteTransport, writing: Coroutine[Any, Any, None]) -> None:
    """Execute a write, and wait until the kernel has accepted all of it, without limit as long as bytes move.

    Args:
        transport: Transport of the connection; with write buffer limits of 0 the write itself waits.
        writing: The awaitable, e.g. ``response.write(data)``.

    Raises:
        ConnectionError: The client disconnected, or read no byte for `STALL_S` and was aborted.
    """
    watch = _StallWatch(transport)
    try:
        await writing
        while unsent_bytes(transport) and not transport.is_closing():  # noqa: ASYNC110 - see POLL_S
            await asyncio.sleep(POLL_S)
    except asyncio.CancelledError:
        watch.check()
        raise
    finally:
        watch.end()


class _StallWatch:
    """Cuts off a client that takes nothing. Most writes are done at once, and cost no more than the first timer."""

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._transport, self._task, self._loop = transport, task, task.get_loop()
        self._left = 0
        self._has_cut = False
        self._timer: asyncio.Handle = self._loop.call_soon(self._wait)  # when the write has begun

    def end(self) -> None:
        """Stop looking."""
        self._timer.cancel()

    def check(self) -> None:
        """Take the cancellation of the task back where it is of this watch alone, and tell of the client instead.

        Raises:
            ConnectionAbortedError: It is.
        """
        if self._has_cut and not self._task.uncancel():
            raise ConnectionAbortedError(f"the client took nothing for {STALL_S:g} s") from None

    def _wait(self) -> None:
        self._left = unsent_bytes(self._transport)
        self._timer = self._loop.call_later(STALL_S, self._look)

    def _look(self) -> None:
        if unsent_bytes(self._transport) >= self._left:
            self._has_cut = True
            self._transport.abort()
            self._task.cancel()
        else:
            self._wait()
