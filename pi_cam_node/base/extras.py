"""Optional extras of this package: whether one is installed, and the command that installs it. Imports none."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import sys

DISTRIBUTION = "pi-cam-node"
_REQUIREMENT = re.compile(r"([\w.-]+) ?\(?([^;()]*)\)? ?; ?extra ?== ?['\"]([\w-]+)['\"]")


def install_command(extra: str) -> str:
    """Return the command that installs an extra for the running Python, with sudo if its folder is not writable.

    It lists the packages themselves, since this program is not on PyPI.
    """
    packages = sorted(f"{name}{versions}" for name, versions, of in _requirements() if of == extra)
    words = [sys.executable, "-m", "pip", "install", *(packages or [f"{DISTRIBUTION}[{extra}]"])]
    return ("" if os.access(sys.prefix, os.W_OK) else "sudo ") + shlex.join(words)


def _requirements() -> list[tuple[str, str, str]]:
    """Return name, versions and extra of all optional requirements; empty if this program is not installed."""
    from importlib import metadata  # noqa: PLC0415 - only where something is missing

    try:
        stated = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return []
    return [found.groups() for one in stated if (found := _REQUIREMENT.fullmatch(one))]  # type: ignore[misc] # three groups


def has_video() -> bool:
    """Return whether video can be encoded."""
    return importlib.util.find_spec("av") is not None


def video_hint() -> str:
    """Return advice for missing video packages."""
    command = install_command("video")
    return f"recording and live video need PyAV, the extra video: `{command}`, then start the node again"
