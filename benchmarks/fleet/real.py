"""Real nodes of a fleet: all from copies of one file, as boards of one image are, told apart by the environment alone.

Each copy lies in a folder of its own: beside its file a node keeps what outlives a restart, its former id too.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

GROUP = "real"
FIRST = "real-1"
END_S = 30.0


class RealNode:
    """A node on a synthetic camera, in a process of its own with the camera's beside it.

    Args:
        number: Makes its id.
        config: Its file, as text.
        folder: Where it keeps its file, its pictures and its log.
    """

    def __init__(self, number: int, config: str, folder: Path) -> None:
        self.id = f"real-{number}"
        folder.mkdir()
        file = folder / "config.yaml"
        file.write_text(config)
        environment = {
            **os.environ,
            "PI_CAM_NODE__NODE__ID": self.id,
            "PI_CAM_NODE__EXPORT__BASE_DIR": str(folder / "captures"),
        }
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pi_cam_node", "run", "--config", str(file)],
                env=environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def pid(self) -> int:
        """Process id of the node."""
        return self._process.pid

    def close(self) -> None:
        """End it, by force where it does not."""
        self._process.terminate()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(END_S)


def start(number: int, broker_port: int, folder: Path, protocol: str, framerate_hz: float) -> RealNode:
    """Start a node."""
    settings = {
        "node": {"groups": [GROUP]},
        "mqtt": {"host": "127.0.0.1", "port": broker_port, "protocol": protocol},
        "camera": {"source": "synthetic", "width": 640, "height": 480, "framerate": framerate_hz},
        "mjpeg_server": {"enable": False},
        "export": {"auto_save_interval_s": 0},
        "telemetry": {"interval_s": 5},
        "logging": {"level": "WARNING"},
    }
    return RealNode(number, yaml.safe_dump(settings), folder / f"real-{number}")
