"""Waits for clients to read what is written to them, and disconnects clients that stop reading."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

# A client that takes no byte for so long is gone, or might as well be.
STALL_S = 10.0
# Nothing tells when the buffer below TLS is empty.
POLL_S = 0.02


def unsent_bytes(transport: asyncio.WriteTransport) -> int:
    """Return how many bytes the kernel has not taken yet, encrypted ones included."""
    below = getattr(transport.get_protocol(), "below_tls", None)
    return transport.get_write_buffer_size() + (below.get_write_buffer_size() if below is not None else 0)


async def flushed(transport: asyncio.WriteTransport, writing: Coroutine[Any, Any, None]) -> None:
    """Carry out a write, and wait until the kernel has taken all of it, however long that takes while bytes move.

    Args:
        transport: Where it goes; write buffer limits of 0 make the write itself wait.
        writing: E.g. ``response.write(data)``.

    Raises:
        ConnectionError: The client has gone, or took no byte for `STALL_S` and was cut off.
    """
    task = asyncio.ensure_future(_to_the_kernel(transport, writing))
    try:
        await asyncio.sleep(0)  # the write begins
        left = unsent_bytes(transport)
        while not (await asyncio.wait({task}, timeout=STALL_S))[0]:
            before, left = left, unsent_bytes(transport)
            if left >= before:
                transport.abort()
                raise ConnectionAbortedError(f"the client took nothing for {STALL_S:g} s")
        task.result()
    finally:
        task.cancel()


async def _to_the_kernel(transport: asyncio.WriteTransport, writing: Coroutine[Any, Any, None]) -> None:
    await writing
    while unsent_bytes(transport) and not transport.is_closing():  # noqa: ASYNC110 - see POLL_S
        await asyncio.sleep(POLL_S)
