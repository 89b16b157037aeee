"""Monotonic and wall clock, conversion between them, and whether the wall clock is synchronized.

Measurements and waits use the monotonic clock, in seconds. UTC is for display only: a Pi has no battery clock, so UTC
may jump by years while the node runs.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Protocol

# From <sys/timex.h>. A read (modes = 0) needs no privilege; the struct has 208 bytes on 64-bit and 128 on 32-bit.
_TIMEX_BYTES = 512
_ERROR, _TIME_ERROR = -1, 5

IsClockSynced = Callable[[], bool]


class Clock(Protocol):
    """Interface of the clocks; tests advance one by hand."""

    def monotonic(self) -> float:
        """Seconds of CLOCK_MONOTONIC, which is the same in every process of this boot."""
        ...

    def utcnow(self) -> datetime:
        """The wall clock, aware, in UTC."""
        ...


class SystemClock:
    """The system's clocks."""

    # CLOCK_MONOTONIC in seconds; read a dozen times for each frame.
    monotonic = staticmethod(time.monotonic)

    def utcnow(self) -> datetime:
        """Return the wall clock in UTC."""
        return datetime.now(UTC)


def utc_of(mono_s: float, clock: Clock) -> datetime:
    """Convert monotonic seconds to UTC by the present wall clock."""
    return clock.utcnow() - timedelta(seconds=clock.monotonic() - mono_s)


def mono_of(moment: datetime, clock: Clock) -> float:
    """Convert UTC to monotonic seconds by the present wall clock."""
    return clock.monotonic() - (clock.utcnow() - moment).total_seconds()


def iso(moment: datetime) -> str:
    """Return a UTC time as ISO 8601 with milliseconds and ``Z``, e.g. ``2026-11-20T19:45:01.123Z``."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def epoch_ms(moment: datetime) -> int:
    """Return UTC epoch milliseconds, truncated as in `iso`."""
    return round(moment.replace(microsecond=0).timestamp()) * 1000 + moment.microsecond // 1000


def utc_of_ms(at_ms: int) -> datetime:
    """Convert UTC epoch milliseconds to a time, aware, in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def clock_is_set() -> bool:
    """Return whether the kernel reports that UTC is synchronised; ``False`` if it reports nothing.

    A Pi has no battery clock: until NTP answers, its UTC is that of its last shutdown, or 1970.
    """
    adjtimex = _adjtimex()
    if adjtimex is None:
        return False
    return adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)) not in (_ERROR, _TIME_ERROR)


@cache
def _adjtimex() -> Any:
    """Return the function of the C library; looked up once, as each lookup creates a class."""
    return getattr(ctypes.CDLL(None), "adjtimex", None)
