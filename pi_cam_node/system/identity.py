"""Who this machine is, as far as it tells."""

from __future__ import annotations

import uuid
from pathlib import Path

import psutil

_MODEL = Path("/proc/device-tree/model")


def model() -> str:
    """Return the board's name, e.g. ``Raspberry Pi Zero 2 W Rev 1.0``; ``Linux`` where it has none."""
    try:
        return _MODEL.read_bytes().rstrip(b"\0").decode(errors="replace").strip() or "Linux"
    except OSError:
        return "Linux"


def new_boot_id() -> str:
    """Return eight hex digits that name this life of the node."""
    return uuid.uuid4().hex[:8]


def available_bytes() -> int:
    """Return the memory that is free for us, in bytes: of the machine, or of our control group where that is less."""
    free = psutil.virtual_memory().available
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = Path("/sys/fs/cgroup/memory.current").read_text().strip()
        return min(free, max(0, int(limit) - int(used)))
    except (OSError, ValueError):  # no control group, or "max"
        return free
