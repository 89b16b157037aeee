"""Reference for the cost of a viewer: a selector loop that sends a shared picture to every client that is ready.

`python -m benchmarks.loop PORT FPS BYTES`. Pictures come from a second thread, as in a server with other tasks. Runs
until killed.
"""

from __future__ import annotations

import itertools
import os
import selectors
import socket
import sys
import threading
import time

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\nConnection: close\r\n\r\n"
PICTURES = 20


def parts(size_bytes: int) -> list[bytes]:
    """Return multipart parts with dummy pictures of a size."""
    head = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % size_bytes
    return [head + os.urandom(size_bytes) + b"\r\n" for _ in range(PICTURES)]


class Loop:
    """The server; `part` is the newest picture."""

    def __init__(self, port: int) -> None:
        """Listen."""
        self.part = memoryview(b"")
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self._listener.setblocking(False)
        self._woken, self.wake = os.pipe()
        self._left: dict[socket.socket, memoryview] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._woken, selectors.EVENT_READ, self._send_all)

    def run(self) -> None:
        """Serve until killed."""
        while True:
            for key, events in self._selector.select():
                if not isinstance(key.fileobj, socket.socket) or key.fileobj is self._listener:
                    key.data()
                elif events & selectors.EVENT_READ:
                    self._hear(key.fileobj)
                else:
                    self._send(key.fileobj)

    def _accept(self) -> None:
        viewer = self._listener.accept()[0]
        viewer.setblocking(False)
        self._selector.register(viewer, selectors.EVENT_READ)
        self._left[viewer] = memoryview(b"")

    def _hear(self, viewer: socket.socket) -> None:
        try:
            if viewer.recv(4096):
                viewer.send(HEAD)
                return
        except ConnectionResetError:
            print("a viewer disconnected with unread pictures", file=sys.stderr)
        self._selector.unregister(viewer)
        del self._left[viewer]
        viewer.close()

    def _send_all(self) -> None:
        os.read(self._woken, 100)
        for viewer, left in self._left.items():
            if not left:
                self._left[viewer] = self.part
                self._send(viewer)

    def _send(self, viewer: socket.socket) -> None:
        left = self._left[viewer]
        try:
            while left:
                left = left[viewer.send(left) :]
        except BlockingIOError:
            self._selector.modify(viewer, selectors.EVENT_READ | selectors.EVENT_WRITE)
        else:
            self._selector.modify(viewer, selectors.EVENT_READ)
        self._left[viewer] = left


def publish(loop: Loop, fps: float, size_bytes: int) -> None:
    """Publish pictures at a constant rate."""
    start_s = time.monotonic()
    for number, part in enumerate(itertools.cycle(parts(size_bytes)), start=1):
        time.sleep(max(0.0, start_s + number / fps - time.monotonic()))
        loop.part = memoryview(part)
        os.write(loop.wake, b"x")


def main() -> None:
    """Serve."""
    loop = Loop(int(sys.argv[1]))
    arguments = (loop, float(sys.argv[2]), int(sys.argv[3]))
    threading.Thread(target=publish, args=arguments, name="pictures", daemon=True).start()
    loop.run()


if __name__ == "__main__":
    main()
