"""Processor time and memory of a tree of processes, from the system's own accounting."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from pathlib import Path

_CPUCLOCK_SCHED = 2


def tree(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    children: list[str] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # the thread has just ended
            children += task.read_text().split()
    return [pid, *(one for child in children for one in tree(int(child)))]


def cpu_s(pid: int) -> float:
    """Return the processor time of the tree, of all threads and processes that are or were.

    Of what still runs to the nanosecond, of processes that ended to a hundredth of a second.

    Source: clock_getcpuclockid(3) and the kernel's posix-timers.h, which make a clock's number of a process's.
    """
    total_s = 0.0
    for one in tree(pid):
        with suppress(OSError):  # the process has just ended, and counts with those of its parent
            total_s += time.clock_gettime(~one << 3 | _CPUCLOCK_SCHED) + _ended_children_s(one)
    return total_s


def _ended_children_s(pid: int) -> float:
    """Return the processor time of the children that ended; see proc(5), "cutime" and "cstime"."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def pss_mib(pid: int) -> float:
    """Return the memory of the tree, what it shares counted in parts."""
    return sum(_kib(Path(f"/proc/{one}/smaps_rollup"), "Pss") for one in tree(pid)) / 1024


def rss_mib(pid: int) -> float:
    """Return the memory of one process, shared libraries counted whole."""
    return _kib(Path(f"/proc/{pid}/status"), "VmRSS") / 1024


def anonymous_mib(pid: int) -> float:
    """Return what a process holds in memory of its own."""
    return _kib(Path(f"/proc/{pid}/status"), "RssAnon") / 1024


def forget_peak(pid: int) -> None:
    """Let `peak_mib` begin anew; see proc(5), "clear_refs"."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_mib(pid: int) -> float:
    """Return the most memory that a process held since `forget_peak`."""
    return _kib(Path(f"/proc/{pid}/status"), "VmHWM") / 1024


def _kib(path: Path, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", path.read_text(), re.MULTILINE)
    if found is None:
        raise LookupError(f"{path} does not tell {name}")
    return int(found[1])
