"""Services and state for request handlers on the web server's thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.frozen import frozen
from pi_cam_node.config import Config
from pi_cam_node.core.events import FramesSent
from pi_cam_node.core.frame_hub import FrameHub
from pi_cam_node.core.ports import LiveVideoPort, NoLiveVideo
from pi_cam_node.imaging.tasks import ImageTasks
from pi_cam_node.web.auth.signed_links import SignedLinks


class PictureStore(Protocol):
    """Saved pictures. Thread: any; may read the disk, so call it in an executor."""

    def find(self, picture_id: str) -> str | None:
        """Return the path of a picture's first file; ``None`` if it does not exist (any more)."""
        ...

    @property
    def is_away(self) -> bool:
        """Whether the disk of the pictures is missing, so that a missing file does not mean a deleted picture."""
        ...

    def newest(self, count: int) -> Sequence[str]:
        """Return the ids of the newest pictures, newest first."""
        ...


@frozen
class Answered:
    """Final reply of a command, and the frames sent before it."""

    body: Mapping[str, object]
    frames: Sequence[FramesSent] = ()


# Sends a command (verb, payload) to the node and returns its final reply; see `CommandBridge.run`.
RunCommand = Callable[[str, bytes], Awaitable[Answered]]


@dataclass(slots=True)
class State:
    """Cached state of the node, from its events. Thread: the web server's.

    Attributes:
        config: The current settings.
        settings_changed: How often a setting has changed since the start.
        states: Bare values by state key: ``mode``, ``brightness``, ``lux``, ``ring_seconds``, ``privacy``,
            ``last_error``, and ``camera`` (``online`` or ``offline``).
        telemetry: The last telemetry values.
        brightness: (UTC epoch seconds, level) of the last hour, at most one per ten seconds, oldest first.
        media: Metadata of the last saved pictures, newest first, at most 24.
        broker: Whether the broker is connected.
        broker_away_because: Why the broker is not connected; empty while it is, and before the first failed attempt.
    """

    config: Config
    settings_changed: int = 0
    states: dict[str, object] = field(default_factory=dict)
    telemetry: Mapping[str, object] = field(default_factory=dict)
    brightness: list[tuple[float, float]] = field(default_factory=list)
    media: list[Mapping[str, object]] = field(default_factory=list)
    broker: bool = False
    broker_away_because: str = ""


@frozen
class WebContext:
    """Services and state of the node for request handlers.

    Attributes:
        hub: The newest frames.
        pictures: Saved pictures.
        run: Sends a command to the node.
        links: Signs links.
        state: Cached state of the node.
        clock: Tells the time.
        images: Image processing. Thread: any but the event loop's.
        info: Id, name and version of the node.
        live: Live video.
    """

    hub: FrameHub
    pictures: PictureStore
    run: RunCommand
    links: SignedLinks
    state: State
    clock: Clock
    images: ImageTasks
    info: Mapping[str, str]
    live: LiveVideoPort = field(default_factory=NoLiveVideo)


def media_path(media_id: str) -> str:
    """Return the path under which a picture is served."""
    return f"/media/{media_id}"
