"""Types of the ``data`` in the replies of the commands; the AsyncAPI and OpenAPI documents are generated from them.

They cost nothing at run time: commands return plain mappings, which integration tests validate against these types.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field

# On Python 3.11 pydantic supports only this TypedDict; it depends on typing_extensions itself.
from typing_extensions import TypedDict

from pi_cam_node.core.film import EncoderKind
from pi_cam_node.core.history import MediaKind
from pi_cam_node.core.media_facts import (
    AgeS,
    EventFacts,
    FilmFacts,
    FilmId,
    Lux,
    MediaId,
    MediaPath,
    PictureFacts,
    Time,
    Url,
)
from pi_cam_node.core.rules.night import Cause
from pi_cam_node.imaging.motion.interface import Failed, Gate


class AgedPicture(PictureFacts):
    """A saved picture, with its age at the reply."""

    age_s: AgeS


class PicturesData(AgedPicture):
    """The first picture, and all of them."""

    pictures: list[AgedPicture]
    thumbnail: NotRequired[Annotated[str, Field(description="Base64 of a small JPEG, where `thumbnail` was asked.")]]


class StreamData(TypedDict):
    """Counts of the frames that `shortstream` sent."""

    sent: Annotated[int, Field(ge=0, examples=[10])]
    skipped: Annotated[int, Field(ge=0, examples=[0])]
    available: Annotated[int, Field(ge=0, description="Frames that there were to send.", examples=[10])]


class RecordingBegan(EventFacts):
    """The event of a recording by hand."""

    recording: Literal[True]


class RecordingEnded(TypedDict):
    """The recording by hand is over."""

    recording: Literal[False]


class ClipData(FilmFacts):
    """A clip of the past."""

    id: FilmId
    url: NotRequired[Url]
    path: MediaPath
    kind: Literal["clip"]
    at: Time


class NightData(TypedDict):
    """Brightness, and why it counts as day or night."""

    level: Annotated[float, Field(ge=0, le=255, description="Mean luma.", examples=[113.6])]
    lux: Lux
    mode: Literal["day", "night"]
    frame: Annotated[int, Field(description="Number of the frame.", examples=[94])]
    age_s: AgeS
    state: Annotated[str, Field(examples=["day"])]
    dark_frames: Annotated[int, Field(ge=0, description="Dark frames in a row, by day.", examples=[0])]
    bright_frames: Annotated[int, Field(ge=0, description="Bright frames in a row, by night.", examples=[0])]
    dwell_left_s: Annotated[float, Field(ge=0, description="Until another mode may be asked for.", examples=[0.0])]
    settling_left_s: Annotated[float, Field(ge=0, description="Frames do not count for so long.", examples=[0.0])]
    retry_left_s: Annotated[float, Field(ge=0, description="Until a refused switch is tried again.", examples=[0.0])]
    override: Literal["auto", "day", "night"]
    cause: Cause


class MotionBlob(TypedDict):
    """Something that differs from the background."""

    zone: Annotated[str, Field(description="Empty outside of every zone.", examples=["door"])]
    area_share: Annotated[float, Field(ge=0, le=1, description="Of the picture.", examples=[0.012])]
    failed: Annotated[Failed | Literal["zone"], Field(description="Why it is not motion; empty where it is.")]


class MotionData(TypedDict):
    """The last decision about motion, and the figures it was made from."""

    state: Literal["ON", "OFF"]
    since_s: Annotated[float | None, Field(examples=[3.2])]
    armed: bool
    gate: Annotated[Gate, Field(description="What holds it, or held it last; empty for nothing.")]
    gate_age_s: Annotated[float | None, Field(examples=[12.0])]
    holds: Annotated[int, Field(ge=0, description="How often it was held since the start.", examples=[3])]
    unsettled: bool
    light: Annotated[float | None, Field(description="Factor of the light since the background.", examples=[1.02])]
    share: Annotated[float | None, Field(description="Of the picture that differs, 0 to 1.", examples=[0.004])]
    rate_fps: Annotated[float, Field(ge=0, examples=[2.0])]
    blobs: list[MotionBlob]


class RecordingData(TypedDict):
    """Recording in progress and its cause, or why nothing is recorded."""

    state: Literal["ON", "OFF"]
    mode: Literal["off", "motion", "continuous"]
    cause: Annotated[str | None, Field(examples=["motion"])]
    since_s: Annotated[float | None, Field(examples=[3.2])]
    pre_roll_s: Annotated[float, Field(ge=0, examples=[5.0])]
    ends_in_s: Annotated[float | None, Field(examples=[4.1])]
    why_not: Annotated[str | None, Field(examples=[None])]
    encoder: Annotated[EncoderKind, Field(description="What makes the video at present.", examples=["software"])]


class EventItem(EventFacts):
    """A row of `events`."""

    node: Annotated[str, Field(examples=["porch"])]
    url: Annotated[str | None, Field(description="Of its film or picture; null while nothing may be shown.")]
    thumbnail_url: str | None


class EventsData(TypedDict):
    """Events, newest first."""

    events: list[EventItem]
    more: Annotated[bool, Field(description="There are older ones.")]


class MediaItem(TypedDict):
    """A picture or film that is kept."""

    id: MediaId
    at: Time
    kind: MediaKind
    path: MediaPath
    bytes: Annotated[int, Field(ge=0, description="Of all its files.", examples=[98214])]
    seconds: Annotated[float | None, Field(description="How long a film is; null for a picture.", examples=[None])]
    kept: Annotated[bool, Field(description="Spared by retention.")]
    node: Annotated[str, Field(examples=["porch"])]
    url: Annotated[str | None, Field(description="Opens it; null where HTTP is off or privacy is on.")]
    thumbnail_url: str | None


class MediaData(TypedDict):
    """Pictures and films, newest first."""

    media: list[MediaItem]
    more: Annotated[bool, Field(description="There are older ones.")]


class KeptData(TypedDict):
    """Picture or film that retention spares, or no longer spares."""

    id: MediaId
    kept: bool


class DeletedData(TypedDict):
    """Picture or film that was deleted."""

    id: MediaId


class ChangedData(TypedDict):
    """A setting with its old and its new value."""

    key: Annotated[str, Field(examples=["night.gain"])]
    old: Annotated[Any, Field(examples=[6])]
    new: Annotated[Any, Field(examples=[8])]
    live: Literal[True]


SettingKind = Literal["bool", "int", "float", "choice", "list", "text"]


class SettingData(TypedDict):
    """A setting with its value in force."""

    key: Annotated[str, Field(examples=["night.gain"])]
    value: Annotated[Any, Field(description="Masked where it is secret.", examples=[6])]
    type: SettingKind
    minimum: Annotated[float | None, Field(examples=[1])]
    maximum: Annotated[float | None, Field(examples=[64])]
    choices: list[str]
    unit: str
    default: Annotated[Any, Field(examples=[6])]
    live: Annotated[bool, Field(description="`set` changes it, and it takes effect at once.")]
    doc: str


class Setting(SettingData):
    """A setting with all that a control for it needs."""

    section: Annotated[str, Field(examples=["night"])]
    title: str
    step: float | None
    expected: Annotated[str, Field(description="What a value must be, in words.")]
    secret: bool


class SettingsData(TypedDict):
    """Settings, in the order of the file."""

    settings: list[Setting]


class ConfigData(TypedDict):
    """All settings in force, secrets masked."""

    config: Annotated[dict[str, Any], Field(examples=[{"night": {"gain": 6}}])]


class WrittenData(TypedDict):
    """The configuration file."""

    path: Annotated[str, Field(examples=["/etc/pi_cam_node/config.yaml"])]


class PrivacyData(TypedDict):
    """Whether privacy is on."""

    privacy: bool


class EraseData(TypedDict):
    """Counts of what was removed, and failures."""

    folder: Annotated[str, Field(examples=["/var/lib/pi_cam_node/captures"])]
    pictures: Annotated[int, Field(ge=0)]
    files: Annotated[int, Field(ge=0)]
    size_bytes: Annotated[int, Field(ge=0)]
    topics: Annotated[int, Field(ge=0, description="Retained topics that the broker held.")]
    topics_left: Annotated[int, Field(ge=0)]
    trouble: list[str]


class TicketData(TypedDict):
    """A secret that opens over HTTP what the right *view* may see."""

    ticket: Annotated[str, Field(examples=["tk-0hT9…"])]
    expires_at: Time
    right: Literal["view"]
    url: Annotated[str | None, Field(description="Of the node's HTTP.", examples=["http://porch.lan:8080"])]
    tls_sha256: Annotated[str, Field(description="Of the certificate's DER, hex; empty without TLS.", examples=[""])]


class CommandHelp(TypedDict):
    """A command of the registry."""

    usage: Annotated[str, Field(examples=["save [formats…]"])]
    summary: str
    arguments: Annotated[dict[str, Any], Field(description="JSON schema of its arguments.", examples=[{}])]


class HelpData(TypedDict):
    """Commands by verb."""

    commands: Annotated[dict[str, CommandHelp], Field(examples=[{}])]


class NoData(TypedDict):
    """Nothing beside the message."""


class Progress(TypedDict):
    """Progress of work under way."""

    done: Annotated[int, Field(ge=0, examples=[3])]
    total: Annotated[int, Field(ge=0, examples=[8])]


class Shortened(TypedDict):
    """In place of the data, where the whole reply is too large for the broker."""

    why: Annotated[str, Field(examples=["too large for the broker"])]
