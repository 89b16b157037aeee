"""Saving while the power is cut: an ext4 file system that is stopped without writing its journal, and mounted again."""

from __future__ import annotations

import importlib.util
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.saving import check

ROOT = Path(__file__).parents[2]
TOOL = ROOT.parent / "shared" / "tools" / "faults" / "powercut.py"
PATIENCE_S = 20.0

pytestmark = pytest.mark.root


def power_cut_disk() -> type[Any]:
    """Load the disk that can be cut off, from the fault tools beside the repository."""
    spec = importlib.util.spec_from_file_location("powercut", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    disk: type[Any] = module.PowerCutDisk
    return disk


@pytest.fixture
def disk() -> Iterator[Any]:
    if os.geteuid() != 0:
        pytest.skip("a loop device needs root")
    if not TOOL.exists():
        pytest.skip("the fault tools are not beside the repository")
    try:
        made = power_cut_disk()()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no loop device can be mounted here: {error}")
    yield made
    made.close()


def promises_until_the_cut(disk: Any, verb: str, running_s: float) -> set[str]:
    """Save one picture, or many for a while, cut the power, and return the ids that were promised before."""
    command = [sys.executable, "-m", "tests.integration.saving", verb, f"{disk.dir}/c"]
    said = b""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as program:
        assert program.stdout is not None
        with selectors.DefaultSelector() as ready:
            ready.register(program.stdout, selectors.EVENT_READ)
            end_s = time.monotonic() + PATIENCE_S
            while (left_s := end_s - time.monotonic()) > 0 and ready.select(left_s):
                if not said and verb == "forever":
                    end_s = time.monotonic() + running_s
                news = os.read(program.stdout.fileno(), 65_536)
                said += news
                if not news:
                    break
        disk.cut()
        program.send_signal(signal.SIGKILL)
    return {line.split()[1].decode() for line in said.split(b"\n")[:-1]}


def is_let_go(disk: Any) -> bool:
    """Unmount the dead file system; tell whether the kernel really dropped it, so that mounting reads the disk anew."""
    end_s = time.monotonic() + PATIENCE_S
    while subprocess.run(["umount", disk.dir], capture_output=True, check=False).returncode:
        assert time.monotonic() < end_s, "the dead file system cannot be unmounted"
    loops = subprocess.run(["losetup", "-j", disk.img], capture_output=True, text=True, check=True).stdout
    return not loops.strip()


# One picture alone shows whether the last sync is there: of many, the next one's would make up for it.
@pytest.mark.parametrize(("verb", "running_s"), [("once", 0.0), ("forever", 0.1), ("forever", 0.4)])
def test_no_picture_that_was_promised_is_lost_or_torn(disk: Any, verb: str, running_s: float) -> None:
    promised = promises_until_the_cut(disk, verb, running_s)
    assert promised
    if not is_let_go(disk):
        pytest.skip("somebody else holds the dead file system, so it cannot be mounted anew")
    disk.mount()
    assert check(Path(disk.dir) / "c", promised) == []
