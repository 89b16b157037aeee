"""The demo in its own process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.broker import port_of, reserved_port, wait_until

REPOSITORY = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"}
START_S = 90.0


def program(*arguments: str, folder: Path, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Run ``pi-cam-node`` to its end."""
    command = [sys.executable, "-m", "pi_cam_node", *arguments]
    return subprocess.run(
        command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=timeout_s, check=False
    )


class RunningDemo:
    """``pi-cam-node demo`` on a free port, with its pictures in ``folder``/captures."""

    def __init__(self, folder: Path, broker: str) -> None:
        self.folder = folder
        self._reserved = reserved_port()  # kept after the demo has ended, so that nothing else listens there
        self.port = port_of(self._reserved)
        self._broker = broker
        self._out = folder / "demo.out"
        self._err = folder / "demo.err"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "pi_cam_node", "demo", "--broker", self._broker, "--port", str(self.port)]
        with self._out.open("wb") as out, self._err.open("wb") as err:
            # A killed demo cannot remove its temporary folder; pytest removes this one.
            environment = {**ENVIRONMENT, "TMPDIR": str(self.folder)}
            self._process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=out, stderr=err, start_new_session=True
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(60)
        self._reserved.close()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the demo was not started"
        return self._process

    def wait_for(self, words: str) -> str:
        """Wait for a text in the demo's output; return all output."""
        wait_until(lambda: words in self.said() or self.process.poll() is not None, f"{words!r}", START_S)
        assert words in self.said(), self.said() + self._err.read_text()
        return self.said()

    def said(self) -> str:
        return self._out.read_text() if self._out.exists() else ""

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Send a command to the demo's node."""
        return program("call", "--port", str(self.port), *words, folder=self.folder)

    def wait_for_past(self) -> None:
        """Wait until the ring holds the last three seconds."""
        wait_until(
            lambda: self.call("pastStack", '{"at":3,"count":1,"formats":["jpg"]}').returncode == 0, "the past", START_S
        )

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """Stop the demo's process group, by default with SIGINT as by Ctrl-C; return its exit code."""
        if how == signal.SIGINT:
            os.killpg(self.process.pid, how)
        else:
            self.process.send_signal(how)
        return self.process.wait(60)
