"""A strict MJPEG client: uses Content-Length, and fails at any deviation from the format."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Picture:
    """One part."""

    headers: Mapping[str, str]
    jpeg: bytes

    @property
    def name(self) -> str:
        """The frame number; ``away`` for the placeholder."""
        return "away" if self.headers.get("X-Placeholder") == "1" else self.headers["X-Frame-Id"]


class Viewer:
    """An open stream, in a ``with`` block.

    Args:
        port: Port of the server on this machine.
        path: Path and query.
        method: ``GET`` or ``HEAD``.
        receive_bytes: Size of the receive buffer, if it is to be small.
    """

    def __init__(
        self, port: int, path: str = "/stream", method: str = "GET", receive_bytes: int = 0, **headers: str
    ) -> None:
        self._socket = socket.socket()
        if receive_bytes:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self._socket.settimeout(10)
        self._socket.connect(("127.0.0.1", port))
        more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        self._socket.sendall(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{more}\r\n".encode())
        self._file = self._socket.makefile("rb")
        self.status_line = self._line()
        self.headers = self._headers()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def status(self) -> int:
        return int(self.status_line.split()[1])

    def picture(self) -> Picture | None:
        """Return the next part; ``None`` after the closing delimiter.

        Raises:
            AssertionError: The framing is wrong.
            EOFError: The connection ended without the closing delimiter.
        """
        delimiter = self._line()
        if delimiter == "--frame--":
            assert self._file.read() == b""
            return None
        assert delimiter == "--frame", delimiter
        headers = self._headers()
        assert headers["Content-Type"] == "image/jpeg"
        jpeg = self._file.read(int(headers["Content-Length"]))
        assert jpeg[:2] == b"\xff\xd8"
        assert jpeg[-2:] == b"\xff\xd9"
        assert self._line() == ""
        return Picture(headers, jpeg)

    def next_picture(self) -> Picture:
        """Return the next part; fail if there is none."""
        picture = self.picture()
        assert picture is not None
        return picture

    def picture_named(self, name: str) -> Picture:
        """Return the next part with this name, skipping others."""
        while (picture := self.next_picture()).name != name:
            assert picture.name == "away" or name == "away" or int(picture.name) < int(name)
        return picture

    def rest(self) -> bytes:
        """Return everything until the server closes the connection."""
        return self._file.read()

    def close(self) -> None:
        """Close the connection."""
        self._file.close()
        self._socket.close()

    def _line(self) -> str:
        line = self._file.readline(8192)
        if not line:
            raise EOFError
        assert line.endswith(b"\r\n"), line
        assert line.count(b"\r") == 1
        return line[:-2].decode("ascii")

    def _headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        while line := self._line():
            name, _, value = line.partition(": ")
            assert name not in headers
            headers[name] = value
        return headers
