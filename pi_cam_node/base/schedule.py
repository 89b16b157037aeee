"""Scheduling on the node thread: the time at which each part is next due (monotonic seconds). No I/O."""

from __future__ import annotations

from typing import Protocol

NEVER_S = float("inf")
AT_ONCE_S = float("-inf")


class Due(Protocol):
    """Interface of a part with a due time."""

    @property
    def due_s(self) -> float:
        """Next due time; `NEVER_S` for not at all, `AT_ONCE_S` for now. Must be cheap: read in each iteration."""
        ...


class Timed(Due, Protocol):
    """A part with timed work; the node thread sleeps until the earliest due time."""

    def on_time(self, now_s: float) -> None:
        """Do what is due, and set `due_s` to a later time. Called once `due_s` has come. Never blocks."""
        ...


class Interval:
    """Due at equal intervals, counted from the last time it was done."""

    def __init__(self, every_s: float, now_s: float) -> None:
        self._done_s, self._every_s = now_s, every_s
        self.due_s = now_s + every_s

    def done(self, now_s: float) -> None:
        """Start a new interval now."""
        self._done_s = now_s
        self.due_s = now_s + self._every_s

    def set_every_s(self, every_s: float) -> None:
        """Change the interval, counted from the last time it was done."""
        self._every_s = every_s
        self.due_s = self._done_s + every_s
