"""A TCP proxy in front of a broker: refuses MQTT 5, hangs, or cuts connections."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Literal, Self

from tests.support.broker import HOST

Manner = Literal["serve", "refuse-5-as-5", "refuse-5-as-3", "hang-up-on-5", "silent-on-5", "silent", "garble"]

_REFUSALS = {
    "refuse-5-as-5": b"\x20\x03\x00\x84\x00",  # CONNACK of MQTT 5: unsupported protocol version
    "refuse-5-as-3": b"\x20\x02\x00\x01",  # CONNACK of MQTT 3.1.1: unacceptable protocol version
    "hang-up-on-5": b"",
}
# After the CONNACK: a packet whose length never ends.
_NO_PACKET = b"\x30\xff\xff\xff\xff\xff"


class Proxy:
    """Forwards to a broker on loopback, with the fault that the test chooses.

    Args:
        upstream_port: Port of the broker.
        manner: Fault applied to connections; may be changed for later ones.

    Attributes:
        answer_delay_s: Delay of data from the broker; may be changed at any time.
    """

    def __init__(self, upstream_port: int, manner: Manner = "serve") -> None:
        self.manner: Manner = manner
        self.answer_delay_s = 0.0
        self.versions: list[int] = []
        self._upstream_port = upstream_port
        self._up, self._down = threading.Event(), threading.Event()
        self.thaw()
        self._closing = False
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        self.thaw()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(5)

    def freeze(self) -> None:
        """Keep connections open, but forward nothing."""
        self._up.clear()
        self._down.clear()

    def freeze_answers(self) -> None:
        """Forward nothing from the broker, which still receives."""
        self._down.clear()

    def thaw(self) -> None:
        """Resume forwarding."""
        self._up.set()
        self._down.set()

    def cut(self) -> None:
        """Reset every connection."""
        sockets, self._sockets = self._sockets, []
        for sock in sockets:
            with suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._sockets.append(client)
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError):
            first = client.recv(4096)
            version = first[first.index(b"MQTT") + 4]
            self.versions.append(version)
            if self.manner == "silent" or (version == 5 and self.manner == "silent-on-5"):
                return
            if version == 5 and self.manner in _REFUSALS:
                client.sendall(_REFUSALS[self.manner])
                client.close()
                return
            upstream = socket.create_connection((HOST, self._upstream_port))
            self._sockets.append(upstream)
            for sock in (client, upstream):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            upstream.sendall(first)
            if self.manner == "garble":
                client.sendall(upstream.recv(4096) + _NO_PACKET)
                return
            self._start(self._forward, upstream, client, self._down)
            self._forward(client, upstream, self._up)

    def _forward(self, source: socket.socket, sink: socket.socket, thaw: threading.Event) -> None:
        with suppress(OSError):
            while chunk := source.recv(65536):
                thaw.wait()
                if thaw is self._down:
                    time.sleep(self.answer_delay_s)
                sink.sendall(chunk)
        for sock in (source, sink):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
