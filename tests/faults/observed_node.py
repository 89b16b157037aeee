"""A node under a fault, observed through its interfaces: stream, MQTT, availability."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.broker import Mosquitto, free_port, wait_until
from tests.support.mjpeg import Viewer
from tests.support.running_node import BASE, CommandClient, RunningNode

AVAILABILITIES = (f"{BASE}/availability", f"{BASE}/camera/availability")


class StreamMonitor:
    """Reads the stream in a thread of its own, and measures the longest pause between two pictures, in seconds."""

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
        """Stop reading and join the thread."""
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


class ObservedNode:
    """A running node, a client that sends it commands, and the port of its live view."""

    def __init__(self, node: RunningNode, commands: CommandClient, port: int) -> None:
        self.node, self.commands, self.port = node, commands, port

    def wait_fault(self, beginning: str, timeout_s: float) -> float:
        """Wait until the last error begins so; return after how many seconds."""
        began_s = time.monotonic()
        try:
            wait_until(lambda: self._last_error().startswith(beginning), f"last_error {beginning}…", timeout_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {self._last_error()!r}") from None
        return time.monotonic() - began_s

    def _last_error(self) -> str:
        return self.commands.state("last_error")

    def said_offline(self) -> list[str]:
        """Return the availability topics that said ``offline`` since the last `forget`."""
        received = self.commands.client.received
        return [m.topic for m in received if m.topic in AVAILABILITIES and m.payload == b"offline"]

    def forget(self) -> None:
        """Forget what was heard of availability so far; states are kept."""
        client = self.commands.client
        with client._changed:
            client.received[:] = [m for m in client.received if m.topic not in AVAILABILITIES]

    @contextmanager
    def streaming(self) -> Iterator[StreamMonitor]:
        """Read the stream while the block runs."""
        watch = StreamMonitor(self.port)
        try:
            yield watch
        finally:
            watch.close()


@contextmanager
def watched(folder: Path, broker: Mosquitto, **sections: Any) -> Iterator[ObservedNode]:
    """Run a node with a live view and wait until it and its camera are there."""
    port = free_port()
    sections.setdefault("mjpeg_server", {"enable": True, "port": port})
    sections.setdefault("logging", {"level": "INFO"})
    sections.setdefault("storage", {"min_free_bytes": 1 << 20})
    with RunningNode(folder, broker.port, **sections) as running, broker.client() as client:
        commands = CommandClient(client)
        commands.wait_online()
        yield ObservedNode(running, commands, int(sections["mjpeg_server"]["port"]))
