"""Derives the last error from inputs about faults of the node's parts."""

from __future__ import annotations

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.errors import Code
from pi_cam_node.core.events import FaultReported
from pi_cam_node.core.inputs import BrokerRefused, Input, PictureBlank, StorageChanged
from pi_cam_node.core.rules.fault_state import Fault, FaultState, Subject

_BROKER_CODES: tuple[Code, ...] = ("forbidden",)


class Faults:
    """Keeps the `FaultState` with the clock. Used by the node thread.

    Args:
        clock: Tells the time.

    Attributes:
        state: Which faults last, and which is shown.
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
            case BrokerRefused(reason=reason) if reason:
                self.report(FaultReported("forbidden", reason))
            case BrokerRefused():
                self.state.end_once(_BROKER_CODES)

    def note(self, subject: Subject, code: Code, message: str) -> None:
        """Set the state of a subject; ``ok``: no fault."""
        self.state.note(subject, None if code == "ok" else Fault(code, message, self._clock.utcnow()))

    def report(self, fault: FaultReported) -> None:
        """Report a fault that does not last."""
        self.state.report(Fault(fault.code, fault.message, self._clock.utcnow()), self._clock.monotonic())

    def picture_saved(self) -> None:
        """End a failed save, or one that took too long: another one has worked since."""
        self.state.end_once(("not_saved", "no_space", "timeout"))

    def figure(self) -> dict[str, object] | None:
        """Return the fault that is shown, as a figure of the telemetry."""
        current = self.state.current
        return None if current is None else current.body()
