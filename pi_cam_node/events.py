"""What happened: frozen facts, named in the past tense.

*Arrivals* come from the adapters into the inbox; *facts* leave the core for the adapters. Neither
carries behaviour, so publishers are functions from a fact to messages and are tested by equality.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pi_cam_node.errors import Code
from pi_cam_node.frame import Mode

# ---------------------------------------------------------------- arrivals: from the adapters


@dataclass(frozen=True, slots=True)
class CameraOpened:
    """A source is open and about to deliver.

    Attributes:
        source: Its name without secrets, e.g. ``rtsp://porch.example/live``.
        size: Width and height in pixels, as granted.
        controls: Whether exposure and gain can be set.
    """

    source: str
    size: tuple[int, int]
    controls: bool


@dataclass(frozen=True, slots=True)
class CameraFailed:
    """The camera is away: it could not be opened, or its frames stopped. Sent once per reason.

    Attributes:
        reason: For people; holds no secret.
        step: What is being done about it: ``reopen``, ``respawn`` or ``wait``.
        restarts: Child processes started since the node started, less the first.
    """

    reason: str
    step: Literal["reopen", "respawn", "wait"]
    restarts: int


@dataclass(frozen=True, slots=True)
class SwitchFailed:
    """The camera refused to change its mode and went on in the old one."""

    mode: Mode
    reason: str


@dataclass(frozen=True, slots=True)
class CommandArrived:
    """Somebody asked for something. The payload is as it came; nothing about it is trusted.

    Attributes:
        verb: From the topic or the first word; empty where ``payload`` is a whole command line.
        payload: The raw arguments.
        mono_s: When it arrived, on the monotonic clock.
        retained: It was a retained message.
        reply_to: Where the asker wants the reply; the adapter that made the arrival reads it back.
        correlation: To be returned with the reply, unchanged.
    """

    verb: str
    payload: bytes
    mono_s: float
    retained: bool = False
    reply_to: str | None = None
    correlation: bytes | None = None


@dataclass(frozen=True, slots=True)
class BrokerConnected:
    """The broker accepted us.

    Attributes:
        protocol: ``5`` or ``3.1.1``.
        session: Number of the connection since the node started, from 1.
    """

    protocol: str
    session: int


@dataclass(frozen=True, slots=True)
class BrokerLost:
    """The connection ended or could not be made. Sent once per reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class HomeAssistantStarted:
    """Home Assistant announced itself on its birth topic."""


@dataclass(frozen=True, slots=True)
class DiscoveryFound:
    """The broker held a discovery message of an earlier life of this node."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class OwnOfflineSeen:
    """Our availability topic says ``offline`` although we are here: the late will of an old session."""


@dataclass(frozen=True, slots=True)
class WorkAdvanced:
    """A piece of work is under way."""

    work: int
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class WorkEnded:
    """A piece of work is done: ``error`` is ``None`` and ``result`` what it returned, or it failed."""

    work: int
    result: Any = None
    error: Exception | None = None


Arrival = (
    CameraOpened
    | CameraFailed
    | SwitchFailed
    | CommandArrived
    | BrokerConnected
    | BrokerLost
    | HomeAssistantStarted
    | DiscoveryFound
    | OwnOfflineSeen
    | WorkAdvanced
    | WorkEnded
)

# ---------------------------------------------------------------- facts: from the core


@dataclass(frozen=True, slots=True)
class BrightnessMeasured:
    """Brightness moved by more than its dead-band. ``level`` 0–255 mean luma; ``lux`` when known."""

    level: float
    lux: float | None


@dataclass(frozen=True, slots=True)
class ModeChanged:
    """Frames in another mode than before arrive: the camera is really in it."""

    mode: Mode
    cause: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ModeWanted:
    """The camera shall change its mode."""

    mode: Mode


@dataclass(frozen=True, slots=True)
class CameraChanged:
    """Frames began or ceased to arrive."""

    online: bool
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RingMeasured:
    """Seconds between the oldest and the newest frame of the ring."""

    seconds: float


@dataclass(frozen=True, slots=True)
class SettingChanged:
    """A live setting has another value in force."""

    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class FaultReported:
    """Something went wrong that its asker may not see. An empty message says that all is well again."""

    code: Code
    message: str


@dataclass(frozen=True, slots=True)
class TelemetryTaken:
    """The node's own figures."""

    figures: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PictureSaved:
    """A picture is on disk, synced and under its final name.

    Attributes:
        id: Names the picture for ever, e.g. ``20261120T194501123Z-3f2a91c0-000042-single``.
        kind: ``single`` (a fresh frame), ``stack``, ``ring`` (one frame of the past) or ``auto``.
        paths: Absolute paths, one per format, in the order asked for.
        size_bytes: Size of the first file.
        sha256: Hex digest of the first file.
        frames: Frame numbers used, in order of time.
        first_at: UTC time of the first frame.
        last_at: UTC time of the last frame.
        first_mono_s: The same on the monotonic clock.
        last_mono_s: The same on the monotonic clock.
        image: The picture as a JPEG within ``mqtt.image_max_bytes``; ``None`` where that is 0.
        thumbnail: A small JPEG within 48 KiB; ``None`` where ``export.thumbnail_px`` is 0.
    """

    id: str
    kind: Literal["single", "stack", "ring", "auto"]
    paths: tuple[Path, ...]
    size_bytes: int
    sha256: str
    frames: tuple[int, ...]
    first_at: datetime
    last_at: datetime
    first_mono_s: float
    last_mono_s: float
    image: bytes | None = field(default=None, repr=False)
    thumbnail: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Replied:
    """A reply is ready for its asker. ``body`` is the reply object of the contract."""

    body: Mapping[str, object]
    reply_to: str | None
    correlation: bytes | None


@dataclass(frozen=True, slots=True)
class FramesSent:
    """One frame of a ``shortstream``: ``index`` of ``count``, with its number and UTC time."""

    index: int
    count: int
    seq: int
    at: datetime
    jpeg: bytes = field(repr=False)


Fact = (
    BrightnessMeasured
    | ModeChanged
    | ModeWanted
    | CameraChanged
    | RingMeasured
    | SettingChanged
    | FaultReported
    | TelemetryTaken
    | PictureSaved
    | Replied
    | FramesSent
)
