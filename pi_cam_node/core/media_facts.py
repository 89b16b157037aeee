"""Types of the metadata of pictures, films and events in replies and messages, for the generated documents.

They cost nothing at run time: the metadata are plain mappings of this form (`PictureSaved.facts` and the like).
"""

from __future__ import annotations

from typing import Annotated, NotRequired

from pydantic import Field

# On Python 3.11 pydantic supports only this TypedDict; it depends on typing_extensions itself.
from typing_extensions import TypedDict

from pi_cam_node.core.history import EndedBy, EventKind, PictureKind
from pi_cam_node.core.rules.recording import EndReason

Time = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", examples=["2026-11-20T19:45:01.123Z"])]
EpochMs = Annotated[int, Field(description="Milliseconds since 1970.", examples=[1795203901123])]
PictureId = Annotated[str, Field(examples=["20261120T194501123Z-3f2a91c0-000042-single"])]
FilmId = Annotated[str, Field(examples=["20261120T194456123Z-3f2a91c0-000043-recording"])]
MediaId = Annotated[str, Field(examples=["20261120T194501123Z-3f2a91c0-000042-single"])]
EventId = Annotated[str, Field(examples=["20261120T194501123Z-3f2a91c0-000007-motion"])]
MediaPath = Annotated[
    str,
    Field(
        description="Absolute path on the node's machine.",
        examples=["/var/lib/pi_cam_node/captures/20261120T194501123Z-3f2a91c0-000042-single.jpg"],
    ),
]
Url = Annotated[
    str,
    Field(
        description="Opens it over HTTP without a login for seven days.",
        examples=[
            "http://porch.lan:8080/media/20261120T194501123Z-3f2a91c0-000042-single?expires=1795808701&signature=Zm9v"
        ],
    ),
]
AgeS = Annotated[float, Field(description="Seconds since its first frame.", examples=[0.021])]
Seconds = Annotated[float, Field(ge=0, examples=[12.4])]
Lux = Annotated[float | None, Field(description="Estimated; null where it is not known.", examples=[42.1])]


class PictureFacts(TypedDict):
    """A saved picture."""

    id: PictureId
    kind: PictureKind
    url: NotRequired[Url]
    path: MediaPath
    paths: Annotated[list[MediaPath], Field(description="One for each format, in the order asked for.")]
    bytes: Annotated[int, Field(ge=0, description="Of the first file.", examples=[98214])]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="Of the first file.", examples=["5e" * 32])]
    frames: Annotated[list[int], Field(description="Numbers of the frames it was made of, in order of time.")]
    frames_used: Annotated[int, Field(ge=1, examples=[1])]
    first_at: Annotated[Time, Field(description="UTC of the first frame.")]
    last_at: Annotated[Time, Field(description="UTC of the last frame.")]
    first_epoch_ms: EpochMs
    last_epoch_ms: EpochMs


class EventFacts(TypedDict):
    """A scene event; running while `ended_at` is null."""

    id: EventId
    at: Annotated[Time, Field(description="UTC of its first frame, without the pre-roll.")]
    kind: EventKind
    ended_at: Time | None
    ended_by: EndedBy | None
    zones: Annotated[list[str], Field(description="Names of the zones it touched.", examples=[["door"]])]
    cause: Annotated[str, Field(description="What began it: the name of a trigger, for example.", examples=["motion"])]
    pre_roll_s: Annotated[float, Field(ge=0, description="Seconds of the film before `at`.", examples=[5.0])]
    picture_id: PictureId | None
    recording_id: FilmId | None


class FilmFacts(TypedDict):
    """Facts of every film."""

    seconds: Seconds
    frames: Annotated[int, Field(ge=0, examples=[124])]
    gap_s: Annotated[float, Field(ge=0, description="Seconds of it that were lost.", examples=[0.0])]
    pre_roll_s: Annotated[float, Field(ge=0, examples=[5.0])]
    bytes: Annotated[int, Field(ge=0, examples=[1843200])]
    began_at: Annotated[Time, Field(description="UTC of its first picture.")]
    reason: Annotated[EndReason, Field(description="Why it ended.")]
    repaired: Annotated[bool, Field(description="It was cut off by a crash and repaired.", examples=[False])]
