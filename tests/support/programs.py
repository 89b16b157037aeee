"""Programs of the system that tests need."""

from __future__ import annotations

import shutil

import pytest

# Debian's PATH for ordinary users does not include daemons.
DAEMONS = "/usr/sbin:/usr/local/sbin"


def find(name: str) -> str | None:
    """Return the path of a program; ``None`` if it is not installed."""
    return shutil.which(name) or shutil.which(name, path=DAEMONS)


def needed(name: str) -> str:
    """Return the path of a program; skip the test if it is not installed."""
    path = find(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path
