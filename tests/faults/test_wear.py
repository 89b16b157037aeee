"""Disk writes of an idle node, for the wear of its card."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pi_cam_node.base.units import MIB
from pi_cam_node.runtime.start_counter import PROVEN_S
from tests.faults.observed_node import watched
from tests.support.broker import Mosquitto

pytestmark = [pytest.mark.faults, pytest.mark.root]

SECTOR_BYTES = 512  # of /sys/block, whatever the disk's own are: Documentation/block/stat.rst
HOUR_S = 3600
# After a minute of good frames the node writes down once that this start and these settings are good.
PROVED_S = PROVEN_S + 15


def written_bytes(disk: Any) -> int:
    """Return the bytes written to the disk so far."""
    subprocess.run(["sync", "-f", disk.dir], check=True)
    found = subprocess.run(["losetup", "-j", disk.img], capture_output=True, text=True, check=True).stdout
    name = Path(found.partition(":")[0]).name
    return int(Path("/sys/block", name, "stat").read_text().split()[6]) * SECTOR_BYTES


@pytest.mark.promise("S11")
def test_an_idle_node_writes_next_to_nothing(
    disk: Any, broker: Mosquitto, tmp_path: Path, long: bool, figure: Callable[[str], None]
) -> None:
    # Everything of the node is on the disk: pictures, settings, log, working folder.
    idle_s = 600.0 if long else 60.0
    settings = {"logging": {"level": "INFO", "file": "node-own.log"}}
    with watched(Path(disk.dir), broker, **settings) as node, node.streaming():
        assert node.commands.ask("save")["ok"]
        time.sleep(PROVED_S)
        before = written_bytes(disk)
        time.sleep(idle_s)
        idle_bytes = written_bytes(disk) - before
        assert node.commands.ask("save")["ok"]
        assert written_bytes(disk) > before + idle_bytes, "the counter does not count"
    an_hour = idle_bytes * HOUR_S / idle_s
    assert an_hour <= MIB
    figure(f"{idle_bytes} bytes in {idle_s:g} s, {an_hour / MIB:.2f} MiB an hour (at most 1)")
