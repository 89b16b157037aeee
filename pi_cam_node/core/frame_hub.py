"""Fan-out of the newest frame to subscribers, without cost while there are none.

Subscribers are called on the node thread and only enqueue. A slow viewer misses frames, and delays no other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from pi_cam_node.core.events import CameraChanged, Event, FrameTaken
from pi_cam_node.core.privacy_gate import PrivacyGate
from pi_cam_node.imaging.frame import Frame

Subscriber = Callable[[Frame | None], None]


class FrameHub:
    """Fan-out of frames. ``None`` means that the camera is offline, or privacy is on.

    Thread: any, except for `publish`.

    Attributes:
        privacy_gate: Whether pictures may be shown.
    """

    def __init__(self, privacy_gate: PrivacyGate | None = None) -> None:
        self.privacy_gate = privacy_gate or PrivacyGate()
        self._subscribers: tuple[Subscriber, ...] = ()
        self._changed = threading.Lock()
        self._latest: Frame | None = None

    @property
    def latest(self) -> Frame | None:
        """The newest frame; ``None`` while the camera is offline or privacy is on."""
        return None if self.privacy_gate.closed else self._latest

    def on_event(self, event: Event) -> None:
        """Publish new frames and the loss of the camera. Thread: the node thread."""
        if isinstance(event, FrameTaken):
            self.publish(event.frame)
        elif isinstance(event, CameraChanged) and not event.online:
            self.publish(None)

    def publish(self, frame: Frame | None) -> None:
        """Hand a frame to every subscriber.

        Thread: the node thread.
        """
        if frame is not None and self.privacy_gate.blocks(frame):
            frame = None
        self._latest = frame
        for subscriber in self._subscribers:
            subscriber(frame)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call ``subscriber`` with each new frame; return the function that unsubscribes."""
        with self._changed:
            self._subscribers = (*self._subscribers, subscriber)

        def leave() -> None:
            with self._changed:
                self._subscribers = tuple(s for s in self._subscribers if s is not subscriber)

        return leave
