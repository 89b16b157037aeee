"""Identity of board and run: the board's model name, and a random boot id."""

from __future__ import annotations

import uuid
from pathlib import Path

from pi_cam_node.system.memory import available_bytes

__all__ = ["available_bytes", "model", "new_boot_id"]

_MODEL = Path("/proc/device-tree/model")


def model() -> str:
    """Return the board's name, e.g. ``Raspberry Pi Zero 2 W Rev 1.0``; ``Linux`` where it has none."""
    try:
        return _MODEL.read_bytes().rstrip(b"\0").decode(errors="replace").strip() or "Linux"
    except OSError:
        return "Linux"


def new_boot_id() -> str:
    """Return eight hex digits that name this run of the node."""
    return uuid.uuid4().hex[:8]
