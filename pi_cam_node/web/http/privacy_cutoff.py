"""Pictures on their way to a client end where they are as soon as the curtain closes.

To look at the curtain before each piece is not enough: what the client has not taken yet waits in the transport and in
the kernel, and would go on trickling out long after privacy was said to be on.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from pi_cam_node.core.privacy_gate import PrivacyGate

_log = logging.getLogger(__name__)

# A client that takes nothing for so long is gone, or might as well be.
STALL_S = 30.0
# Close with a reset, and drop what the kernel has not sent. Source: socket(7), ``SO_LINGER``: on, for 0 seconds.
_AT_ONCE = struct.pack("ii", 1, 0)


@contextmanager
def abort_on_privacy(curtain: PrivacyGate, request: web.Request, times_closed: int | None = None) -> Iterator[None]:
    """Cut the connection of a request when the curtain closes within the ``with`` block.

    The block must last until everything is written; writes wait until the kernel has taken it all.

    Args:
        curtain: What is watched.
        request: Whose connection is cut.
        times_closed: See `PrivacyGate.check`.

    Raises:
        PrivacyOn: The curtain is closed already, or was closed since.
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
            _log.debug("the curtain closed after the web server's loop had")

    leave = curtain.watch(closed)
    try:
        curtain.check(times_closed)
        yield
    finally:
        is_over = True
        leave()


async def send_whole(
    curtain: PrivacyGate, request: web.Request, response: web.Response, times_closed: int | None = None
) -> web.Response:
    """Send a response that holds a picture; when the curtain closes it ends there.

    Args:
        curtain: What is watched.
        request: What is answered.
        response: The answer.
        times_closed: See `PrivacyGate.check`.

    Raises:
        PrivacyOn: The curtain is closed already, or was closed since.
        ConnectionError: The client has gone, took nothing, or was cut off.
    """
    with abort_on_privacy(curtain, request, times_closed):
        await response.prepare(request)
        try:
            await asyncio.wait_for(response.write_eof(), STALL_S)
        except TimeoutError as error:
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionAbortedError(f"the client took nothing for {STALL_S:g} s") from error
    return response


def _cut(transport: asyncio.WriteTransport) -> None:
    connection = transport.get_extra_info("socket")
    if connection is not None and not transport.is_closing():
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    transport.abort()
