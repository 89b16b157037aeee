"""Optional extras of this package: whether one is there, and the command that installs it. Imports nothing of them."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import sys

DISTRIBUTION = "pi-cam-node"
_REQUIREMENT = re.compile(r"([\w.-]+) ?\(?([^;()]*)\)? ?; ?extra ?== ?['\"]([\w-]+)['\"]")


def install_command(extra: str) -> str:
    """Return the command that installs an extra for the Python that runs, with sudo where its folder is not ours.

    It names the packages themselves: this program is installed from its repository, and pip knows no such name.
    """
    packages = sorted(f"{name}{versions}" for name, versions, of in _requirements() if of == extra)
    words = [sys.executable, "-m", "pip", "install", *(packages or [f"{DISTRIBUTION}[{extra}]"])]
    return ("" if os.access(sys.prefix, os.W_OK) else "sudo ") + shlex.join(words)


def _requirements() -> list[tuple[str, str, str]]:
    """Return name, versions and extra of all that an extra requires; nothing where this program is not installed."""
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
    """Return what to do where video cannot be encoded."""
    command = install_command("video")
    return f"recording and live video need PyAV, the extra video: `{command}`, then start the node again"
