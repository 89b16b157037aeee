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

Subject = Literal["camera", "picture", "storage", "events", "broker", "start"]
# Faults that are shown only while there is no other.
_LAST: tuple[Subject, ...] = ("events", "broker")

# Least time between changes of the shown fault.
INTERVAL_S = 0.25
# How long a momentary fault is shown: without, and with, a lasting fault.
ONCE_S, ONCE_OVER_LASTING_S = 600.0, 60.0
# Codes of momentary faults that are cleared together with a lasting one, e.g. a failed save after a full disk.
_CODES: Mapping[Subject, tuple[Code, ...]] = {
    "camera": ("camera_down", "no_frames"),
    "picture": ("camera_down",),
    "storage": ("no_space", "not_saved"),
    "events": (),
    "broker": (),
    "start": (),
}


@frozen
class Fault:
    """A fault: code, message, and begin in UTC."""

    code: Code
    message: str
    since: datetime

    def body(self) -> dict[str, object]:
        """Return the fault as JSON values."""
        return {"code": self.code, "message": self.message, "since": iso(self.since)}


class FaultState:
    """Lasting and momentary faults, and the one shown. No I/O; used by the node thread.

    Attributes:
        due_s: When `due` is to be called, monotonic seconds.
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
        """The fault to show: for a while the newest momentary one, else the newest lasting one.

        That of the events is shown late, as where the disk is full, the disk is the fault; and topics that the broker
        forbids last, as they may be forbidden for years.
        """
        others = (fault for subject, fault in reversed(self._lasting.items()) if subject not in _LAST)
        late = (self._lasting[subject] for subject in _LAST if subject in self._lasting)
        return self._once or next(others, None) or next(late, None)

    def report(self, fault: Fault, now_s: float) -> None:
        """Report a momentary fault; only the newest is shown."""
        self._once = fault
        self._once_until_s = now_s + (ONCE_OVER_LASTING_S if self._lasting else ONCE_S)
        self._update_due()

    def note(self, subject: Subject, fault: Fault | None) -> None:
        """Set or clear the lasting fault of a subject."""
        before = self._lasting.pop(subject, None)
        if fault is not None:
            is_same = before is not None and (before.code, before.message) == (fault.code, fault.message)
            self._lasting[subject] = before if is_same and before else fault
        elif before is not None:
            self.end_once(_CODES[subject])
        self._update_due()

    def end_once(self, codes: Collection[Code]) -> None:
        """Clear the momentary fault if it has one of these codes."""
        if self._once is not None and self._once.code in codes:
            self._once = None
            self._update_due()

    def due(self, now_s: float) -> list[FaultReported]:
        """Return the event due now: a fault, the end of all faults, or none."""
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
