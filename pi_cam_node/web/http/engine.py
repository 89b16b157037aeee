"""Runs an aiohttp application behind listening sockets. Imported when the first client connects: see `service`."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence

from aiohttp import web

from pi_cam_node.web.http import tls_handshake
from pi_cam_node.web.http.connection import Connection
from pi_cam_node.web.http.connection_limit import CONNECTIONS
from pi_cam_node.web.http.sockets import ACCEPTED_AT_ONCE, BACKLOG

# Grace period for running responses at shutdown.
SHUTDOWN_S = 0.5


async def serve(
    app: web.Application, sockets: Sequence[socket.socket], tls: ssl.SSLContext | None, stopped: asyncio.Event
) -> None:
    """Serve requests until ``stopped`` is set.

    Args:
        app: The application, with its connection limit in `CONNECTIONS`.
        sockets: Bound sockets to listen on.
        tls: TLS context; ``None`` without TLS.
        stopped: Set to stop the server.
    """
    runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        await _listen(app, runner, sockets, tls, stopped)
    finally:
        await runner.cleanup()


async def _listen(
    app: web.Application,
    runner: web.AppRunner,
    sockets: Sequence[socket.socket],
    tls: ssl.SSLContext | None,
    stopped: asyncio.Event,
) -> None:
    server, connections, loop = runner.server, app[CONNECTIONS], asyncio.get_running_loop()
    assert server is not None

    def connect() -> Connection:
        return Connection(server, connections, loop)

    def begin() -> asyncio.Protocol:
        return connect() if tls is None else tls_handshake.Handshake(connections, tls, connect)

    listeners = [await loop.create_server(begin, sock=sock, backlog=ACCEPTED_AT_ONCE) for sock in sockets]
    for sock in sockets:
        sock.listen(BACKLOG)  # asyncio has set the size of the kernel's queue, too
    try:
        await stopped.wait()
    finally:
        for listener in listeners:
            listener.close()
        connections.close_idle()
        try:
            await runner.shutdown()
            await server.shutdown(SHUTDOWN_S)
        finally:
            connections.close_all()  # also if cancelled during the grace period
