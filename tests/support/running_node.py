"""A real node in its own process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import yaml

from pi_cam_node.camera.worker.spawn import CHILD
from tests.support import contract
from tests.support.broker import Client, wait_until

REPOSITORY = Path(__file__).parents[2]
BASE = "pi_cam_node/porch"


class RunningNode:
    """A node under test, with its settings written to a file in ``folder``.

    Args:
        folder: Working folder.
        port: Port of the broker.
        environment: Additional environment variables.
        within: Command prefix, e.g. for a network namespace.
        sections: Settings, as in the configuration file.
    """

    def __init__(
        self,
        folder: Path,
        port: int,
        environment: dict[str, str] | None = None,
        *,
        within: Sequence[str] = (),
        **sections: Any,
    ) -> None:
        self.folder = folder
        self.config = folder / "node.yaml"
        self.log_path = folder / "node.log"
        self._environment = environment or {}
        self._within = within
        tree: dict[str, Any] = {
            "node": {"id": "porch"},
            "mqtt": {"host": "127.0.0.1", "port": port},
            "camera": {"source": "synthetic", "width": 320, "height": 240},
            "export": {"auto_save_interval_s": 0},
            "mjpeg_server": {"enable": False},
            "logging": {"level": "DEBUG"},
        }
        for name, values in sections.items():
            tree.setdefault(name, {}).update(values)
        contract.node_runs(tree["mqtt"]["port"], tree["mqtt"].get("base_topic", "pi_cam_node"), tree["node"]["id"])
        self.config.write_text(yaml.safe_dump(tree))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)

    def start(self) -> Self:
        """Start the process; returns at once."""
        command = [*self._within, sys.executable, "-m", "pi_cam_node", "run", "--config", str(self.config)]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), **self._environment}
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, env=environment)
        return self

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the node was not started"
        return self._process

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def camera_pid(self) -> int | None:
        """Return the pid of the camera's process."""
        camera = self.child(CHILD)
        return None if camera is None else camera.pid

    def child(self, module: str) -> psutil.Process | None:
        """Return the child process that runs a module, by a part of the module's name."""
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.NoSuchProcess):  # it ended meanwhile
                if module in " ".join(child.cmdline()):
                    return child
        return None

    def stop(self, how: signal.Signals = signal.SIGTERM, timeout_s: float = 15.0) -> tuple[int, float]:
        """Stop the node; return its exit code and the seconds that it took."""
        began_s = time.monotonic()
        self.process.send_signal(how)
        code = self.process.wait(timeout_s)
        return code, time.monotonic() - began_s

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""


class CommandClient:
    """Sends commands over MQTT and collects replies."""

    def __init__(self, client: Client) -> None:
        self.client = client.subscribe(f"{BASE}/#", "homeassistant/#")
        self._count = 0

    def wait_online(self, timeout_s: float = 60.0) -> None:
        """Wait until node and camera are online."""
        for topic in (f"{BASE}/availability", f"{BASE}/camera/availability"):
            wait_until(lambda t=topic: self.client.latest(t) == b"online", f"{topic} online", timeout_s)  # type: ignore[misc]

    def state(self, key: str) -> str:
        return (self.client.latest(f"{BASE}/state/{key}") or b"").decode()

    def ask(self, verb: str, timeout_s: float = 20.0, **fields: Any) -> dict[str, Any]:
        """Send a command as JSON and return its final reply."""
        self._count += 1
        name = f"t{os.getpid()}-{id(self)}-{self._count}"
        self.client.publish(f"{BASE}/cmd/{verb}", json.dumps({"id": name, **fields}))
        wait_until(lambda: self.finals(name), f"a reply to {verb}", timeout_s)
        return self.finals(name)[0]

    def finals(self, name: str) -> list[dict[str, Any]]:
        """Return the final replies with an id."""
        return [body for body in self.replies() if body["id"] == name and body["stage"] == "final"]

    def replies(self) -> Iterator[dict[str, Any]]:
        with self.client._changed:
            messages = [m for m in self.client.received if m.topic.startswith(f"{BASE}/reply/")]
        for message in messages:
            yield json.loads(message.payload)
