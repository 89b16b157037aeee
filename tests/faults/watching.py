"""A whole node under a fault, watched through its doors: stream, MQTT, availability."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.broker import Mosquitto, wait_until
from tests.support.mjpeg import Viewer
from tests.support.running_node import BASE, Asker, RunningNode
from tests.support.web_server import free_port

AVAILABILITIES = (f"{BASE}/availability", f"{BASE}/camera/availability")


class StreamWatch:
    """Looks at the stream all the time, and knows the longest pause between two pictures, in seconds."""

    def __init__(self, port: int) -> None:
        self.longest_gap_s = 0.0
        self.pictures = 0
        self.ended = False
        self._viewer = Viewer(port)
        self._last_s = time.monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look, name="viewer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look away."""
        self.longest_gap_s = max(self.longest_gap_s, time.monotonic() - self._last_s)
        self._stopped.set()
        self._thread.join(15)
        self._viewer.close()

    def _look(self) -> None:
        try:
            while not self._stopped.is_set() and self._viewer.picture() is not None:
                now_s = time.monotonic()
                self.longest_gap_s = max(self.longest_gap_s, now_s - self._last_s)
                self._last_s = now_s
                self.pictures += 1
        except (OSError, EOFError):
            self.ended = not self._stopped.is_set()


class Watched:
    """A node that runs, somebody who asks it, and the port of its live view."""

    def __init__(self, node: RunningNode, asker: Asker, port: int) -> None:
        self.node, self.asker, self.port = node, asker, port

    def wait_fault(self, beginning: str, timeout_s: float) -> float:
        """Wait until the last error begins so; return after how many seconds."""
        began_s = time.monotonic()
        what = f"last_error {beginning}…; it is {{}}"
        wait_until(lambda: self.asker.state("last_error").startswith(beginning), what, timeout_s)
        return time.monotonic() - began_s

    def said_offline(self) -> list[str]:
        """Return the availability topics that said ``offline`` since the last `forget`."""
        received = self.asker.client.received
        return [m.topic for m in received if m.topic in AVAILABILITIES and m.payload == b"offline"]

    def forget(self) -> None:
        """Forget what was heard of availability so far; states are kept."""
        client = self.asker.client
        with client._changed:
            client.received[:] = [m for m in client.received if m.topic not in AVAILABILITIES]

    @contextmanager
    def streaming(self) -> Iterator[StreamWatch]:
        """Look at the stream while the block runs."""
        watch = StreamWatch(self.port)
        try:
            yield watch
        finally:
            watch.close()


@contextmanager
def watched(folder: Path, broker: Mosquitto, **sections: Any) -> Iterator[Watched]:
    """Run a node with a live view and wait until it and its camera are there."""
    port = free_port()
    sections.setdefault("mjpeg_server", {"enable": True, "port": port})
    sections.setdefault("logging", {"level": "INFO"})
    sections.setdefault("storage", {"min_free_bytes": 1 << 20})
    with RunningNode(folder, broker.port, **sections) as running, broker.client() as client:
        asker = Asker(client)
        asker.wait_online()
        yield Watched(running, asker, int(sections["mjpeg_server"]["port"]))
