"""Events: what happened, as frozen values named in the past tense, from the core to the listeners.

They have no behaviour; publishers are functions from an event to messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Any, Protocol

from pi_cam_node.base.clock import epoch_ms, iso
from pi_cam_node.base.errors import Code
from pi_cam_node.base.frozen import frozen, statically_frozen
from pi_cam_node.core.activity_events import (
    EventPictured,
    MotionChanged,
    NoEventPictured,
    RecordingChanged,
    RecordingFailed,
    RecordingSaved,
    RecordingStarted,
    SceneEventBegan,
    SceneEventEnded,
)
from pi_cam_node.core.history import PictureKind
from pi_cam_node.core.inputs import (
    BrokerConnected,
    BrokerLimitFound,
    BrokerLost,
    CameraFailed,
    CameraOpened,
    DiscoveryFound,
    HomeAssistantStarted,
    HttpAddressChanged,
    IdConflictSeen,
    Origin,
    StaleWillSeen,
    TopicDotsSeen,
)
from pi_cam_node.imaging.frame import Frame, Mode


@frozen
class BrightnessMeasured:
    """Brightness moved by more than its dead-band. ``level`` 0–255 mean luma; ``lux`` when known."""

    level: float
    lux: float | None


@frozen
class ModeChanged:
    """Frames of another mode arrive, so the camera has switched."""

    mode: Mode
    cause: str
    at: datetime


@frozen
class ModeWanted:
    """A change of the camera's mode was decided."""

    mode: Mode


@frozen
class CameraChanged:
    """Frames began or ceased to arrive."""

    online: bool
    reason: str
    at: datetime


@statically_frozen
class FrameTaken:
    """A frame came from a camera that is online, and may be shown."""

    frame: Frame


@frozen
class RingMeasured:
    """Seconds between the oldest and the newest frame of the ring."""

    seconds: float


@frozen
class SettingChanged:
    """A live setting has another value in force."""

    key: str
    value: Any


@frozen
class SettingsRolledBack:
    """Settings that stopped the camera's frames were undone; ``settings`` has the restored values."""

    settings: Mapping[str, Any]
    reason: str
    at: datetime


@frozen
class FaultReported:
    """The present fault, for ``last_error``; an empty message: no fault."""

    code: Code
    message: str


@frozen
class CommandRefused:
    """A command was refused whose sender may not read the reply, e.g. a button.

    Attributes:
        verb: The verb, shortened.
        code: Code of the reply.
        message: Message of the reply.
        origin: Interface of the command.
        at: Time, UTC.
    """

    verb: str
    code: Code
    message: str
    origin: Origin
    at: datetime


@frozen
class TelemetryTaken:
    """Telemetry figures were read."""

    figures: Mapping[str, object]


@frozen
class PictureSaved:
    """A picture is on disk, synced and under its final name.

    Attributes:
        id: Permanent id, e.g. ``20261120T194501123Z-3f2a91c0-000042-single``.
        kind: ``single`` (a fresh frame), ``stack``, ``ring`` (one frame of the past), ``auto`` or ``event``.
        paths: Absolute paths, one per format, in the requested order.
        size_bytes: Size of the first file.
        sha256: Hex digest of the first file.
        frames: Frame numbers used, in order of time.
        first_at: UTC time of the first frame.
        last_at: UTC time of the last frame.
        first_mono_s: The same on the monotonic clock.
        last_mono_s: The same on the monotonic clock.
        image: The picture as a JPEG within ``mqtt.image_max_bytes``; ``None`` where that is 0.
        thumbnail: A small JPEG within 48 KiB; ``None`` where ``export.thumbnail_px`` is 0.
        thumbnail_asked: Whether the command requests it in ``media/last``, too.
        url: A link that opens it over HTTP for a while; ``None`` where HTTP is off.
    """

    id: str
    kind: PictureKind
    paths: tuple[str, ...]
    size_bytes: int
    sha256: str
    frames: tuple[int, ...]
    first_at: datetime
    last_at: datetime
    first_mono_s: float
    last_mono_s: float
    image: bytes | None = field(default=None, repr=False)
    thumbnail: bytes | None = field(default=None, repr=False)
    thumbnail_asked: bool = False
    url: str | None = None

    def facts(self) -> dict[str, object]:
        """Return the metadata for replies and topics, as JSON values."""
        link = {"url": self.url} if self.url is not None else {}
        return {
            "id": self.id,
            "kind": self.kind,
            **link,
            "path": self.paths[0],
            "paths": list(self.paths),
            "bytes": self.size_bytes,
            "sha256": self.sha256,
            "frames": list(self.frames),
            "frames_used": len(self.frames),
            "first_at": iso(self.first_at),
            "last_at": iso(self.last_at),
            "first_epoch_ms": epoch_ms(self.first_at),
            "last_epoch_ms": epoch_ms(self.last_at),
        }


@frozen
class PictureReloaded:
    """The last saved picture is published again, after the start or after privacy; ``None``: there is none."""

    picture: PictureSaved | None


@frozen
class MediaDeleted:
    """A picture or film was deleted by a command."""

    id: str


@frozen
class Replied:
    """A reply for its client: the object, and its JSON if it was encoded already."""

    body: Mapping[str, object]
    reply_to: str | None
    correlation: bytes | None
    origin: Origin = "mqtt"
    json: bytes = field(default=b"", repr=False)


@frozen
class LiveFrameDue:
    """A live picture is due on the frame topic, or comes with its frame as a small one that was demanded."""

    frame: Frame


@frozen
class FramesSent:
    """One frame of a ``shortstream``: ``index`` of ``count``, with its number and UTC time."""

    index: int
    count: int
    seq: int
    at: datetime
    jpeg: bytes = field(repr=False)
    origin: Origin = "mqtt"
    reply_to: str | None = None


InputEvent = (
    CameraOpened
    | CameraFailed
    | BrokerConnected
    | BrokerLost
    | HomeAssistantStarted
    | DiscoveryFound
    | StaleWillSeen
    | HttpAddressChanged
    | BrokerLimitFound
    | TopicDotsSeen
    | IdConflictSeen
)
"""Inputs that the core passes on to the listeners as they came."""

Event = (
    BrightnessMeasured
    | ModeChanged
    | ModeWanted
    | CameraChanged
    | FrameTaken
    | RingMeasured
    | SettingChanged
    | SettingsRolledBack
    | FaultReported
    | CommandRefused
    | TelemetryTaken
    | PictureSaved
    | PictureReloaded
    | MediaDeleted
    | Replied
    | LiveFrameDue
    | FramesSent
    | MotionChanged
    | SceneEventBegan
    | SceneEventEnded
    | EventPictured
    | NoEventPictured
    | RecordingChanged
    | RecordingStarted
    | RecordingSaved
    | RecordingFailed
    | InputEvent
)
"""All events for listeners, including inputs that the core passes on."""


class Listener(Protocol):
    """A part of the node that reacts to events, called by `RunLoop`."""

    def on_event(self, event: Event, /) -> None:
        """React to an event, or ignore it.

        Never blocks. An exception is logged and stops no other listener.
        Thread: the node thread.
        """
        ...
