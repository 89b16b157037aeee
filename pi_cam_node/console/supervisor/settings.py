"""Settings of a supervised node: camera, broker, and a folder and port of its own.

They are passed in the environment, which overrides the node's file; the node writes that file itself (command
`overwrite_config`).
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path

from pi_cam_node.base.atomic_files import make_directory, replace_atomically
from pi_cam_node.base.secret_file import read_secret
from pi_cam_node.config.layers import variable
from pi_cam_node.console.config import ConsoleConfig
from pi_cam_node.console.config.cameras import CameraEntry
from pi_cam_node.mqtt.connection.transport import password_of
from pi_cam_node.system.systemd import RESTARTED_BY

FOLDER = "nodes"
FILE, PORT = "config.yaml", "port"
FIRST_PORT, LAST_PORT = 8101, 8199


def prepare(entry: CameraEntry, config: ConsoleConfig, environ: Mapping[str, str]) -> tuple[Path, dict[str, str]]:
    """Create the folder of a node; return its configuration file and its environment.

    Raises:
        OSError: The folder cannot be created, no port is free, or the source's file cannot be read.
    """
    source = _source(entry)
    folder = config.console.base_dir / FOLDER / entry.id
    make_directory(folder)
    file = folder / FILE
    if not file.exists():
        replace_atomically(
            file, b"# The settings of this node that the console does not give it; its own to change.\n{}\n"
        )
    mqtt, password = config.mqtt, password_of(config.mqtt)
    told: dict[str, object] = {
        "node.id": entry.id,
        "node.name": entry.name,
        "camera.source": source,
        "export.base_dir": folder / "captures",
        "mjpeg_server.port": _port(folder / PORT),
        "homeassistant.discovery_prefix": config.homeassistant.discovery_prefix,
        "mqtt.host": mqtt.host,
        "mqtt.port": mqtt.port,
        "mqtt.base_topic": mqtt.base_topic,
        "mqtt.protocol": mqtt.protocol,
        "mqtt.username": mqtt.username,
        "mqtt.password": password or "",
        "mqtt.tls.enable": "on" if mqtt.tls.enable else "off",
        "mqtt.tls.ca": mqtt.tls.ca or "",
        "mqtt.tls.cert": mqtt.tls.cert or "",
        "mqtt.tls.key": mqtt.tls.key or "",
    }
    own = {name: value for name, value in environ.items() if not name.startswith("PI_CAM_NODE")}
    # Tells the node that the console restarts it after an exit, so that `restart` exits.
    own[RESTARTED_BY] = "console"
    return file, own | {variable(key): str(value) for key, value in told.items() if str(value)}


def _source(entry: CameraEntry) -> str:
    if entry.source_file is None:
        return entry.source
    try:
        return read_secret(entry.source_file, "the camera's source")
    except ValueError as error:
        raise OSError(f"{entry.source_file}: {error}") from None


def _port(file: Path) -> int:
    """Return the node's permanent port: at first use the first that no other node has and that is free.

    Raises:
        OSError: No port is free.
    """
    own = _port_in(file)
    if own is not None:
        return own
    taken = {_port_in(other) for other in file.parent.parent.glob(f"*/{PORT}")}
    for port in range(FIRST_PORT, LAST_PORT + 1):
        if port not in taken and _is_free(port):
            replace_atomically(file, str(port).encode())
            return port
    raise OSError(f"no port from {FIRST_PORT} to {LAST_PORT} is free")


def _port_in(file: Path) -> int | None:
    """Return the port in a file; ``None`` if the file is missing or malformed."""
    try:
        port = int(file.read_text("ascii", "replace"))
    except (FileNotFoundError, ValueError):
        return None
    return port if FIRST_PORT <= port <= LAST_PORT else None


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
