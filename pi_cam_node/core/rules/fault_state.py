"""The last error as a state: set when a fault begins, cleared when its subject works again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Literal

from pi_cam_node.base.clock import iso
from pi_cam_node.base.errors import Code
from pi_cam_node.base.frozen import frozen
from pi_cam_node.base.schedule import NEVER_S
from pi_cam_node.core.events import FaultReported

Subject = Literal["camera", "picture", "storage", "start"]

# The last error changes no more often than a person could read it.
INTERVAL_S = 0.25
# A fault that happened once, and does not last, is shown for so long; a shorter time while another one lasts.
ONCE_S, ONCE_OVER_LASTING_S = 600.0, 60.0
# Other faults with these codes are over too when the subject is well again: a failed save after a full disk.
_CODES: Mapping[Subject, tuple[Code, ...]] = {
    "camera": ("camera_down", "no_frames"),
    "picture": ("camera_down",),
    "storage": ("no_space", "not_saved"),
    "start": (),
}


@frozen
class Fault:
    """A fault: code, words for people, and when it began, in UTC."""

    code: Code
    message: str
    since: datetime

    def body(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {"code": self.code, "message": self.message, "since": iso(self.since)}


class FaultState:
    """Lasting faults, faults that happened once, and the one shown. Pure; used by the node thread.

    Attributes:
        due_s: When `due` has something to tell, on the monotonic clock.
    """

    def __init__(self) -> None:
        self._lasting: dict[Subject, Fault] = {}
        self._once: Fault | None = None
        self._once_until_s = NEVER_S
        self._shown: Fault | None = None
        self._shown_s = float("-inf")
        self.due_s = NEVER_S

    @property
    def current(self) -> Fault | None:
        """The fault to show: the newest that happened once, for a while, or else the newest that lasts."""
        return self._once or next(reversed(self._lasting.values()), None)

    def report(self, fault: Fault, now_s: float) -> None:
        """Report a fault that does not last; of many only the newest is shown."""
        self._once = fault
        self._once_until_s = now_s + (ONCE_OVER_LASTING_S if self._lasting else ONCE_S)
        self._update_due()

    def note(self, subject: Subject, fault: Fault | None) -> None:
        """Set the state of a subject: a fault that lasts, or none."""
        before = self._lasting.pop(subject, None)
        if fault is not None:
            is_same = before is not None and (before.code, before.message) == (fault.code, fault.message)
            self._lasting[subject] = before if is_same and before else fault
        elif before is not None:
            self.end_once(_CODES[subject])
        self._update_due()

    def end_once(self, codes: Collection[Code]) -> None:
        """End a fault that happened once, where it has one of these codes: what failed has worked since."""
        if self._once is not None and self._once.code in codes:
            self._once = None
            self._update_due()

    def due(self, now_s: float) -> list[FaultReported]:
        """Return what is to be told now, on the monotonic clock: one fault, the end of all, or nothing."""
        if now_s >= self._once_until_s:
            self._once = None
        told: list[FaultReported] = []
        if self.current != self._shown and now_s >= self._shown_s + INTERVAL_S:
            self._shown, self._shown_s = self.current, now_s
            told = [FaultReported(self._shown.code, self._shown.message) if self._shown else FaultReported("ok", "")]
        self._update_due()
        return told

    def _update_due(self) -> None:
        if self._once is None:
            self._once_until_s = NEVER_S
        is_news = self.current != self._shown
        self.due_s = min(self._shown_s + INTERVAL_S if is_news else NEVER_S, self._once_until_s)
