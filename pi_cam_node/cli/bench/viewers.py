"""Measurement of the cost of a viewer: the real web server, and viewers of its stream on loopback."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.base.errors import NodeError
from pi_cam_node.cli.bench.advice import ViewerCost
from pi_cam_node.config import Config
from pi_cam_node.core.frame_hub import FrameHub
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.imaging.frame import Frame
from pi_cam_node.imaging.task_process import TaskProcess
from pi_cam_node.imaging.tasks import ImageTasks
from pi_cam_node.web.server import WebServer

VIEWERS, FPS = 8, 10.0
PICTURE_BEGINS = b"Content-Type: image/jpeg"
CONNECT_S, STOP_S = 10.0, 2.0
RECEIVE_BYTES = 1 << 20


class EmptyPictureStore:
    """A picture store without pictures."""

    def find(self, _picture_id: str) -> str | None:
        """Return no picture."""
        return None

    @property
    def is_away(self) -> bool:
        """Return that its disk is there."""
        return False

    def newest(self, _count: int) -> Sequence[str]:
        """Return no picture."""
        return ()


class Viewers:
    """Connections that read the stream, in a thread of their own.

    Attributes:
        pictures: Number of pictures received by all of them together.
    """

    def __init__(self, port: int) -> None:
        """Open the connections and start the thread.

        Raises:
            OSError: The server does not answer.
        """
        self.pictures = 0
        self._stop = threading.Event()
        self._selector = selectors.DefaultSelector()
        for _ in range(VIEWERS):
            viewer = _connect(port)
            viewer.sendall(b"GET /stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            self._selector.register(viewer, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._read, name="bench viewers", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Close the connections and join the thread."""
        self._stop.set()
        self._thread.join(STOP_S)
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._selector.close()

    def _read(self) -> None:
        buffer = bytearray(RECEIVE_BYTES)
        while not self._stop.is_set():
            for key, _ in self._selector.select(0.1):
                if isinstance(key.fileobj, socket.socket):
                    self.pictures += buffer.count(PICTURE_BEGINS, 0, key.fileobj.recv_into(buffer))


def measure(frame: Frame, seconds: float) -> ViewerCost:
    """Publish a frame repeatedly, without and with `VIEWERS` viewers; return the cost of one from the difference.

    Raises:
        NodeError: The server does not serve.
    """
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = int(sock.getsockname()[1])
    config = Config.model_validate({"mjpeg_server": {"port": port, "fps": FPS}, "node": {"id": "bench"}})
    hub = FrameHub()
    web = WebServer(
        config,
        Inbox(),
        hub,
        EmptyPictureStore(),
        SystemClock(),
        ImageTasks(TaskProcess().run),  # nothing here needs pixels, so no process is started
        {"id": "bench", "name": "bench", "version": "0"},
    )
    web.start()
    try:
        thread = next(thread for thread in threading.enumerate() if thread.name == "http")
        clock = time.pthread_getcpuclockid(thread.ident or 0)
        alone_s = _publish(hub, frame, seconds, clock)
        with closing(Viewers(port)) as viewers:
            _publish(hub, frame, min(1.0, seconds), clock)
            before = viewers.pictures
            spent_s = _publish(hub, frame, seconds, clock)
            pictures = viewers.pictures - before
    except (OSError, StopIteration) as error:
        raise NodeError(f"the web server cannot be measured: {error}") from error
    finally:
        web.close(STOP_S)
    if not pictures:
        raise NodeError("no viewer got a picture")
    return ViewerCost(max(0.0, spent_s - alone_s) / pictures * 1e6, len(frame.jpeg))


def _publish(hub: FrameHub, frame: Frame, seconds: float, clock: int) -> float:
    """Publish frames; return the processor time of a thread's clock."""
    before_s, pause = time.clock_gettime(clock), threading.Event()
    start_s = time.monotonic()
    for number in range(1, int(seconds * FPS) + 1):
        pause.wait(max(0.0, start_s + number / FPS - time.monotonic()))
        hub.publish(replace(frame, seq=frame.seq + number))
    pause.wait(1 / FPS)
    return time.clock_gettime(clock) - before_s


def _connect(port: int) -> socket.socket:
    """Connect to a server that may not listen yet."""
    deadline_s, pause = time.monotonic() + CONNECT_S, threading.Event()
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), CONNECT_S)
        except ConnectionRefusedError:
            if time.monotonic() > deadline_s:
                raise
            pause.wait(0.05)
