"""Protocol of one client connection: limits on bytes received, and deadlines for the head of a request.

aiohttp parses and answers; this adds the bounds that it does not have by itself: a size of the whole head,
a number of connections in all and per address, and a kernel's deadline for readers that stand still.
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
# From the connection, or (a second more) the end of the last answer, to a whole head.
HEAD_DEADLINE_S = 10.0
# How long a refused body is read on, so that its sender gets to read the refusal.
LINGER_S = 2.0
# A client that takes nothing for so long is given up by the kernel, where no handler does it before.
KERNEL_STALL_S = 3 * STALL_S

_HEAD_END = b"\r\n\r\n"


class Connection(web.RequestHandler):
    """Protocol of one client connection. Thread: the event loop's.

    Attributes:
        below_tls: The transport that carries the encrypted bytes; ``None`` without TLS.
    """

    def __init__(self, server: web.Server, connections: ConnectionLimit, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            server,
            loop=loop,
            keepalive_timeout=HEAD_DEADLINE_S + 1,  # ours comes first, and says why
            lingering_time=LINGER_S,
            access_log=None,  # type: ignore[arg-type] # which switches it off, as AppRunner does it
            max_line_size=HEAD_BYTES_MAX,
            max_field_size=HEAD_BYTES_MAX,
            auto_decompress=False,  # unpacked, what passes the bounds below would be a thousand times as large
        )
        self._own_loop = loop
        self._connections = connections
        self._wire: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._received_bytes = 0
        self._tail = b""
        self._early = b""
        self._has_head = self._is_answered = False
        self.below_tls: asyncio.Transport | None = None
        self._is_upgraded = False
        self.address = ""
        self.is_served = False

    # ------------------------------------------------------------ what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admit the connection under the limit, or refuse it."""
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
        """Release the connection's place under the limit."""
        self._connections.remove(self)
        self._stop_waiting()
        if exc is not None and not isinstance(exc, ConnectionError):
            # TLS errors and timeouts of the kernel count as a closed connection: handlers catch ConnectionError alone.
            exc = ConnectionResetError(str(exc))
        super().connection_lost(exc)
        self._wire = self.below_tls = None  # aiohttp may keep a connection for a while; TLS costs memory

    def data_received(self, data: bytes) -> None:
        """Count what comes and hand it on, unless it is more than any request needs."""
        if self._wire is None:  # TLS may deliver before it says that it is there
            self._early += data
            return
        if self._is_upgraded:
            super().data_received(data)
            return
        self._received_bytes += len(data)
        head_bytes = self._head_bytes(data)
        if head_bytes > HEAD_BYTES_MAX:
            self.refuse("431 Request Header Fields Too Large", "the head of the request is too large")
        elif self._received_bytes > HEAD_BYTES_MAX + BODY_BYTES_MAX:
            self.refuse("413 Content Too Large", "the request is too large")
        else:
            super().data_received(data)

    # ------------------------------------------------------------ what the middleware says

    def request_started(self) -> None:
        """Note that the whole head of a request has been received."""
        self._has_head, self._is_answered = True, False
        self._stop_waiting()

    def request_allowed(self) -> None:
        """Note that the request was authorized for a route that is not public: until it is answered, no eviction."""
        self.is_served = True

    def answer_begins(self) -> None:
        """Note that the head of an answer is about to be sent.

        Raises:
            ConnectionAbortedError: An answer has begun already and could not be ended, because a disk or another
                machine failed; the client would take this one for the rest of its body, so the connection is cut.
        """
        if self._is_answered:
            self.abort()
            raise ConnectionAbortedError("an answer that had begun could not be ended")
        self._is_answered = True

    def upgraded(self) -> None:
        """Note that a WebSocket has begun: its messages have bounds of their own, and pongs of days are no request."""
        self._is_upgraded = True

    def request_finished(self) -> None:
        """Note that the answer is out: the connection is idle from now on."""
        self.is_served = self._has_head = self._is_answered = False
        self._received_bytes = 0
        self._tail = b""

    def refuse(self, status: str, why: str, more: str = "") -> None:
        """Send a short refusal as plain text and close, without the work of a whole response."""
        if self._wire is not None and not self._wire.is_closing():
            body = f"{why}\n"
            head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
            self._wire.write(f"{head}{more}Connection: close\r\n\r\n{body}".encode())
        self.force_close()

    def abort(self) -> None:
        """Hang up at once, whatever is still to be sent."""
        if self._wire is not None:
            self._wire.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that could not be parsed without naming the server software; logged at level debug only.

        Raises:
            ConnectionError: Another answer has begun, and there is no taking it back.
        """
        if status >= web.HTTPInternalServerError.status_code:
            _log.error("a request of %s failed", self.address, exc_info=exc)
        else:
            _log.debug("%s sent what is no request: %s", self.address, message)
        if request.writer.output_size > 0:
            raise ConnectionError("another answer has begun")
        response = web.Response(status=status, text=f"{status}\n", headers={"Server": ""})
        response.force_close()
        return response

    # ------------------------------------------------------------

    def _head_bytes(self, data: bytes) -> int:
        """Return how much of a head has come so far; 0 once it is whole."""
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
        """Hang up; without a word where nothing was said, for browsers open connections that they may never need."""
        if self._received_bytes == 0:
            self.force_close()
        elif not self._has_head:
            self.refuse("408 Request Timeout", "the request did not come in time")

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def address_of(transport: asyncio.Transport) -> str:
    """Return the other end's address; empty where it is gone already."""
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if peer else ""


def _give_up_stalled(sock: socket.socket | None) -> None:
    """Have the kernel end the connection of a client that stops reading. Source: tcp(7), ``TCP_USER_TIMEOUT``."""
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if sock is not None and option is not None:
        sock.setsockopt(socket.IPPROTO_TCP, option, int(KERNEL_STALL_S * 1000))
