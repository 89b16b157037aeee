"""A node as a service: under a substitute for systemd, with the unit's settings and injected faults."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from tests.faults.fault_tools import FOLDER
from tests.support.broker import Mosquitto, free_port, wait_until
from tests.support.running_node import REPOSITORY, CommandClient, RunningNode

Event = dict[str, Any]


class SupervisedNode:
    """A node that is started again whenever it ends, within a ``with``.

    Attributes:
        events: What the stand-in for systemd told: kind, second, and more.
        config: The configuration file.
    """

    def __init__(self, folder: Path, broker: Mosquitto, *, watchdog_s: float = 30, **sections: Any) -> None:
        if not (FOLDER / "minisd.py").exists():
            pytest.skip("the fault tools are not beside the repository")
        self.folder, self.port, self.tcp_port = folder, free_port(), free_port()
        sections.setdefault("mjpeg_server", {"enable": True, "port": self.port})
        sections.setdefault("network", {"trigger_enable": True, "trigger_port": self.tcp_port})
        sections.setdefault("storage", {"min_free_bytes": 1 << 20})
        sections.setdefault("logging", {"level": "INFO"})
        self.config = RunningNode(folder, broker.port, **sections).config
        self.log = folder / "service.log"
        self.events: list[Event] = []
        self._changed = threading.Condition()
        limits = ["--watchdog", str(watchdog_s), "--restart-sec", "2", "--stop-timeout", "5"]
        node = [sys.executable, "-m", "tests.faults.thread_faults", str(folder), "run", "--config", str(self.config)]
        self._command = [sys.executable, str(FOLDER / "minisd.py"), *limits, "--start-limit", "999/60", "--", *node]
        self._process: subprocess.Popen[str] | None = None
        self._reader = threading.Thread(target=self._read, name="events", daemon=True)

    def __enter__(self) -> Self:
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment
            )
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(30)
        self._reader.join(10)
        if self._process.stdout is not None:
            self._process.stdout.close()
        # Shown where a test fails.
        sys.stderr.write(self.log.read_text(errors="replace")[-8000:] + "\n".join(map(str, self.events[-20:])))

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            # What the node itself prints is no event.
            event = json.loads(line) if line.startswith('{"t"') else None
            with self._changed:
                if event is not None:
                    self.events.append({**event, "at_s": time.monotonic()})
                self._changed.notify_all()

    def kinds(self, kind: str) -> list[Event]:
        """Return the events of a kind so far."""
        with self._changed:
            return [event for event in self.events if event["ev"] == kind]

    def wait(self, kind: str, count: int, timeout_s: float) -> Event:
        """Wait for the n-th event of a kind."""
        wait_until(lambda: len(self.kinds(kind)) >= count, f"{kind} number {count}", timeout_s)
        return self.kinds(kind)[count - 1]

    @property
    def pid(self) -> int:
        """The process that runs now, or ran last."""
        return int(self.kinds("start")[-1]["pid"])

    def order(self, what: str, timeout_s: float = 30.0) -> float:
        """Order a fault; return the moment at which it is injected."""
        path = self.folder / what
        path.touch()
        wait_until(lambda: not path.exists(), f"{what} obeyed", timeout_s)
        return time.monotonic()

    def threads(self) -> set[str]:
        """Return the names of the node's threads."""
        told = self.folder / "names.told"
        self.order("names")
        wait_until(told.exists, "the names of the threads", 10)
        names = set(told.read_text().split("\n"))
        told.unlink()
        return names

    def healthz(self) -> str:
        """Return the body of ``/healthz``; empty where there is no answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().read().decode()
        except OSError:
            return ""
        finally:
            connection.close()

    def answers_tcp(self) -> bool:
        """Whether the text port answers."""
        try:
            with socket.create_connection(("127.0.0.1", self.tcp_port), 2) as sock:
                sock.sendall(b"health\n")
                return b"RSS=" in sock.recv(200)
        except OSError:
            return False

    def serves(self, commands: CommandClient) -> bool:
        """Whether every interface answers, frames arrive, and pictures are saved."""
        if self.healthz() != "ok" or not self.answers_tcp():
            return False
        try:
            return bool(commands.ask("save", 3.0, formats=["jpg"])["ok"])
        except AssertionError:
            return False

    def wait_served(self, commands: CommandClient) -> float:
        """Wait until every interface answers; return the moment."""
        wait_until(lambda: self.serves(commands), "every interface to answer")
        return time.monotonic()
