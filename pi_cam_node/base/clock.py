"""Monotonic and wall clock, and the conversion between them.

Everything that is measured or waited for uses the monotonic clock, in seconds. UTC is a label for
people: a Pi has no battery clock, so UTC may jump by years while the node runs.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Interface of the clocks; tests advance one by hand."""

    def monotonic(self) -> float:
        """Seconds of CLOCK_MONOTONIC, which is the same in every process of this boot."""
        ...

    def utcnow(self) -> datetime:
        """The wall clock, aware, in UTC."""
        ...


class SystemClock:
    """The clocks of this machine."""

    def monotonic(self) -> float:
        """Return CLOCK_MONOTONIC in seconds."""
        return time.monotonic()

    def utcnow(self) -> datetime:
        """Return the wall clock in UTC."""
        return datetime.now(UTC)


def utc_of(mono_s: float, clock: Clock) -> datetime:
    """Return the UTC time of a monotonic moment, as the wall clock stands now."""
    return clock.utcnow() - timedelta(seconds=clock.monotonic() - mono_s)


def mono_of(moment: datetime, clock: Clock) -> float:
    """Return the monotonic second of a UTC moment, as the wall clock stands now."""
    return clock.monotonic() - (clock.utcnow() - moment).total_seconds()


def iso(moment: datetime) -> str:
    """Return a UTC time as ISO 8601 with milliseconds and ``Z``, e.g. ``2026-11-20T19:45:01.123Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
