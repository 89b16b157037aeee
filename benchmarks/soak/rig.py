"""Test rig of a soak test: the node under test, with broker, link, disk and wall clock."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import paho.mqtt.publish
import psutil
import yaml

from benchmarks.soak.tools import tool
from pi_cam_node.camera.worker.spawn import CHILD
from tests.support.broker import Mosquitto, free_port

ROOT = "pi_cam_node/soak"
REPOSITORY = Path(__file__).resolve().parents[2]
FPS = 5
DISK_MB = 64
STOP_S = 20.0
# What is recorded, but for the faults that need a disk without open films.
RECORDING = "motion"
# Area of the synthetic picture with the frame number, which changes continuously.
FRAME_NUMBER = "0,0 1,0 1,0.1 0,0.1"


class Rig:
    """Node, broker, link, disk and clock, within a ``with`` block.

    Args:
        folder: Folder for configurations and logs.
        without: Groups of faults that are not used.

    Attributes:
        broker: A mosquitto without persistence, so that it loses all data when killed.
        link: The proxy between node and broker; ``None`` before ``with``.
        disk: The file system of the pictures; ``None`` without disk faults.
        clock: The wall clock of the node; ``None`` without clock faults.
        http_port: Port of the node's web server.
    """

    def __init__(self, folder: Path, without: tuple[str, ...]) -> None:
        self.folder = folder
        self.broker = Mosquitto(folder)
        self.http_port = free_port()
        self.link: Any = None
        self.disk: Any = None
        self.clock: Any = None
        self._without = without
        self._stack = ExitStack()
        self._node: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.broker)
            self.link = stack.enter_context(tool("faultproxy").ProxyThread((self.broker.host, self.broker.port)))
            if "disk" not in self._without:
                self.disk = stack.enter_context(tool("disk").FaultDisk(size_mb=DISK_MB))
            if "clock" not in self._without:
                self.clock = stack.enter_context(tool("clock").FakeClock())
            self._start_node()
            stack.callback(self._kill_node)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def node(self) -> psutil.Process:
        """The node's process.

        Raises:
            psutil.NoSuchProcess: It has ended.
        """
        if self._node is None or self._node.poll() is not None:
            raise psutil.NoSuchProcess(self._node.pid if self._node else 0)
        return psutil.Process(self._node.pid)

    @property
    def camera(self) -> psutil.Process | None:
        """The camera's process; ``None`` if there is none."""
        return next((child for child in self.node.children() if CHILD in child.cmdline()), None)

    @property
    def films(self) -> list[Path]:
        """Existing films, oldest first."""
        return sorted(self._pictures.rglob("*.mp4"))

    def set(self, key: str, value: str) -> None:
        """Send a setting to the node; it arrives only while the node is connected.

        Raises:
            OSError: The broker is not reachable.
        """
        paho.mqtt.publish.single(
            f"{ROOT}/cmd/set", f"{key} {value}", qos=1, hostname=self.broker.host, port=self.broker.port
        )

    def stop_node(self) -> int:
        """Stop the node as systemd does; return its exit code.

        Raises:
            subprocess.TimeoutExpired: It does not end.
        """
        if self._node is None:
            raise RuntimeError("the node was not started")
        self._node.terminate()
        return self._node.wait(STOP_S)

    @property
    def _pictures(self) -> Path:
        return Path(self.disk.dir) if self.disk else self.folder

    def _start_node(self) -> None:
        config = self.folder / "node.yaml"
        config.write_text(yaml.safe_dump(self._settings()))
        command = [sys.executable, "-m", "pi_cam_node", "run", "--config", str(config)]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OPENBLAS_NUM_THREADS": "1"}
        environment |= self.clock.env if self.clock else {}
        with (self.folder / "node.log").open("wb") as log:
            self._node = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, env=environment)

    def _settings(self) -> dict[str, Any]:
        """Return settings with which every limit is reached within the warm-up."""
        return {
            "node": {"id": "soak"},
            "mqtt": {"host": self.link.host, "port": self.link.port},
            "camera": {"source": "synthetic", "width": 640, "height": 480, "framerate": FPS},
            "ring": {"max_seconds": 60, "max_bytes": 8 << 20},
            "export": {"base_dir": str(self._pictures / "captures"), "formats": ["jpg"], "auto_save_interval_s": 30},
            "storage": {
                "max_bytes": 4 << 20,
                "min_free_bytes": 4 << 20,
                "recordings": {"max_bytes": 8 << 20},
            },
            "motion": {"enable": True, "ignore": [FRAME_NUMBER]},
            "recording": {"mode": RECORDING, "max_s": 30},
            "mjpeg_server": {"port": self.http_port, "fps": FPS},
            "telemetry": {"interval_s": 10, "refresh_s": 60},
        }

    def _kill_node(self) -> None:
        if self._node is not None and self._node.poll() is None:
            self._node.kill()
            self._node.wait(STOP_S)
