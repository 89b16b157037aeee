"""HTTP connections with a deadline, which also accept the status line ``ICY 200 OK`` (SHOUTcast) of some cameras.

Old IP Webcam apps and internet radio servers use HTTP/1.0 except for this line, which `http.client` rejects. The
timeout of a socket limits each read alone, so a camera that sends a byte now and then would be waited for without end.
"""

from __future__ import annotations

import http.client
import io
import select
import socket
import ssl
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from http.client import HTTPMessage
from typing import IO, Any

_ICY, _HTTP = b"ICY ", b"HTTP/1.0 "


class Deadline:
    """When the connections of one opener must have delivered what is awaited. Thread: one."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._due_mono_s = float("-inf")

    def set(self, seconds: float) -> None:
        """Set it to so many seconds from now."""
        self._due_mono_s = self._monotonic() + seconds

    def left_s(self) -> float:
        """Return the seconds that are left.

        Raises:
            TimeoutError: None are.
        """
        left_s = self._due_mono_s - self._monotonic()
        if left_s <= 0:
            raise TimeoutError("it did not send all in time")
        return left_s


class _AsHttp(io.RawIOBase):
    """Socket reader that keeps a deadline, and replaces a leading ``ICY`` by ``HTTP/1.0``."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock, self._deadline = sock, deadline
        # Keeps the socket open. It is not read through, as it refuses further reads after a timeout.
        self._file = sock.makefile("rb", buffering=0)
        self._first: bytes | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._first is None:
            self._first = self._beginning()
        if not self._first:
            self._sock.settimeout(self._deadline.left_s())
            return self._sock.recv_into(buffer)
        count = min(len(buffer), len(self._first))
        buffer[:count], self._first = self._first[:count], self._first[count:]
        return count

    def close(self) -> None:
        self._file.close()
        super().close()

    def _beginning(self) -> bytes:
        begun = b""
        while len(begun) < len(_ICY):
            self._sock.settimeout(self._deadline.left_s())
            more = self._sock.recv(len(_ICY) - len(begun))
            if not more:
                break
            begun += more
        return _HTTP if begun == _ICY else begun


class Response(http.client.HTTPResponse):
    """Response of a connection with a deadline."""

    def __init__(self, deadline: Deadline, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        """Replace the file of `http.client.HTTPResponse`, whose arguments follow the deadline."""
        super().__init__(sock, *args, **kwargs)
        self._sock = sock
        self.fp.close()
        self.fp = io.BufferedReader(_AsHttp(sock, deadline))

    @property
    def has_more(self) -> bool:
        """Whether more has been received already, or the stream has ended."""
        if self.isclosed():
            return False
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        return bool(poll.poll(0))


def _connection(kind: type[http.client.HTTPConnection], deadline: Deadline, host: str, **options: Any) -> Any:
    made = kind(host, **{**options, "timeout": deadline.left_s()})
    made.response_class = partial(Response, deadline)  # type: ignore[assignment] # called like a class
    return made


class HttpHandler(urllib.request.HTTPHandler):
    """`urllib.request.HTTPHandler` with a deadline that accepts both status lines."""

    def __init__(self, deadline: Deadline) -> None:
        """Set the deadline of all connections."""
        super().__init__()
        self._deadline = deadline

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        """Send a request and return the response; see `urllib.request.HTTPHandler`."""
        return self.do_open(partial(_connection, http.client.HTTPConnection, self._deadline), request)


class HttpsHandler(urllib.request.HTTPSHandler):
    """`HttpHandler` over TLS; checks certificate and host name."""

    def __init__(self, deadline: Deadline) -> None:
        """Set the deadline of all connections."""
        self._deadline, self._tls = deadline, ssl.create_default_context()
        super().__init__(context=self._tls)

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        """Send a request and return the response; see `urllib.request.HTTPSHandler`."""
        make = partial(_connection, http.client.HTTPSConnection, self._deadline)
        return self.do_open(make, request, context=self._tls)


class RedirectHandler(urllib.request.HTTPRedirectHandler):
    """`urllib.request.HTTPRedirectHandler` that does not read the body of a redirect, which may have no end."""

    def http_error_302(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage
    ) -> Any:
        """Follow a redirect."""
        fp.close()
        return super().http_error_302(req, fp, code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302
