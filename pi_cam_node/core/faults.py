"""Derives the last error from inputs about faults of the node's parts."""

from __future__ import annotations

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.errors import Code
from pi_cam_node.core.events import FaultReported
from pi_cam_node.core.inputs import (
    BrokerRefused,
    DatabaseChanged,
    Input,
    PictureBlank,
    StorageChanged,
    TopicsForbidden,
)
from pi_cam_node.core.rules.fault_state import Fault, FaultState, Subject

_BROKER_CODES: tuple[Code, ...] = ("forbidden",)


class Faults:
    """Keeps the `FaultState` with the clock. Used by the node thread.

    Args:
        clock: Tells the time.

    Attributes:
        state: Present faults, and the one shown.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.state = FaultState()

    def on_input(self, message: Input) -> None:
        """Process an input about the begin or the end of a fault."""
        match message:
            case PictureBlank(reason=reason):
                self.note("picture", "camera_down" if reason else "ok", reason)
            case StorageChanged(code=code, message=text):
                self.note("storage", code, text)
            case DatabaseChanged(message=text):
                self.note("events", "not_saved" if text else "ok", text)
            case TopicsForbidden(reason=reason):
                self.note("broker", "forbidden" if reason else "ok", reason)
            case BrokerRefused(reason=reason) if reason:
                self.report(FaultReported("forbidden", reason))
            case BrokerRefused():
                self.state.end_once(_BROKER_CODES)

    def note(self, subject: Subject, code: Code, message: str) -> None:
        """Set or clear (``ok``) the fault of a subject."""
        self.state.note(subject, None if code == "ok" else Fault(code, message, self._clock.utcnow()))

    def report(self, fault: FaultReported) -> None:
        """Report a momentary fault."""
        self.state.report(Fault(fault.code, fault.message, self._clock.utcnow()), self._clock.monotonic())

    def picture_saved(self) -> None:
        """Clear faults of earlier saves, after a successful one."""
        self.state.end_once(("not_saved", "no_space", "timeout"))

    def figure(self) -> dict[str, object] | None:
        """Return the shown fault as a telemetry figure."""
        current = self.state.current
        return None if current is None else current.body()
