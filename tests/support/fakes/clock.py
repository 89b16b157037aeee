"""A clock that a test advances by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pi_cam_node.base.schedule import Timed


class FakeClock:
    """Starts at 1000 s of monotonic time and 2026-11-20 19:45 UTC."""

    def __init__(self) -> None:
        self._mono_s = 1000.0
        self._utc = datetime(2026, 11, 20, 19, 45, 0, tzinfo=UTC)

    def monotonic(self) -> float:
        """Return the monotonic time in seconds."""
        return self._mono_s

    def utcnow(self) -> datetime:
        """Return the wall clock."""
        return self._utc

    def advance(self, seconds: float) -> None:
        """Advance both clocks."""
        self._mono_s += seconds
        self._utc += timedelta(seconds=seconds)

    def step_utc(self, seconds: float) -> None:
        """Change only the wall clock, as NTP does."""
        self._utc += timedelta(seconds=seconds)


def run_due(part: Timed, clock: FakeClock) -> bool:
    """Run a part if it is due, as the node thread would; return whether it was."""
    now_s = clock.monotonic()
    is_due = part.due_s <= now_s
    if is_due:
        part.on_time(now_s)
        assert part.due_s > now_s, "what was done is due again: the node thread would not sleep"
    return is_due
