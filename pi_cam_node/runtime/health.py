"""Status line for the service manager, and whether the node is up. No I/O."""

from __future__ import annotations

from collections.abc import Callable

from pi_cam_node.core.events import CameraChanged, Event
from pi_cam_node.core.inputs import BrokerConnected, BrokerLost, CameraFailed, CameraOpened

_UNKNOWN = "waiting for the camera"
_OPEN = "the camera is open, the first frame is awaited"


class NodeHealth:
    """State of camera and broker from events. Written by the node thread, read by the watchdog.

    Attributes:
        trouble: Further message for the status line; empty for none.
    """

    def __init__(self, view_is_up: Callable[[], bool], camera_is_stuck: Callable[[], bool]) -> None:
        """Create an unknown state.

        Args:
            view_is_up: Whether the HTTP server serves, is off, or has logged why it cannot serve.
            camera_is_stuck: Whether the camera needs a new process of the node.
        """
        self._view_is_up, self._camera_is_stuck = view_is_up, camera_is_stuck
        self._camera = _UNKNOWN
        self._broker = "looking for the broker"
        self.trouble = ""

    def leave_camera_alone(self, why: str) -> None:
        """Record that no frames are expected."""
        self._camera = f"no camera: {why}"

    def on_event(self, event: Event) -> None:
        """Note the state of the camera and of the broker."""
        match event:
            case CameraOpened() if self._camera == _UNKNOWN:
                self._camera = _OPEN
            case CameraChanged(online=True):
                self._camera = "frames arrive"
            case CameraFailed(reason=reason) | CameraChanged(reason=reason):
                self._camera = f"no camera: {reason}"
            case BrokerConnected():
                self._broker = "broker connected"
            case BrokerLost(reason=reason):
                self._broker = f"no broker: {reason}"

    def restarted(self, part: str, how: str) -> None:
        """Record the restart of a part."""
        self.trouble = f"the thread {part} {how} and was begun again"

    def waiting(self, part: str) -> None:
        """Record a part that is blocked in the kernel."""
        self.trouble = f"the thread {part} waits for a device that does not answer"

    @property
    def is_up(self) -> bool:
        """Whether start-up is complete, with or without camera and broker.

        An open camera suffices, as the exposure of a night frame may exceed the service manager's timeout.
        """
        return self._view_is_up() and self._camera != _UNKNOWN

    @property
    def hopeless(self) -> str | None:
        """Reason to exit; ``None`` if none."""
        return "the camera hangs in a driver within this process" if self._camera_is_stuck() else None

    @property
    def status(self) -> str:
        """State of the node in one line, for the service manager."""
        return "; ".join(filter(None, (self._camera, self._broker, self.trouble)))
