"""Budget of repairs of a failing part, beyond which the process has to be restarted."""

from __future__ import annotations

from collections import deque

WINDOW_S = 600.0


class RestartBudget:
    """A budget of repairs for each part within a sliding window. Pure."""

    def __init__(self) -> None:
        self._done: dict[str, deque[float]] = {}

    def allow(self, part: str, most: int, now_s: float) -> bool:
        """Note a repair and return whether it is still within the budget.

        Args:
            part: Name of the part that fails.
            most: Repairs within `WINDOW_S`.
            now_s: Monotonic time.
        """
        done = self._done.setdefault(part, deque())
        while done and now_s - done[0] > WINDOW_S:
            done.popleft()
        if len(done) >= most:
            return False
        done.append(now_s)
        return True
