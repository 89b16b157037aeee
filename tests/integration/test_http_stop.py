"""Stopping an HTTP server during a request."""

from __future__ import annotations

import asyncio
import socket

from aiohttp import web

from pi_cam_node.web.http.connection import Connection
from pi_cam_node.web.http.connection_limit import CONNECTIONS, ConnectionLimit
from pi_cam_node.web.http.engine import serve


def test_a_stop_that_is_broken_off_ends_what_is_under_way_soon() -> None:
    async def steps() -> None:
        asked, stopped = asyncio.Event(), asyncio.Event()

        async def endless(request: web.Request) -> web.Response:
            assert isinstance(request.protocol, Connection)
            request.protocol.request_allowed()
            asked.set()
            await asyncio.Event().wait()
            return web.Response()

        app = web.Application()
        app[CONNECTIONS] = ConnectionLimit(lambda: 0, lambda _address: False)
        app.router.add_get("/", endless)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            serving = asyncio.create_task(serve(app, [listener], None, stopped))
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await asyncio.wait_for(asked.wait(), 30)
            stopped.set()
            await asyncio.sleep(0.1)
            serving.cancel()
            await asyncio.wait([serving], timeout=30)
            assert serving.cancelled()
            assert await reader.read() == b""
            writer.close()

    asyncio.run(steps())
