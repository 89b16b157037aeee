"""TLS handshake of a connection that is registered with the connection limit before it.

With ``create_server(ssl=…)`` asyncio performs the handshake before a connection can be counted, so idle ones could use
up all descriptors; and each failed handshake stays in memory (some 150 KiB) until a full garbage collection, because of
a reference cycle between the exception and its traceback: anyone could exhaust memory. Here the connection is counted
first, and that cycle is broken.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import traceback
from asyncio import sslproto
from collections.abc import Callable

from pi_cam_node.web.http.connection import Connection, address_of
from pi_cam_node.web.http.connection_limit import ConnectionLimit

_log = logging.getLogger(__name__)

HANDSHAKE_S = 10.0

# Size of asyncio's receive buffer of a TLS connection, by default 256 KiB, zeroed for each. A TLS record has 16 KiB at
# most (RFC 8446, section 5.1), and requests are short.
READ_BYTES = 32 * 1024
sslproto.SSLProtocol.max_size = READ_BYTES


class Handshake(asyncio.Protocol):
    """Protocol of a connection until its TLS handshake is complete. Thread: the event loop's.

    Args:
        connections: The connection limit.
        context: TLS context.
        connect: Returns the protocol for the decrypted connection.
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
        """Register the connection and start the handshake, or close it at the limit."""
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()  # received data is for TLS, which is not set up yet
        self._wire, self.address = transport, address_of(transport)
        if self._connections.admit(self):
            self._task = asyncio.get_running_loop().create_task(self._shake(transport), name="tls handshake")
        else:
            transport.abort()

    def force_close(self) -> None:
        """Close the connection; nothing is buffered yet."""
        self.abort()

    def abort(self) -> None:
        """Close the connection."""
        # Cancels the task too, which would otherwise start a handshake on a closed transport, and wait.
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self._wire is not None:
            self._wire.abort()
            self._wire = None

    async def _shake(self, transport: asyncio.Transport) -> None:
        connection, loop = self._connect(), asyncio.get_running_loop()
        try:
            secured = await loop.start_tls(
                transport, connection, self._context, server_side=True, ssl_handshake_timeout=HANDSHAKE_S
            )
        except (OSError, asyncio.CancelledError) as error:
            _log.debug("TLS handshake with %s failed: %s", self.address, error)
            transport.abort()
            _let_go(error)
        else:
            transport.set_write_buffer_limits(high=0)  # so that backpressure of the lower transport is visible
            if secured is not None and not secured.is_closing():
                connection.below_tls = transport
                connection.connection_made(secured)
        finally:
            self._connections.remove(self)
            self._wire = self._task = None


def _let_go(error: BaseException | None) -> None:
    """Clear the frames of a traceback, which hold the connection in memory until a full garbage collection."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
