"""The last error, as a state: told when a fault begins, told to be over when what it is about works again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pi_cam_node.base.errors import Code
from pi_cam_node.base.schedule import NEVER_S
from pi_cam_node.core.events import FaultReported

Subject = Literal["camera", "picture", "storage"]

# The last error changes no more often than a person could read it.
INTERVAL_S = 0.25
# What else is told with these codes is over too when the subject is well again: a refused save after a full disk.
_CODES: Mapping[Subject, tuple[Code, ...]] = {
    "camera": ("camera_down", "no_frames"),
    "picture": ("camera_down",),
    "storage": ("no_space", "not_saved"),
}
_WELL = FaultReported("ok", "")


class FaultState:
    """Which faults last, and which is to be told next. Pure; used by the node thread.

    Attributes:
        due_s: When the next fault is to be told, on the monotonic clock; never, while there is none.
    """

    def __init__(self) -> None:
        self._standing: dict[Subject, FaultReported] = {}
        self._last: Code = "ok"
        self._next: FaultReported | None = None
        self._told_s = float("-inf")
        self.due_s = NEVER_S

    def report(self, fault: FaultReported) -> None:
        """Take in something that went wrong, once; of a flood only the newest is told."""
        self._next, self._last = fault, fault.code
        self.due_s = self._told_s + INTERVAL_S

    def note(self, subject: Subject, code: Code, message: str) -> None:
        """Take in how a subject is; ``ok`` ends its fault.

        The end is told only where the last fault reported was about this subject, and names what else lasts.
        """
        if code != "ok":
            self._standing[subject] = FaultReported(code, message)
            self.report(self._standing[subject])
        elif self._standing.pop(subject, None) is not None and self._last in _CODES[subject]:
            self.report(next(iter(self._standing.values()), _WELL))

    def due(self, now_s: float) -> list[FaultReported]:
        """Return what is to be told now, on the monotonic clock: one fault or none."""
        if self._next is None or now_s < self.due_s:
            return []
        told, self._next, self._told_s, self.due_s = self._next, None, now_s, NEVER_S
        return [told]
