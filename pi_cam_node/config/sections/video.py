"""Settings of motion detection, video recording and live video."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from pi_cam_node.config.sections.base import Section, Setting
from pi_cam_node.config.sections.privacy import judged_polygon
from pi_cam_node.imaging.polygon import FORM, ZONE_FORM, parse_zone

AREAS_MAX = 16

RecordingMode = Literal["off", "motion", "continuous"]


def _judged_zone(text: str) -> str:
    parse_zone(text)
    return text


class MotionConfig(Section):
    """Motion detection: sensitivity, zones and rates."""

    enable: Annotated[bool, Setting("Detect motion.", live=True, title="Motion detection")] = False
    sensitivity: Annotated[
        int,
        Field(ge=1, le=100),
        Setting(
            "Sensitivity by day: a higher value detects smaller and fainter objects.",
            live=True,
            title="Motion sensitivity",
        ),
    ] = 50
    night_sensitivity: Annotated[
        int,
        Field(ge=1, le=100),
        Setting("Sensitivity at night, when pictures are noisier.", live=True, title="Motion sensitivity at night"),
    ] = 50
    idle_fps: Annotated[
        float,
        Field(ge=0.2, le=30),
        Setting("Pictures a second that are analysed while nothing moves.", "Hz", live=True, title="Motion idle rate"),
    ] = 2.0
    active_fps: Annotated[
        float,
        Field(ge=1, le=30),
        Setting(
            "Pictures a second that are analysed once something moved.", "Hz", live=True, title="Motion active rate"
        ),
    ] = 10.0
    min_s: Annotated[
        float,
        Field(ge=0.2, le=10),
        Setting(
            "How long an object must move in one direction before it counts.",
            "s",
            live=True,
            title="Motion minimum time",
        ),
    ] = 0.4
    clear_s: Annotated[
        float,
        Field(ge=0.5, le=600),
        Setting("Time without motion after which motion has ended.", "s", live=True, title="Motion clear time"),
    ] = 5.0
    zones: Annotated[
        list[Annotated[str, AfterValidator(_judged_zone)]],
        Field(max_length=AREAS_MAX),
        Setting(
            "Named areas. With zones, an object counts only when the middle of its lower edge is in one of them; each "
            "zone has its own motion state.",
            live=True,
            title="Motion zones",
            form=ZONE_FORM,
        ),
    ] = []
    ignore: Annotated[
        list[Annotated[str, AfterValidator(judged_polygon)]],
        Field(max_length=AREAS_MAX),
        Setting("Areas in which nothing counts, such as a tree.", live=True, title="Motion ignored areas", form=FORM),
    ] = []

    @field_validator("zones")
    @classmethod
    def _named_once(cls, value: list[str]) -> list[str]:
        names = [parse_zone(text)[0] for text in value]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"the zone {twice} is there twice")
        return value


class RecordingConfig(Section):
    """Recording of video: when, how long, and how good."""

    mode: Annotated[
        RecordingMode,
        Setting(
            "What is recorded automatically: off, motion (and trigger), continuous. The record and clip commands work "
            "in every mode. A change applies to an event that goes on, too: off ends its film.",
            live=True,
            title="Recording",
        ),
    ] = "off"
    pre_roll_s: Annotated[
        float,
        Field(ge=0, le=120),
        Setting("Length of the recording before an event.", "s", live=True, title="Recording before an event"),
    ] = 5.0
    post_roll_s: Annotated[
        float,
        Field(ge=0, le=600),
        Setting("Length of the recording after an event.", "s", live=True, title="Recording after an event"),
    ] = 5.0
    max_s: Annotated[
        float,
        Field(ge=10, le=3600),
        Setting(
            "Maximum length of a film; a longer recording continues in the next file.",
            "s",
            live=True,
            title="Film length limit",
        ),
    ] = 600.0
    idle_fps: Annotated[
        float,
        Field(ge=0.1, le=30),
        Setting("Pictures a second of a continuous recording between events.", "Hz", live=True, title="Film idle rate"),
    ] = 2.0
    pre_roll: Annotated[
        Literal["auto", "packets", "pictures"],
        Setting(
            "Source of films. pictures: the pictures of the ring are encoded in software. packets and auto: the video "
            "of a network camera (RTSP, H.264) is copied where nothing is turned, masked or written into its pictures; "
            "a Raspberry Pi up to model 4 uses its hardware encoder, with auto only while recording.mode is not off; "
            "otherwise pictures are encoded.",
            live=True,
            title="Source of films",
        ),
    ] = "auto"
    quality: Annotated[
        int,
        Field(ge=1, le=100),
        Setting("Quality of films; 60 is CRF 23 of H.264.", live=True, title="Film quality"),
    ] = 60
    sound: Annotated[
        Literal["off", "copy", "aac"],
        Setting(
            "Sound of a network camera (RTSP) in films, clips and live video (the page starts it muted). off: none; "
            "copy: as the camera sends it, where that is AAC; aac: other codecs (G.711, PCM, Opus) are converted to "
            "AAC.",
            live=True,
            title="Sound in films",
        ),
    ] = "off"


class TimelapseConfig(Section):
    """Timelapse: one short film of each day."""

    interval_s: Annotated[
        int,
        Field(ge=0, le=86_400),
        Setting(
            "Time between two pictures of the timelapse film, which shows 25 a second; one file for each day. 0: none.",
            "s",
            live=True,
            title="Timelapse interval",
        ),
    ] = 0


class HlsRemoteConfig(Section):
    """Variant of the live video for slow networks."""

    width: Annotated[
        int, Field(ge=64, le=1920), Setting("Its width at most; the picture keeps its proportions.", "px")
    ] = 426
    height: Annotated[int, Field(ge=48, le=1080), Setting("Its height at most.", "px")] = 240
    bitrate: Annotated[int, Field(ge=50_000, le=10_000_000), Setting("Its bit rate.", "bit/s")] = 500_000


class HlsConfig(Section):
    """Live video over HTTP Live Streaming, encoded while it is watched."""

    enable: Annotated[bool, Setting("Serve live video.")] = True
    segment_s: Annotated[
        float,
        Field(ge=1, le=10),
        Setting("Length of a segment at least; viewers are about three segments behind.", "s"),
    ] = 1.0
    remote: HlsRemoteConfig = HlsRemoteConfig()
