"""Pause of all pushes until a time set by an account; rules and events continue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from pi_cam_node.base.clock import Clock, iso, utc_of_ms
from pi_cam_node.console.rules.models import time_of_day

ON = "on"
_OFF_UNTIL = "off until "
# Longest possible pause, on the day on which summer time ends; a longer one means that the clock was set back since.
LONGEST_S = 25 * 3600.0
# Longest sleep, since the wall clock may be set meanwhile.
LOOK_EVERY_S = 60.0


class PushPause:
    """Time until which pushes are off. Thread: the loop's; `is_on` any.

    Args:
        clock: Tells the time.
        on_end: Called when the pause is over.

    Attributes:
        until_ms: UTC epoch milliseconds; 0 without a pause.
    """

    def __init__(self, clock: Clock, on_end: Callable[[], None] = lambda: None) -> None:
        self._clock = clock
        self._on_end = on_end
        self._timer: asyncio.TimerHandle | None = None
        self.until_ms = 0

    def begin(self, until_ms: int) -> None:
        """Pause until a time, replacing an earlier pause; 0 ends it."""
        if self._timer is not None:
            self._timer.cancel()
        self.until_ms, self._timer = until_ms, None
        if self._left_s() > 0:
            self._look_later()

    @property
    def is_on(self) -> bool:
        """Whether pushes are paused now."""
        return 0 < self._left_s() <= LONGEST_S

    @property
    def until(self) -> str:
        """Local time at which the pause ends, such as ``07:00``; empty without a pause."""
        return f"{utc_of_ms(self.until_ms).astimezone():%H:%M}" if self.is_on else ""

    def _left_s(self) -> float:
        return self.until_ms / 1000 - self._clock.utcnow().timestamp()

    def _look_later(self) -> None:
        wait_s = min(self._left_s(), LOOK_EVERY_S)
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._look)

    def _look(self) -> None:
        if self._left_s() > 0:
            self._look_later()
            return
        self._timer = None
        self._on_end()


def next_ms(text: str, now: datetime) -> int:
    """Return the next occurrence of a local time such as ``07:00``, as UTC epoch milliseconds.

    Raises:
        ValueError: The text is no time of day.
    """
    local, wanted = now.astimezone(), time_of_day(text)
    days = (local.date(), local.date() + timedelta(days=1))
    moments = [moment for day in days for moment in _moments(datetime.combine(day, wanted))]
    return round(min(moment for moment in moments if moment > local.timestamp()) * 1000)


def _moments(wall: datetime) -> list[float]:
    """Return the UTC epoch seconds at which a local clock shows a time.

    Two where the clock is set back over the time; where it is set forward over it, one that is as much later.
    """
    first, again = wall.timestamp(), wall.replace(fold=1).timestamp()
    return [first, again] if again > first else [first]


def words_of(until_ms: int) -> str:
    """Return a pause as text for the audit log."""
    return _OFF_UNTIL + iso(utc_of_ms(until_ms)) if until_ms else ON


def until_ms_in(words: str) -> int:
    """Return the end of a pause from its text in the audit log; 0 if there is none."""
    try:
        return round(datetime.fromisoformat(words.removeprefix(_OFF_UNTIL)).timestamp() * 1000)
    except ValueError:
        return 0
