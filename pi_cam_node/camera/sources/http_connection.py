"""HTTP connections that also accept the status line ``ICY 200 OK`` (SHOUTcast), as some cameras send it.

Old IP Webcam apps and internet radio servers use HTTP/1.0 except for this line, which `http.client` rejects.
"""

from __future__ import annotations

import http.client
import io
import socket
import urllib.request
from typing import Any, cast

_ICY, _HTTP = b"ICY ", b"HTTP/1.0 "


class _AsHttp(io.RawIOBase):
    """Socket reader that replaces a leading ``ICY`` by ``HTTP/1.0``."""

    def __init__(self, raw: io.RawIOBase) -> None:
        self._raw = raw
        self._first: bytes | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._first is None:
            self._first = self._beginning()
        if not self._first:
            return cast("int", self._raw.readinto(buffer))
        count = min(len(buffer), len(self._first))
        buffer[:count], self._first = self._first[:count], self._first[count:]
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()

    def _beginning(self) -> bytes:
        begun = b""
        while len(begun) < len(_ICY) and (more := self._raw.read(len(_ICY) - len(begun))):
            begun += more
        return _HTTP if begun == _ICY else begun


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_AsHttp(sock.makefile("rb", buffering=0)))


class _Connection(http.client.HTTPConnection):
    response_class = _Response


class HttpHandler(urllib.request.HTTPHandler):
    """`urllib.request.HTTPHandler` that accepts both status lines."""

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        """Send a request and return the response; see `urllib.request.HTTPHandler`."""
        return self.do_open(_Connection, request)
