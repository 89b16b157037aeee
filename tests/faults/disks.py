"""Real ext4 file systems on loop devices, to be filled, frozen, broken and cut off."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.faults import fault_tools

PATIENCE_S = 60.0
# Written out at once: what mkfs leaves for later would be written while a test counts.
_MKFS = ("-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0")


@contextmanager
def fault_disk(size_mb: int = 32) -> Iterator[Any]:
    """Yield a `FaultDisk` of the fault tools; skip the test where there can be none."""
    if os.geteuid() != 0:
        pytest.skip("a loop device needs root")
    fault_tools.load("powercut")
    kind = fault_tools.load("disk").FaultDisk
    try:
        disk = kind(size_mb=size_mb, mkfs=_MKFS)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no loop device can be mounted here: {error}")
    try:
        yield disk
    finally:
        disk.close()


def is_let_go(disk: Any) -> bool:
    """Unmount the dead file system; return whether the kernel dropped it, so that mounting reads the disk again."""
    end_s = time.monotonic() + PATIENCE_S
    while subprocess.run(["umount", disk.dir], capture_output=True, check=False).returncode:
        assert time.monotonic() < end_s, "the dead file system cannot be unmounted"
    loops = subprocess.run(["losetup", "-j", disk.img], capture_output=True, text=True, check=True).stdout
    return not loops.strip()
