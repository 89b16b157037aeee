"""Inputs: what the adapters put into the inbox, as frozen values named in the past tense."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pi_cam_node.base.errors import Code
from pi_cam_node.base.frozen import frozen
from pi_cam_node.core.film import Film
from pi_cam_node.imaging.frame import Mode

Origin = Literal["mqtt", "http", "tcp", "self"]


@frozen
class CameraOpened:
    """A source is open and about to deliver.

    Attributes:
        source: Its name without secrets, e.g. ``rtsp://porch.example/live``.
        size: Width and height in pixels, as granted.
        controls: Whether exposure and gain can be set.
        settings: Keys of the settings that it follows, of those that not every camera does; see
            `pi_cam_node.core.camera_settings`.
        tells_light: Whether the illuminance can be estimated from its frames.
    """

    source: str
    size: tuple[int, int]
    controls: bool
    settings: tuple[str, ...] = ()
    tells_light: bool = False


NO_FRAMES = "no frames: nothing comes from the camera; check its cable, power and network"
NOT_OPENED = "the camera does not open: it gives no answer; check its cable, power and network, or restart it"


@frozen
class CameraFailed:
    """The camera is offline: it could not be opened, or its frames stopped. Sent once per reason.

    Attributes:
        reason: For people; holds no secret.
        step: What is being done about it: ``reopen``, ``respawn`` or ``wait``.
        restarts: Child processes started since the node started, less the first.
    """

    reason: str
    step: Literal["reopen", "respawn", "wait"]
    restarts: int


@frozen
class SwitchFailed:
    """The camera refused to change its mode and went on in the old one."""

    mode: Mode
    reason: str


@frozen
class PictureBlank:
    """Frames arrive and show nothing. An empty reason: they show something again."""

    reason: str


@frozen
class StorageChanged:
    """The state of the disk changed: ``no_space`` or ``not_saved`` with a message, or ``ok``."""

    code: Code
    message: str


@frozen
class DatabaseChanged:
    """Events are not stored on disk: why; an empty message: they are again."""

    message: str


@frozen
class CommandArrived:
    """A command came. The payload is as it came; nothing about it is trusted.

    Attributes:
        verb: From the topic or the first word; empty where ``payload`` is a whole command line.
        payload: The raw arguments.
        mono_s: When it arrived, on the monotonic clock.
        retained: It was a retained message.
        reply_to: Where the client wants the reply; the adapter that put the command reads it back.
        correlation: To be returned with the reply, unchanged.
        origin: By which adapter it came. ``self``: the node gave it itself, and no client waits for a reply.
        during_shutdown: The node is stopping, and nothing is begun any more.
    """

    verb: str
    payload: bytes
    mono_s: float
    retained: bool = False
    reply_to: str | None = None
    correlation: bytes | None = None
    origin: Origin = "mqtt"
    during_shutdown: bool = False


@frozen
class BrokerConnected:
    """The broker accepted the connection.

    Attributes:
        protocol: ``5`` or ``3.1.1``.
        session: Number of the connection since the node started, from 1.
    """

    protocol: str
    session: int


@frozen
class BrokerLost:
    """The connection ended or could not be made. Sent once per reason."""

    reason: str


@frozen
class BrokerRefused:
    """The broker does not take all that the node does: its limits, or another node or client has its id.

    People have to do something about it. Sent once per reason, or each minute while it lasts.

    Attributes:
        reason: For people; empty when what lasted is over.
    """

    reason: str


@frozen
class TopicsForbidden:
    """The broker's ACL forbids topics of the node. Sent when that changes.

    Attributes:
        reason: For people; empty when nothing is forbidden any more.
    """

    reason: str


@frozen
class TopicDotsSeen:
    """The broker delivers dots in topics otherwise than before: as they are, or as slashes."""

    kept: bool


@frozen
class BrokerLimitFound:
    """The broker's packet limit is known: publications that waited for it can be sent."""


@frozen
class IdConflictSeen:
    """Another running node announces itself on this node's topics. Sent each minute while that lasts."""


@frozen
class HomeAssistantStarted:
    """Home Assistant announced itself on its birth topic."""


@frozen
class DiscoveryFound:
    """The broker held a discovery message of an earlier run of this node."""

    payload: bytes


@frozen
class StaleWillSeen:
    """The availability topic says ``offline`` although the node is connected: the late will of an old session."""


@frozen
class HttpAddressChanged:
    """The address at which others reach the live view changed; ``None``: it is not served, or not to others."""

    url: str | None


@frozen
class WorkAdvanced:
    """Work on the worker thread made progress."""

    work: int
    done: int
    total: int


@frozen
class WorkEnded:
    """A piece of work is done: ``error`` is ``None`` and ``result`` what it returned, or it failed."""

    work: int
    result: Any = None
    error: Exception | None = None


@frozen
class FilmOpened:
    """The recorder began a film.

    Attributes:
        event_id: The event that it belongs to; empty for a continuous recording.
        film_id: Its id.
        cause: What it is recorded for.
        pre_roll_s: Seconds of it before the event began.
        at: UTC of its first picture.
        path: Where it will be.
        first_mono_s: Monotonic time of its first picture.
    """

    event_id: str
    film_id: str
    cause: str
    pre_roll_s: float
    at: datetime
    path: Path
    first_mono_s: float = 0.0


@frozen
class FilmSaved:
    """The recorder finished a film: it is on the disk, synced and under its final name."""

    film: Film


@frozen
class FilmFailed:
    """A film could not be begun, written or finished. ``film_id`` is empty where it was not begun."""

    event_id: str
    film_id: str
    cause: str
    code: Code
    reason: str


Input = (
    CameraOpened
    | CameraFailed
    | SwitchFailed
    | PictureBlank
    | StorageChanged
    | DatabaseChanged
    | CommandArrived
    | BrokerConnected
    | BrokerLost
    | BrokerRefused
    | TopicsForbidden
    | BrokerLimitFound
    | TopicDotsSeen
    | IdConflictSeen
    | HomeAssistantStarted
    | DiscoveryFound
    | StaleWillSeen
    | HttpAddressChanged
    | WorkAdvanced
    | WorkEnded
    | FilmOpened
    | FilmSaved
    | FilmFailed
)
