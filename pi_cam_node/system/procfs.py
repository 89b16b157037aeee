"""Reads memory, processes and temperature from /proc and /sys.

psutil would do the same, and take 0.8 MB of memory. Source: proc(5); of the kernel's documentation
hwmon/sysfs-interface.rst and driver-api/thermal/sysfs-api.rst.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from pi_cam_node.base.file_system import joined

PROC, SYS_CLASS = Path("/proc"), Path("/sys/class")
# Driver names of CPU temperature sensors, with _ for -; the first one found is used.
_PROCESSORS = ("cpu_thermal", "coretemp", "k10temp", "soc_thermal")


def available_bytes() -> int:
    """Return the available memory in bytes, including reclaimable page cache.

    Raises:
        OSError: There is no /proc.
        ValueError: It does not tell.
    """
    return _memory(_meminfo(), "MemAvailable")


def swap_pct() -> float:
    """Return the used swap space in per cent; 0 without swap.

    Raises:
        OSError: There is no /proc.
        ValueError: It does not tell.
    """
    figures = _meminfo()
    total = _memory(figures, "SwapTotal")
    return (total - _memory(figures, "SwapFree")) / total * 100 if total else 0.0


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process in bytes, including shared memory.

    Raises:
        ProcessLookupError, FileNotFoundError: It is gone.
        OSError: It cannot be looked at.
        ValueError: The kernel does not tell.
    """
    pages = _of_process(pid, "statm").split()
    if len(pages) < 2:
        raise ValueError(f"the process {pid} has no size")
    return int(pages[1]) * os.sysconf("SC_PAGE_SIZE")


def processor_s(pid: int) -> float:
    """Return the CPU time of a process in seconds, without its children.

    Raises:
        ProcessLookupError, FileNotFoundError: It is gone.
        OSError: It cannot be looked at.
        ValueError: The kernel does not tell.
    """
    # The program's name is in parentheses and may contain spaces and parentheses.
    fields = _of_process(pid, "stat").rpartition(")")[2].split()
    if len(fields) < 13:
        raise ValueError(f"the process {pid} has no times")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def processor_temperature_c() -> float | None:
    """Return the CPU temperature in degrees Celsius, to a tenth; ``None`` without a sensor."""
    found = dict(reversed([*_sensors("hwmon", "name", "temp*_input"), *_sensors("thermal", "type", "temp")]))
    return next((found[name] for name in _PROCESSORS if name in found), None)


def _sensors(kind: str, name: str, value: str) -> Iterator[tuple[str, float]]:
    """Yield names and temperatures (degrees Celsius) of sensors."""
    for folder in sorted((SYS_CLASS / kind).glob("*")):
        with suppress(OSError, ValueError):  # no name, or an inactive sensor
            called = (folder / name).read_text().strip().replace("-", "_")
            for file in sorted(folder.glob(value)):
                yield called, round(int(file.read_text()) / 1000, 1)


def _of_process(pid: int, name: str) -> str:
    with open(joined(PROC, str(pid), name), encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - see `joined`
        return file.read()


def _meminfo() -> Mapping[str, str]:
    lines = (PROC / "meminfo").read_text().splitlines()
    return {name: figure for name, _, figure in (line.partition(":") for line in lines)}


def _memory(figures: Mapping[str, str], name: str) -> int:
    number, _, unit = figures.get(name, "").strip().partition(" ")
    if unit != "kB":
        raise ValueError(f"the kernel does not tell {name}")
    return int(number) << 10
