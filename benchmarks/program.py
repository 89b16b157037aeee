"""A program that is measured: started, held while others are measured, and ended, with all that it started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from typing import Self

from benchmarks import accounting, film
from benchmarks.readers import Readers

ENVIRONMENT = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
END_S = 15.0


def free_port() -> int:
    """Return a loopback port that no program listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Program:
    """A process and its children.

    Attributes:
        port: Where its stream is served, 0 where there is none.
        part: What begins each picture of that stream.
    """

    port = 0
    part = b""
    path = "/"

    def __init__(self, command: Sequence[str], *, quiet: bool = False) -> None:
        """Start it; what it says on stderr is shown unless it shall be quiet."""
        stderr = subprocess.DEVNULL if quiet else None
        self.process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=stderr)
        self.began_s = time.monotonic()

    @property
    def pid(self) -> int:
        """Process id of the program, without its children."""
        return self.process.pid

    def hold(self) -> None:
        """Stop the program, or slow it down, until `release`."""
        self.process.send_signal(signal.SIGSTOP)

    def release(self) -> None:
        """Go on."""
        self.process.send_signal(signal.SIGCONT)

    def cpu_ms_per_second(self, seconds: float, settle_s: float = 2.0, viewers: int = 0) -> tuple[float, float]:
        """Return processor time in ms per second of the clock, and the pictures a second of the slowest viewer."""
        self.release()
        readers = Readers(self.port, viewers, part=self.part, path=self.path)
        readers.read(settle_s)
        at_s, before_s = time.monotonic(), accounting.cpu_s(self.pid)
        taken = readers.read(seconds)
        spent_s, took_s = accounting.cpu_s(self.pid) - before_s, time.monotonic() - at_s
        readers.close()
        self.hold()
        return spent_s / took_s * 1000, min(taken.values(), default=0) / took_s

    def cpu_ms_per_frame(self, seconds: float, fps: float = film.FPS) -> float:
        """Return processor time in ms per camera frame, as the program runs now."""
        at_s, before_s = time.monotonic(), accounting.cpu_s(self.pid)
        time.sleep(seconds)
        return (accounting.cpu_s(self.pid) - before_s) / (time.monotonic() - at_s) / fps * 1000

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """End it."""
        self.close()

    def close(self) -> None:
        """End it, by force where it does not."""
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(END_S)
