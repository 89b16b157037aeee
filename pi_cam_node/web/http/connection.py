"""Protocol of one client connection: limits on bytes received, and deadlines for the head of a request.

Adds limits that aiohttp lacks: size of the whole head, number of connections in total and per client, and a kernel
timeout for clients that stop reading.
"""

from __future__ import annotations

import asyncio
import logging
import socket

from aiohttp import web

from pi_cam_node.web.http.connection_limit import ConnectionLimit
from pi_cam_node.web.http.writing import STALL_S

_log = logging.getLogger(__name__)

HEAD_BYTES_MAX = 8 << 10
BODY_BYTES_MAX = 64 << 10
# From the connection, or (a second more) the end of the last response, to a complete request head.
HEAD_DEADLINE_S = 10.0
# How long a refused body is still read, so that its sender reads the response.
LINGER_S = 2.0
# What is passed on of a request: of a body beyond its limit enough for aiohttp to refuse it.
REQUEST_BYTES_MAX = HEAD_BYTES_MAX + BODY_BYTES_MAX + 1024
# The kernel drops a client that acknowledges nothing for so long, unless a handler does earlier.
KERNEL_STALL_S = 3 * STALL_S

_HEAD_END = b"\r\n\r\n"


class Connection(web.RequestHandler):
    """Protocol of one client connection. Thread: the event loop's.

    Attributes:
        below_tls: The transport of the encrypted bytes; ``None`` without TLS.
    """

    def __init__(self, server: web.Server, connections: ConnectionLimit, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            server,
            loop=loop,
            keepalive_timeout=HEAD_DEADLINE_S + 1,  # our own deadline is earlier and logs the reason
            lingering_time=LINGER_S,
            access_log=None,  # type: ignore[arg-type] # which switches it off, as AppRunner does it
            max_line_size=HEAD_BYTES_MAX,
            max_field_size=HEAD_BYTES_MAX,
            auto_decompress=False,  # a decompressed body may be a thousand times larger than the limits below
        )
        self._own_loop = loop
        self._connections = connections
        self._wire: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._received_bytes = 0
        self._tail = b""
        self._early = b""
        self._has_head = self._is_answered = self._is_cut = False
        self.below_tls: asyncio.Transport | None = None
        self._is_upgraded = False
        self.address = ""
        self.is_served = False

    # ------------------------------------------------------------ what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Register the connection, or refuse it at the limit."""
        super().connection_made(transport)
        assert isinstance(transport, asyncio.Transport)
        self._wire = transport
        self.address = address_of(transport)
        _give_up_stalled(transport.get_extra_info("socket"))
        if self._connections.admit(self):
            self._deadline = self._own_loop.call_later(HEAD_DEADLINE_S, self._head_overdue)
        else:
            self.refuse("503 Service Unavailable", "too many connections", "Retry-After: 5\r\n")
        if self._early:
            early, self._early = self._early, b""
            self.data_received(early)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Unregister the connection."""
        self._connections.remove(self)
        self._stop_waiting()
        if exc is not None and not isinstance(exc, ConnectionError):
            # TLS errors and timeouts of the kernel count as a closed connection: handlers catch ConnectionError alone.
            exc = ConnectionResetError(str(exc))
        super().connection_lost(exc)
        self._wire = self.below_tls = None  # aiohttp may keep a connection for a while; TLS costs memory

    def data_received(self, data: bytes) -> None:
        """Count received bytes and pass them to aiohttp; refuse a head, and discard a body, beyond the size limits."""
        if self._wire is None:  # TLS may deliver data before connection_made
            self._early += data
            return
        if self._is_upgraded:
            super().data_received(data)
            return
        self._received_bytes += len(data)
        head_bytes = self._head_bytes(data)
        if head_bytes > HEAD_BYTES_MAX:
            self.refuse("431 Request Header Fields Too Large", "the head of the request is too large")
            return
        excess_bytes = self._received_bytes - REQUEST_BYTES_MAX
        if excess_bytes > 0:
            self._is_cut, data = True, data[: max(0, len(data) - excess_bytes)]
        if data:
            super().data_received(data)

    # ------------------------------------------------------------ what the middleware says

    def request_started(self) -> None:
        """Record that the head of a request is complete."""
        self._has_head, self._is_answered = True, False
        self._stop_waiting()

    def request_allowed(self) -> None:
        """Record that a request for a non-public route was authorized: no eviction until it is answered."""
        self.is_served = True

    def answer_begins(self, response: web.StreamResponse, *, is_body_read: bool) -> None:
        """Record that the head of a response is about to be sent; with an unread body the connection ends after it.

        Raises:
            ConnectionAbortedError: Another response has begun and was broken off; the client would take this one for
                the rest of its body, so the connection is aborted.
        """
        if self._is_answered:
            self.abort()
            raise ConnectionAbortedError("an answer that had begun could not be ended")
        self._is_answered = True
        if self._is_cut or not is_body_read:
            response.force_close()
            response.headers["Connection"] = "close"

    def upgraded(self) -> None:
        """Record the upgrade to a WebSocket, whose messages have their own limits and are not counted here."""
        self._is_upgraded = True

    def request_finished(self, *, is_body_read: bool) -> None:
        """Record that the response is complete; the connection is idle, or aiohttp discards the rest of the body."""
        self.is_served = self._is_answered = False
        if self._is_cut or not is_body_read:
            return  # what comes is still the body, not the head of another request
        self._has_head = False
        self._received_bytes = 0
        self._tail = b""

    def refuse(self, status: str, why: str, more: str = "") -> None:
        """Send a short plain-text error without aiohttp, and close."""
        if self._wire is not None and not self._wire.is_closing():
            body = f"{why}\n"
            head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
            self._wire.write(f"{head}{more}Connection: close\r\n\r\n{body}".encode())
        self.force_close()

    def abort(self) -> None:
        """Close at once and discard unsent data."""
        if self._wire is not None:
            self._wire.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Respond to a malformed request, without naming the server software; logged at level debug only.

        Raises:
            ConnectionError: Another response has begun.
        """
        if isinstance(exc, UnicodeEncodeError):  # aiohttp's refusal of an Expect header repeats it, though no UTF-8
            status, message = web.HTTPExpectationFailed.status_code, str(exc)
        if status >= web.HTTPInternalServerError.status_code:
            _log.error("a request of %s failed", self.address, exc_info=exc)
        else:
            _log.debug("%s sent a malformed request: %s", self.address, message)
        if request.writer.output_size > 0:
            raise ConnectionError("another answer has begun")
        response = web.Response(status=status, text=f"{status}\n", headers={"Server": ""})
        response.force_close()
        return response

    # ------------------------------------------------------------

    def _head_bytes(self, data: bytes) -> int:
        """Return the bytes of an incomplete head; 0 once it is complete."""
        if self._has_head:
            return 0
        seen = self._tail + data
        end = seen.find(_HEAD_END)
        self._tail = seen[-3:]
        if end < 0:
            return self._received_bytes
        self._has_head = True
        return self._received_bytes - len(data) + max(0, end - (len(seen) - len(data)))

    def _head_overdue(self) -> None:
        """Close the connection; without a response if it sent nothing, since browsers open spare connections."""
        if self._received_bytes == 0:
            self.force_close()
        elif not self._has_head:
            self.refuse("408 Request Timeout", "the request did not come in time")

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def address_of(transport: asyncio.Transport) -> str:
    """Return the peer's address; empty if it has disconnected already."""
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if peer else ""


def _give_up_stalled(sock: socket.socket | None) -> None:
    """Have the kernel close the connection of a client that stops reading. Source: tcp(7), ``TCP_USER_TIMEOUT``."""
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if sock is not None and option is not None:
        sock.setsockopt(socket.IPPROTO_TCP, option, int(KERNEL_STALL_S * 1000))
