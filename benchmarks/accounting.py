"""CPU time and memory of a process tree, from the kernel's accounting."""

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
        with suppress(OSError):  # the thread has ended meanwhile
            children += task.read_text().split()
    return [pid, *(one for child in children for one in tree(int(child)))]


def cpu_s(pid: int) -> float:
    """Return the CPU time of a process tree in seconds, including ended threads and processes.

    Resolution: nanoseconds for running processes, a hundredth of a second for ended ones. Source:
    clock_getcpuclockid(3) and the kernel's posix-timers.h, which derive a clock id from a process id.
    """
    total_s = 0.0
    for one in tree(pid):
        with suppress(OSError):  # the process has ended meanwhile, and is included in its parent's ended children
            total_s += time.clock_gettime(~one << 3 | _CPUCLOCK_SCHED) + _ended_children_s(one)
    return total_s


def _ended_children_s(pid: int) -> float:
    """Return the CPU time of ended children; see proc(5), "cutime" and "cstime"."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def pss_mib(pid: int) -> float:
    """Return the proportional set size of a process tree in MiB."""
    return sum(_kib(Path(f"/proc/{one}/smaps_rollup"), "Pss") for one in tree(pid)) / 1024


def rss_mib(pid: int) -> float:
    """Return the resident set size of one process in MiB."""
    return _kib(Path(f"/proc/{pid}/status"), "VmRSS") / 1024


def forget_peak(pid: int) -> None:
    """Reset the peak of `peak_mib`; see proc(5), "clear_refs"."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_mib(pid: int) -> float:
    """Return the peak resident set size of a process since `forget_peak` in MiB."""
    return _kib(Path(f"/proc/{pid}/status"), "VmHWM") / 1024


def _kib(path: Path, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", path.read_text(), re.MULTILINE)
    if found is None:
        raise LookupError(f"{path} does not contain {name}")
    return int(found[1])
