"""What a tree of processes costs, from the system's own accounting."""

from __future__ import annotations

import re
import time
from pathlib import Path

_CPUCLOCK_SCHED = 2


def tree(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    children = "".join(task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/children"))
    return [pid, *(one for child in children.split() for one in tree(int(child)))]


def cpu_s(pid: int) -> float:
    """Return the processor time of the tree, of all threads that are or were, to the nanosecond.

    Source: clock_getcpuclockid(3) and the kernel's posix-timers.h, which make a clock's number of a process's.
    """
    return sum(time.clock_gettime(~one << 3 | _CPUCLOCK_SCHED) for one in tree(pid))


def pss_mib(pid: int) -> float:
    """Return the memory of the tree, what it shares counted in parts."""
    return sum(_kib(Path(f"/proc/{one}/smaps_rollup"), "Pss") for one in tree(pid)) / 1024


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
