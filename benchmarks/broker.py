"""A mosquitto configured as in `docker-compose.broker.yml`: TCP_NODELAY, and only errors are logged."""

from __future__ import annotations

from pathlib import Path

from tests.support.broker import HOST, Mosquitto


def make(folder: Path) -> Mosquitto:
    """Return the broker, not yet started."""
    folder.mkdir(parents=True, exist_ok=True)
    broker = Mosquitto(folder)
    lines = ("log_type error", "log_dest stderr", "allow_anonymous true", "set_tcp_nodelay true")
    broker.write("\n".join([*lines, f"listener {broker.port} {HOST}"]) + "\n")
    return broker
