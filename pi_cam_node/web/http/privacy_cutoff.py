"""Aborts responses that carry pictures when privacy is switched on.

To ask the privacy gate before each piece is not enough: what the client has not taken yet waits in the transport and in
the kernel, and would go on trickling out long after privacy was said to be on.
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

# Close with a reset, and drop what the kernel has not sent. Source: socket(7), ``SO_LINGER``: on, for 0 seconds.
_AT_ONCE = struct.pack("ii", 1, 0)


class PrivacyGate(Protocol):
    """Gate that tells whether pictures may be shown; `core.privacy_gate.PrivacyGate` is one."""

    def check(self, generation: int | None = None, /) -> None:
        """Raise unless pictures may be shown.

        Args:
            generation: The gate's when the pictures were taken; those from before a time of privacy are not shown.

        Raises:
            PrivacyOn: They may not.
        """
        ...

    def watch(self, closed: Callable[[], None], /) -> Callable[[], None]:
        """Call ``closed`` whenever privacy is switched on, on any thread; return what ends that."""
        ...


@contextmanager
def abort_on_privacy(gate: PrivacyGate, request: web.Request, generation: int | None = None) -> Iterator[None]:
    """Cut the connection of a request when privacy is switched on within the ``with`` block.

    The block must last until everything is written; writes wait until the kernel has taken it all.

    Args:
        gate: What is watched.
        request: Whose connection is cut.
        generation: See `PrivacyGate.check`.

    Raises:
        PrivacyOn: Privacy is on already, or was on since.
        ConnectionError: The client has gone.
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
    """Send a response that holds a picture; when privacy is switched on it ends there.

    Args:
        gate: What is watched.
        request: What is answered.
        response: The answer.
        generation: See `PrivacyGate.check`.

    Raises:
        PrivacyOn: Privacy is on already, or was on since.
        ConnectionError: The client has gone, took nothing, or was cut off.
    """
    with abort_on_privacy(gate, request, generation):
        await response.prepare(request)
        await send(request, response.write_eof())
    return response


async def send(request: web.Request, writing: Coroutine[Any, Any, None]) -> None:
    """Carry out a write of a response, and wait until the kernel has taken it; see `writing.flushed`.

    Raises:
        ConnectionError: The client has gone, or took nothing and was cut off.
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
