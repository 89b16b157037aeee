"""A measured program with its child processes: started, paused while others are measured, and terminated."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from typing import Self

from benchmarks import accounting, film
from benchmarks.readers import Readers

ENVIRONMENT = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
END_S = 15.0
# Time for viewers to connect and read what is buffered.
SETTLE_S = 2.0


class Program:
    """A process and its children.

    Attributes:
        port: Port of its stream; 0 if there is none.
        part: First bytes of each picture in that stream.
    """

    port = 0
    part = b""
    path = "/"

    def __init__(self, command: Sequence[str], *, quiet: bool = False) -> None:
        """Start it; its stderr is shown unless ``quiet``."""
        stderr = subprocess.DEVNULL if quiet else None
        self.process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=stderr)
        self.began_s = time.monotonic()

    @property
    def pid(self) -> int:
        """Process id of the program, without its children."""
        return self.process.pid

    def hold(self) -> None:
        """Pause the program, or slow it down, until `release`."""
        self.process.send_signal(signal.SIGSTOP)

    def release(self) -> None:
        """Resume the program."""
        self.process.send_signal(signal.SIGCONT)

    def cpu_ms_per_second(self, seconds: float, viewers: int = 0) -> tuple[float, float]:
        """Return the CPU time in ms per second, and the pictures per second of the slowest viewer."""
        self.release()
        readers = Readers(self.port, viewers, part=self.part, path=self.path)
        readers.read(SETTLE_S)
        at_s, before_s = time.monotonic(), accounting.cpu_s(self.pid)
        taken = readers.read(seconds)
        spent_s, took_s = accounting.cpu_s(self.pid) - before_s, time.monotonic() - at_s
        readers.close()
        self.hold()
        return spent_s / took_s * 1000, min(taken.values(), default=0) / took_s

    def cpu_ms_per_frame(self, seconds: float) -> float:
        """Return the CPU time in ms per camera frame of the running program."""
        at_s, before_s = time.monotonic(), accounting.cpu_s(self.pid)
        time.sleep(seconds)
        return (accounting.cpu_s(self.pid) - before_s) / (time.monotonic() - at_s) / film.FPS * 1000

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
