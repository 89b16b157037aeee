"""TLS of the server's own.

asyncio would shake hands before anybody can count the connection: idle ones would take descriptors until
there are none. So each takes a place in the limit first, in the clear, and is encrypted then.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable

from pi_cam_node.web.http.connection import Connection, address_of
from pi_cam_node.web.http.connection_limit import ConnectionLimit

_log = logging.getLogger(__name__)

HANDSHAKE_S = 10.0


class Handshake(asyncio.Protocol):
    """A connection until it is encrypted. Thread: the web server's.

    Args:
        connections: Where it takes a place.
        context: How to encrypt.
        connect: Returns what goes on with the connection.
    """

    def __init__(
        self, connections: ConnectionLimit, context: ssl.SSLContext, connect: Callable[[], Connection]
    ) -> None:
        self._connections = connections
        self._context = context
        self._connect = connect
        self._wire: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None
        self.address = ""
        self.is_served = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a place and begin."""
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()  # what comes is for TLS, which is not there yet
        self._wire = transport
        self.address = address_of(transport)
        if self._connections.admit(self):
            self._task = asyncio.get_running_loop().create_task(self._shake(transport))
        else:
            transport.abort()

    def force_close(self) -> None:
        """Hang up; nothing was said so far that could be waited for."""
        self.abort()

    def abort(self) -> None:
        """Hang up."""
        if self._wire is not None:
            self._wire.abort()

    async def _shake(self, transport: asyncio.Transport) -> None:
        connection, loop = self._connect(), asyncio.get_running_loop()
        try:
            secured = await loop.start_tls(
                transport, connection, self._context, server_side=True, ssl_handshake_timeout=HANDSHAKE_S
            )
        except (OSError, asyncio.CancelledError) as error:
            _log.debug("%s and we found no way to encrypt: %s", self.address, error)
            transport.abort()
            return
        finally:
            self._connections.remove(self)
        if secured is not None and not secured.is_closing():
            connection.connection_made(secured)
