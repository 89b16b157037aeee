"""Power cuts during saves: an ext4 file system is stopped without writing its journal, and mounted again."""

from __future__ import annotations

import os
import random
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults import config_writer, console_writer, event_writer, picture_writer
from tests.faults.disks import PATIENCE_S, fault_disk, is_let_go
from tests.support.reliability.results import ROOT

pytestmark = [pytest.mark.faults, pytest.mark.root, pytest.mark.promise("S1", "B1")]

LONGEST_S = 1.0
Check = Callable[[Path, set[str]], list[str]]


def promises_until_the_cut(disk: Any, program: str, verb: str, running_s: float) -> set[str]:
    """Save once, or many times for a while, cut the power, and return the saves that were confirmed before."""
    folder = Path(disk.dir, "c")
    folder.mkdir()
    command = [sys.executable, "-m", program, verb, str(folder)]
    said = b""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as writer:
        assert writer.stdout is not None
        with selectors.DefaultSelector() as ready:
            ready.register(writer.stdout, selectors.EVENT_READ)
            end_s = time.monotonic() + PATIENCE_S
            while (left_s := end_s - time.monotonic()) > 0 and ready.select(left_s):
                if not said and verb == "forever":
                    end_s = time.monotonic() + running_s
                news = os.read(writer.stdout.fileno(), 65_536)
                said += news
                if not news:
                    break
        disk.cut()
        writer.send_signal(signal.SIGKILL)
    return {line.split()[1].decode() for line in said.split(b"\n")[:-1]}


def broken_after_a_cut(program: str, check: Check, verb: str, running_s: float) -> tuple[int, list[str]] | None:
    """Cut the power once; return how many saves were confirmed and which are broken; ``None``: it cannot be mounted."""
    with fault_disk(size_mb=48) as disk:
        promised = promises_until_the_cut(disk, program, verb, running_s)
        assert promised
        if not is_let_go(disk):
            return None
        disk.mount()
        return len(promised), check(Path(disk.dir, "c"), promised)


# One alone shows whether the last sync is there: of many, the next one's would make up for it.
@pytest.mark.short
@pytest.mark.parametrize(
    ("program", "check", "verb", "running_s"),
    [
        ("tests.faults.picture_writer", picture_writer.check, "once", 0.0),
        ("tests.faults.picture_writer", picture_writer.check, "forever", 0.4),
        ("tests.faults.config_writer", config_writer.check, "forever", 0.2),
        pytest.param("tests.faults.event_writer", event_writer.check, "once", 0.0, marks=pytest.mark.promise("S2")),
        pytest.param("tests.faults.event_writer", event_writer.check, "forever", 0.4, marks=pytest.mark.promise("S2")),
        ("tests.faults.console_writer", console_writer.check, "once", 0.0),
        ("tests.faults.console_writer", console_writer.check, "forever", 0.4),
    ],
    ids=["a picture", "pictures", "settings", "an event", "events", "a push", "pushes"],
)
def test_nothing_that_was_promised_is_lost_or_torn(program: str, check: Check, verb: str, running_s: float) -> None:
    found = broken_after_a_cut(program, check, verb, running_s)
    if found is None:
        pytest.skip("somebody else holds the dead file system, so it cannot be mounted anew")
    assert found[1] == []


@pytest.mark.parametrize(
    ("program", "check"),
    [
        ("tests.faults.picture_writer", picture_writer.check),
        ("tests.faults.config_writer", config_writer.check),
        pytest.param("tests.faults.event_writer", event_writer.check, marks=pytest.mark.promise("S2")),
        ("tests.faults.console_writer", console_writer.check),
    ],
    ids=["pictures", "settings", "events", "pushes"],
)
def test_nothing_is_broken_over_many_cuts(
    program: str, check: Check, long: bool, figure: Callable[[str], None]
) -> None:
    chance, promises, cuts = random.Random(7), 0, 0
    wanted = 200 if long else 10
    for _ in range(wanted):
        found = broken_after_a_cut(program, check, "forever", chance.uniform(0.0, LONGEST_S))
        if found is None:
            continue
        assert found[1] == []
        promises, cuts = promises + found[0], cuts + 1
    if cuts < wanted / 2:
        pytest.skip(f"only {cuts} of {wanted} dead file systems could be mounted anew")
    figure(f"{program.rpartition('.')[2]}: 0 of {promises} promises broken in {cuts} cuts")
