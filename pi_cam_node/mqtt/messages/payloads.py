"""Types of the JSON payloads that the node publishes beside replies; the AsyncAPI document is generated from them.

They cost nothing at run time: the messages are plain mappings of this form, and the integration tests hold every
message of a running node to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from pi_cam_node.base.errors import Code
from pi_cam_node.core.history import EndedBy, EventKind
from pi_cam_node.core.inputs import Origin
from pi_cam_node.core.media_facts import (
    EpochMs,
    EventId,
    FilmFacts,
    FilmId,
    MediaPath,
    PictureFacts,
    PictureId,
    Time,
    Url,
)


class Info(TypedDict):
    """Identity, version and features of the node; never a secret."""

    name: Annotated[str, Field(description="`node.name`, else the id.", examples=["Porch"])]
    version: Annotated[str, Field(examples=["0.1.0"])]
    api: Annotated[int, Field(description="Version of this contract.", examples=[1])]
    boot: Annotated[str, Field(description="Names this run of the node.", examples=["3f2a91c0"])]
    session: Annotated[int, Field(ge=1, description="Number of the connection to the broker.", examples=[1])]
    start: Annotated[int, Field(ge=0, description="Starts in a row without a stable run.", examples=[1])]
    safe_mode: Annotated[bool, Field(description="Started without the camera, after crashes.", examples=[False])]
    settings_from: Literal["file", "last good"]
    trouble: Annotated[str | None, Field(description="What was unusual about the start.", examples=[None])]
    formerly: Annotated[list[str], Field(description="Ids that the node had before.", examples=[["camera"]])]
    url: Annotated[str, Field(description="Of its HTTP; empty where it has none.", examples=["http://porch.lan:8080"])]
    tls_sha256: Annotated[str, Field(description="Of the certificate's DER, hex; empty without TLS.", examples=[""])]
    source: Annotated[str | None, Field(description="Of the frames, logins masked.", examples=["synthetic"])]
    resolution: Annotated[list[int] | None, Field(description="Width and height in px.", examples=[[1024, 768]])]
    exposure_control: Annotated[bool | None, Field(description="The node sets exposure and gain.", examples=[True])]
    capabilities: Annotated[list[str], Field(examples=[["save", "past_stack", "night", "discovery", "privacy"]])]
    commands: Annotated[list[str], Field(examples=[["set", "get"]])]
    config_hash: Annotated[str, Field(description="Of the settings in force.", examples=["9f86d081884c7d65"])]
    model: Annotated[str, Field(description="Of the board.", examples=["Raspberry Pi 4 Model B Rev 1.5"])]


class _Event(TypedDict):
    """Fields of every event."""

    id: Annotated[str, Field(description="Together with `event_type` it names the message.")]
    at: Time
    epoch_ms: EpochMs
    late: NotRequired[Annotated[Literal[True], Field(description="It had to wait for the broker, and is old.")]]


class PictureSavedEvent(_Event):
    """A picture is on disk, synced and under its final name."""

    event_type: Literal["picture_saved"]
    cause: Literal["command", "interval", "event"]
    media: PictureFacts


class ModeChangedEvent(_Event):
    """Frames in another mode arrive."""

    event_type: Literal["mode_changed"]
    cause: Annotated[str, Field(examples=["light"])]
    mode: Literal["day", "night"]


class CameraLostEvent(_Event):
    """Frames ceased to arrive."""

    event_type: Literal["camera_lost"]
    cause: Annotated[str, Field(description="Why, for people.", examples=["no frame for 4 s"])]


class CameraBackEvent(_Event):
    """Frames arrive, for the first time or again."""

    event_type: Literal["camera_back"]
    cause: str


class SettingsRolledBackEvent(_Event):
    """Settings that left the camera without frames were undone."""

    event_type: Literal["settings_rolled_back"]
    cause: Annotated[str, Field(description="Why, for people.")]
    settings: Annotated[dict[str, Any], Field(description="Values in force again.", examples=[{"camera.width": 1024}])]


class CommandRefusedEvent(_Event):
    """A command was refused; at most one such message a second."""

    event_type: Literal["command_refused"]
    cause: Annotated[Code, Field(examples=["camera_down"])]
    verb: Annotated[str, Field(examples=["save"])]
    message: Annotated[str, Field(description="For people.", examples=["NOT_SAVED"])]
    origin: Origin


class _Scene(_Event):
    """Fields of an event in front of the camera."""

    began_at: Annotated[Time, Field(description="UTC of its first frame.")]
    zones: Annotated[list[str], Field(examples=[["door"]])]
    picture_id: PictureId | None


class _SceneEvent(_Scene):
    kind: EventKind
    ended_at: Time | None
    ended_by: EndedBy | None
    cause: Annotated[str, Field(examples=["motion"])]
    pre_roll_s: Annotated[float, Field(ge=0, examples=[5.0])]
    recording_id: FilmId | None


class MotionStartedEvent(_SceneEvent):
    """Motion began, and was confirmed."""

    event_type: Literal["motion_started"]


class MotionEndedEvent(_SceneEvent):
    """Nothing has moved for `motion.clear_s`, or the camera is lost, or privacy was switched on."""

    event_type: Literal["motion_ended"]


class TriggeredEvent(_SceneEvent):
    """An outside sensor began an event."""

    event_type: Literal["triggered"]


class _Recording(_Scene):
    """Fields of a film; those of its event are there where the event is known."""

    kind: NotRequired[EventKind]
    ended_at: NotRequired[Time | None]
    ended_by: NotRequired[EndedBy | None]
    recording_id: NotRequired[FilmId | None]
    cause: Annotated[str, Field(description="What it is recorded for.", examples=["motion"])]


class FilmReference(TypedDict):
    """A film that is being written."""

    id: FilmId
    kind: Literal["recording"]


class FilmOnDisk(TypedDict):
    """A film on disk."""

    id: FilmId
    kind: Literal["recording", "clip", "timelapse"]
    path: MediaPath
    url: NotRequired[Url]


class RecordingStartedEvent(_Recording):
    """A film began."""

    event_type: Literal["recording_started"]
    pre_roll_s: Annotated[float, Field(ge=0, description="Seconds of it before its event began.", examples=[5.0])]
    media: FilmReference


class RecordingSavedEvent(_Recording, FilmFacts):
    """A film is on the disk, whole and synced."""

    event_type: Literal["recording_saved"]
    media: FilmOnDisk


class RecordingFailedEvent(_Recording):
    """A film was ordered and could not be written."""

    event_type: Literal["recording_failed"]
    pre_roll_s: NotRequired[float]
    code: Code
    reason: Annotated[str, Field(description="For people.", examples=["the disk is full"])]


class LastEvent(TypedDict):
    """The last event that has a picture."""

    id: EventId
    kind: EventKind
    began_at: Time
    ended_at: Time | None
    ended_by: EndedBy | None
    zones: Annotated[list[str], Field(examples=[["door"]])]
    cause: str
    pre_roll_s: Annotated[float, Field(ge=0, examples=[5.0])]
    picture_id: PictureId | None
    recording_id: FilmId | None
    url: Url | None


class LastPicture(PictureFacts):
    """The last saved picture."""

    thumbnail: NotRequired[Annotated[str, Field(description="Base64 of a small JPEG, where the command asked for it.")]]


EVENTS: Mapping[str, Any] = {
    "picture_saved": PictureSavedEvent,
    "mode_changed": ModeChangedEvent,
    "camera_lost": CameraLostEvent,
    "camera_back": CameraBackEvent,
    "settings_rolled_back": SettingsRolledBackEvent,
    "command_refused": CommandRefusedEvent,
    "motion_started": MotionStartedEvent,
    "motion_ended": MotionEndedEvent,
    "triggered": TriggeredEvent,
    "recording_started": RecordingStartedEvent,
    "recording_saved": RecordingSavedEvent,
    "recording_failed": RecordingFailedEvent,
}
"""The payload of each type of event."""
