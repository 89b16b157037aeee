"""Real nodes of a fleet, with copies of one file, as on boards with the same image; the environment sets their ids.

Each copy is in a separate folder, since a node stores its state, including its former id, beside its file.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

from pi_cam_node.cli.demo import brokers

GROUP = "real"
FIRST = "real-1"
END_S = 30.0


class RealNode:
    """A node with a synthetic camera, in separate processes.

    Args:
        number: Number in its id.
        config: Content of its file.
        folder: Folder of its file, pictures and log.
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
        """Terminate the node; kill it if it does not end."""
        brokers.end(self._process, END_S)


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
