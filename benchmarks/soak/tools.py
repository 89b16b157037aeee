"""Loads the fault tools beside the repository, and checks the requirements of the soak test."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Collection
from pathlib import Path
from types import ModuleType

from tests.support.broker import find_mosquitto

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "tools" / "faults"
NAMES = ("faultproxy", "clock", "disk", "soak")


def missing(groups: Collection[str]) -> list[str]:
    """Return missing requirements as texts; empty if the soak test can run.

    Args:
        groups: Groups of faults to be caused.
    """
    lacks = [f"{FOLDER / name}.py" for name in NAMES if not (FOLDER / f"{name}.py").exists()]
    if find_mosquitto() is None:
        lacks.append("mosquitto (Debian package mosquitto)")
    if "clock" in groups and shutil.which("cc") is None:
        lacks.append("a C compiler named cc, for clock jumps (or --without clock)")
    if "disk" in groups and (os.geteuid() != 0 or shutil.which("mkfs.ext4") is None):
        lacks.append("root and mkfs.ext4, for disk faults on a loop device (or --without disk)")
    return lacks


def tool(name: str) -> ModuleType:
    """Import one of the fault tools, which import each other as top-level modules."""
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))
    return importlib.import_module(name)
