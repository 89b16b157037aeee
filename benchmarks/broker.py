"""A mosquitto as `docker-compose.broker.yml` has it: it sends at once, and logs nothing but errors."""

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
