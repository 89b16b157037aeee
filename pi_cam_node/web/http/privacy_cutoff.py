"""Aborts responses that carry pictures when privacy is switched on.

Checking the privacy gate before each write is not enough: data buffered in the transport and the kernel would still be
sent long after privacy is on.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from aiohttp import web

from pi_cam_node.web.http.writing import flushed

_log = logging.getLogger(__name__)

# Close with a reset, discarding the kernel's send buffer. Source: socket(7), ``SO_LINGER``: on, for 0 seconds.
_AT_ONCE = struct.pack("ii", 1, 0)


class PrivacyGate(Protocol):
    """Interface of `core.privacy_gate.PrivacyGate`, which tells whether pictures may be shown."""

    def check(self, generation: int | None = None, /) -> None:
        """Raise unless pictures may be shown.

        Args:
            generation: The gate's generation when the pictures were taken; pictures from before a privacy period are
                not shown.

        Raises:
            PrivacyOn: Pictures may not be shown.
        """
        ...

    def watch(self, closed: Callable[[], None], /) -> Callable[[], None]:
        """Register a callback for when privacy is switched on, called on any thread; return its unregistration."""
        ...


@contextmanager
def abort_on_privacy(gate: PrivacyGate, request: web.Request, generation: int | None = None) -> Iterator[None]:
    """Abort the connection of a request when privacy is switched on within the ``with`` block.

    The block must last until everything is written; writes then wait until the kernel has accepted all data.

    Args:
        gate: What is watched.
        request: The request.
        generation: See `PrivacyGate.check`.

    Raises:
        PrivacyOn: Privacy is on already, or was on since.
        ConnectionError: The client has disconnected.
    """
    transport, loop = request.transport, asyncio.get_running_loop()
    if transport is None:
        raise ConnectionResetError("the client has gone")
    transport.set_write_buffer_limits(high=0)
    is_over = False

    def cut() -> None:
        if not is_over:
            _cut(transport)

    def closed() -> None:  # on the node thread
        try:
            loop.call_soon_threadsafe(cut)
        except RuntimeError:
            _log.debug("privacy was switched on after the web server's loop had closed")

    unwatch = gate.watch(closed)
    try:
        gate.check(generation)
        yield
    finally:
        is_over = True
        unwatch()


async def send_whole(
    gate: PrivacyGate, request: web.Request, response: web.Response, generation: int | None = None
) -> web.Response:
    """Send a response that contains a picture; aborted when privacy is switched on.

    Args:
        gate: What is watched.
        request: The request.
        response: The response.
        generation: See `PrivacyGate.check`.

    Raises:
        PrivacyOn: Privacy is on already, or was on since.
        ConnectionError: The client disconnected, stopped reading, or was aborted.
    """
    with abort_on_privacy(gate, request, generation):
        await response.prepare(request)
        await send(request, response.write_eof())
    return response


async def send(request: web.Request, writing: Coroutine[Any, Any, None]) -> None:
    """Execute a write of a response, and wait until the kernel has accepted all data; see `writing.flushed`.

    Raises:
        ConnectionError: The client disconnected, or stopped reading and was aborted.
    """
    if request.transport is None:
        writing.close()
        raise ConnectionResetError("the client has gone")
    await flushed(request.transport, writing)


def _cut(transport: asyncio.WriteTransport) -> None:
    connection = transport.get_extra_info("socket")
    if connection is not None and not transport.is_closing():
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    transport.abort()
