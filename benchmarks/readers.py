"""Viewers of an MJPEG stream, some of which never read."""

from __future__ import annotations

import select
import socket
import time

DEADLINE_S = 20.0


def connect(port: int, path: str) -> socket.socket:
    """Request the stream of a server, which may still be starting."""
    deadline_s = time.monotonic() + DEADLINE_S
    while True:
        try:
            sock = socket.create_connection(("127.0.0.1", port), 5)
        except OSError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.1)
        else:
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            return sock


class Readers:
    """Viewers of one server, on one thread."""

    def __init__(self, port: int, viewers: int, *, part: bytes, path: str = "/stream", stalled: int = 0) -> None:
        """Connect.

        Args:
            port: Port of the server.
            viewers: Number of viewers that read.
            part: First bytes of each picture.
            path: Path of the stream.
            stalled: Number of viewers that never read.
        """
        self._part = part
        self._stalled = [connect(port, path) for _ in range(stalled)]
        self._sockets = {sock.fileno(): sock for sock in (connect(port, path) for _ in range(viewers))}
        self._parts = dict.fromkeys(self._sockets, 0)
        self._epoll = select.epoll()
        for number in self._sockets:
            self._epoll.register(number, select.EPOLLIN)

    def read(self, seconds: float) -> dict[int, int]:
        """Read for some seconds; return the number of pictures that began, by viewer."""
        before, buffer = dict(self._parts), bytearray(1 << 20)
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0:
            for number, _event in self._epoll.poll(left_s):
                taken = self._sockets[number].recv_into(buffer)
                if not taken:
                    self._epoll.unregister(number)
                self._parts[number] += buffer.count(self._part, 0, taken)
        return {number: self._parts[number] - before[number] for number in before}

    def close(self) -> None:
        """Close the connections."""
        self._epoll.close()
        for sock in (*self._stalled, *self._sockets.values()):
            sock.close()
