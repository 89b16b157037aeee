"""Board model, and metrics of board and processes: memory, CPU, temperature, throttling, disk.

Unknown values are ``None``.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.units import MIB
from pi_cam_node.system import procfs

_log = logging.getLogger(__name__)

Figure = TypeVar("Figure")
_MODEL = Path("/proc/device-tree/model")
_THROTTLED = Path("/sys/devices/platform/soc/soc:firmware/get_throttled")

# Source: Raspberry Pi documentation, "vcgencmd get_throttled": the lower bits are the present state.
_THROTTLE_BITS = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "temperature limit"}


def board_model() -> str:
    """Return the board model, e.g. ``Raspberry Pi Zero 2 W Rev 1.0``; ``Linux`` if unknown."""
    try:
        return _MODEL.read_bytes().rstrip(b"\0").decode(errors="replace").strip() or "Linux"
    except OSError:
        return "Linux"


class SystemMetrics:
    """Reads metrics of this process, its children and the board.

    Args:
        free_bytes: Returns the free bytes of the pictures' disk from memory; accessing a hung disk would block the
            thread.
        clock: Tells the time.
        children: Returns the process ids of camera, image process and encoders.

    Thread: the node thread.
    """

    def __init__(
        self, free_bytes: Callable[[], int | None], clock: Clock, children: Callable[[], Iterable[int]]
    ) -> None:
        self._free_bytes = free_bytes
        self._clock = clock
        self._children = children
        self._started_s = clock.monotonic()
        self._cpu_s: tuple[float, dict[int, float]] | None = None

    def read(self) -> dict[str, object]:
        """Return the current values; ``None`` for unknown ones."""
        free_bytes = self._free_bytes()
        return {
            "rss_mib": _told(lambda: round(sum(self._of_each(procfs.resident_bytes).values()) / MIB, 1)),
            "swap_pct": _told(lambda: round(procfs.swap_pct(), 1)),
            "cpu_pct": _told(self._cpu_pct),
            "load_1m": _told(lambda: round(os.getloadavg()[0], 2)),
            "memory_available_mib": _told(lambda: round(procfs.available_bytes() / MIB)),
            "temperature_c": procfs.processor_temperature_c(),
            "throttled": throttled(),
            "disk_free_mib": None if free_bytes is None else free_bytes // MIB,
            "uptime_s": round(self._clock.monotonic() - self._started_s),
        }

    def _of_each(self, figure: Callable[[int], float]) -> dict[int, float]:
        """Return a value for this process and each running child, by process id."""
        own = os.getpid()
        figures = {own: figure(own)}
        for pid in self._children():
            try:
                figures[pid] = figure(pid)
            except (FileNotFoundError, ProcessLookupError):
                _log.debug("the process %d ended while it was read", pid)
        return figures

    def _cpu_pct(self) -> float | None:
        """Return the CPU time since the last call, in per cent of one core; ``None`` at the first call.

        The last part of processes that ended in between is missing.
        """
        used_s = self._of_each(procfs.processor_s)
        now_s = self._clock.monotonic()
        last, self._cpu_s = self._cpu_s, (now_s, used_s)
        if last is None or now_s <= last[0]:
            return None
        spent_s = sum(max(0.0, seconds - last[1].get(pid, 0.0)) for pid, seconds in used_s.items())
        return round(spent_s / (now_s - last[0]) * 100, 1)


def _told(figure: Callable[[], Figure]) -> Figure | None:
    """Return a value, or ``None`` if the machine does not provide it, e.g. without /proc."""
    try:
        return figure()
    except (OSError, ValueError):
        return None


def absent_figures() -> frozenset[str]:
    """Return the keys of metrics for which this machine has no sensor."""
    sensors = {"temperature_c": procfs.processor_temperature_c(), "throttled": throttled()}
    return frozenset(key for key, value in sensors.items() if value is None)


def throttled() -> str | None:
    """Return why a Raspberry Pi is throttled now: ``none``, or causes; ``None`` on other boards."""
    try:
        bits = int(_THROTTLED.read_text().strip(), 16)
    except (OSError, ValueError):
        return None
    return ", ".join(text for bit, text in _THROTTLE_BITS.items() if bits >> bit & 1) or "none"
