"""Properties of the machine on which the figures were measured, without identifying it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks import motion
from tests.support.broker import find_mosquitto

PACKAGES = ("numpy", "opencv-python-headless", "simplejpeg", "paho-mqtt", "aiohttp", "pydantic")


def facts() -> dict[str, str]:
    """Return the properties relevant to the figures, as texts."""
    return {
        "when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": f"{processor()}, {os.cpu_count()} cores, {platform.machine()}",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / (1 << 30):.1f} GiB",
        "system": f"{system()}, Linux {platform.release().partition('-')[0]}",
        "load at the end": f"{os.getloadavg()[0]:.2f} in the last minute",
        "Python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        "mosquitto": mosquitto(),
        "motion": motion.version() or "absent",
    }


def processor() -> str:
    """Return the model of the board if known, else of the CPU."""
    board = Path("/proc/device-tree/model")
    if board.exists():
        return board.read_text().rstrip("\0")
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else "unknown processor"


def system() -> str:
    """Return the name and version of the distribution."""
    return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")


def mosquitto() -> str:
    """Return the version of the broker."""
    path = find_mosquitto()
    if path is None:
        return "absent"
    said = subprocess.run([path, "-h"], capture_output=True, text=True, check=False, timeout=10).stdout
    found = re.search(r"version (\S+)", said)
    return found[1] if found else "unknown"
