"""The TLS handshake of a connection, which counts against the limit from its first moment.

With ``create_server(ssl=…)`` asyncio would shake hands before a connection can be counted, so idle ones would take
descriptors until there are none; and each handshake that fails would stay in memory (some 150 KiB) until a full
garbage collection, because the exception and the frames of its traceback hold each other: strangers could end the
process. Here the connection takes its place first, and what a failed handshake leaves is let go at once.
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

# Of the buffer that asyncio fills with zeros for each TLS connection: 256 KiB unless told otherwise. A TLS record has
# 16 KiB at most (RFC 8446, section 5.1), and what clients send is short.
READ_BYTES = 32 * 1024
sslproto.SSLProtocol.max_size = READ_BYTES


class Handshake(asyncio.Protocol):
    """Protocol of a connection until its TLS handshake is complete. Thread: the event loop's.

    Args:
        connections: Where it takes a place.
        context: How to encrypt.
        connect: Returns the protocol that takes over the connection.
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
        """Admit the connection and begin the handshake, or close it if the limit is reached."""
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()  # what comes is for TLS, which is not there yet
        self._wire, self.address = transport, address_of(transport)
        if self._connections.admit(self):
            self._task = asyncio.get_running_loop().create_task(self._shake(transport), name="tls handshake")
        else:
            transport.abort()

    def force_close(self) -> None:
        """Hang up; nothing was said yet that could be waited for."""
        self.abort()

    def abort(self) -> None:
        """Close the connection."""
        # Not by the transport alone: a handshake that has not begun would begin on a closed one, and wait.
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
            _log.debug("no TLS with %s: %s", self.address, error)
            transport.abort()
            _let_go(error)
        else:
            transport.set_write_buffer_limits(high=0)  # what waits below is seen above
            if secured is not None and not secured.is_closing():
                connection.below_tls = transport
                connection.connection_made(secured)
        finally:
            self._connections.remove(self)
            self._wire = self._task = None


def _let_go(error: BaseException | None) -> None:
    """Clear the frames of a traceback, which would keep the connection in memory until a full garbage collection."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
