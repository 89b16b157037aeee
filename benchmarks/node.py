"""The measured node, with a separate camera process and MQTT connected."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from benchmarks import film
from benchmarks.command_client import CommandClient
from benchmarks.program import Program
from tests.support.broker import free_port

NUMBERS = itertools.count()
START_S = 60.0
RING_FRAMES = 300


class Node(Program):
    """A running node with default settings except for a faster stream, more viewers, and no automatic saves.

    Each has a unique id, so that retained messages of another one are not mistaken for its own.
    """

    part = b"--frame\r\n"
    path = "/stream"

    def __init__(self, folder: Path, broker_port: int, source: str, **sections: dict[str, object]) -> None:
        """Start it, and wait for its first brightness value.

        Args:
            folder: Folder for its configuration and pictures.
            broker_port: Port of the broker on loopback.
            source: `camera.source`.
            sections: Further settings.
        """
        self.port = free_port()
        name = f"bench-{next(NUMBERS)}"
        self.root = f"pi_cam_node/{name}"
        settings: dict[str, Any] = {
            "node": {"id": name},
            "mqtt": {"host": "127.0.0.1", "port": broker_port},
            "camera": {"source": source},
            "mjpeg_server": {"port": self.port, "fps": film.FPS},
            "http": {"max_viewers": 100},
            "export": {"auto_save_interval_s": 0},
            "logging": {"level": "WARNING"},
        }
        for section, values in sections.items():
            settings[section] = {**settings.get(section, {}), **values}
        file = folder / f"{name}.yaml"
        file.write_text(yaml.safe_dump(settings))
        brightness = f"{self.root}/state/brightness"
        self.commands = CommandClient(broker_port, f"{self.root}/reply/#", brightness)
        super().__init__([sys.executable, *self.command(file)])
        try:
            self.commands.wait_for(brightness, START_S)
        except BaseException:
            self.close()
            raise
        self.started_s = time.monotonic() - self.began_s

    def command(self, file: Path) -> Sequence[str]:
        """Return the arguments of Python for running a node with a configuration file."""
        return ("-m", "pi_cam_node", "run", "--config", str(file))

    def ask(self, verb: str, **body: object) -> tuple[float, dict[str, Any]]:
        """Send a command; return the milliseconds until the final reply, and its data.

        Raises:
            RuntimeError: The command failed.
        """
        took_ms, reply = self.commands.ask(f"{self.root}/cmd/{verb}", body)
        if not reply["ok"]:
            raise RuntimeError(f"{verb} {body}: {reply['message']}")
        return took_ms, reply["data"]

    def pace(self, fps: float) -> None:
        """Set the camera's frame rate."""
        self.ask("set", key="camera.framerate", value=fps)

    def hold(self) -> None:
        """Reduce the camera's rate to a tenth, as a stopped camera would count as failed."""
        self.pace(film.FPS / 10)

    def release(self) -> None:
        """Restore the camera's rate."""
        self.pace(film.FPS)

    def fill(self, frames: int = RING_FRAMES) -> None:
        """Wait until a number of frames is in the ring.

        Raises:
            TimeoutError: The ring does not reach it in time.
        """
        deadline_s = time.monotonic() + 3 * frames / film.FPS + 10
        while self.ask("health")[1]["ring_frames"] < frames:
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"the ring never held {frames} frames")
            time.sleep(1)

    def close(self) -> None:
        """End it."""
        self.commands.close()
        super().close()
