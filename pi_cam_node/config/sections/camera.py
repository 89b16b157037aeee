"""Settings of the camera, and of day and night."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from pi_cam_node.config.sections.base import Section, Setting

SOURCE_FORM = (
    "one of auto, picamera2, picamera2:<model or id>, v4l2:<device>, rtsp://…, http://…, file:<path>, synthetic, "
    "synthetic?<name>=<value>&…"
)


def _hint(value: str) -> str:
    """Return a suggestion for an invalid source; empty if there is none."""
    if re.match(r"/dev/|[0-9]+$", value):
        return f"did you mean v4l2:{value}? "
    if re.match(r"[~/.]", value):
        return f"did you mean file:{value}? "
    return "did you mean picamera2? " if value.lower() in ("picamera", "libcamera", "csi") else ""


class CameraConfig(Section):
    """The camera."""

    source: Annotated[
        str,
        Field(max_length=512),
        Setting(
            "Source of the frames. auto takes the first Pi or USB camera that is found, never the synthetic one.",
            form=SOURCE_FORM,
        ),
    ] = "auto"
    width: Annotated[
        int, Field(ge=64, le=4608, multiple_of=2), Setting("Width requested from the camera.", "px", live=True)
    ] = 1024
    height: Annotated[
        int, Field(ge=64, le=3456, multiple_of=2), Setting("Height requested from the camera.", "px", live=True)
    ] = 768
    framerate: Annotated[
        float,
        Field(ge=0.1, le=60),
        Setting("Frames a second by day, and how often a film is read.", "Hz", live=True, title="Camera frame rate"),
    ] = 10.0
    codec: Annotated[
        Literal["yuv420", "rgb"],
        Setting("Pixel format of a Pi camera: yuv420 needs least work; rgb is for sensors that offer nothing else."),
    ] = "yuv420"
    video_mode: Annotated[
        Literal["stream", "still"],
        Setting("Configuration of a Pi camera by day: stream keeps a steady rate, still favours quality over rate."),
    ] = "stream"
    rotation: Annotated[
        Literal[0, 90, 180, 270],
        Setting(
            "Turn the picture clockwise. Masks and zones stay on the same part of the scene: their corners change.",
            "°",
            live=True,
        ),
    ] = 0
    hflip: Annotated[
        bool,
        Setting("Mirror the picture left and right, after turning it.", live=True, title="Camera mirrored left-right"),
    ] = False
    vflip: Annotated[
        bool,
        Setting("Mirror the picture top and bottom, after turning it.", live=True, title="Camera mirrored top-bottom"),
    ] = False
    autofocus: Annotated[
        Literal["continuous", "auto", "manual"],
        Setting(
            "Where the camera has a lens that focuses: continuous follows the scene, auto focuses once, when it is set "
            "and when the camera starts, manual takes camera.lens_position.",
            live=True,
        ),
    ] = "continuous"
    lens_position: Annotated[
        float,
        Field(ge=0, le=32),
        Setting(
            "Focus with camera.autofocus manual, in dioptres: 0 is far away, 2 half a metre. Limited to what the lens "
            "can do.",
            "dpt",
            live=True,
        ),
    ] = 0.0
    awb: Annotated[
        Literal["auto", "daylight", "indoor", "tungsten", "fluorescent", "cloudy"],
        Setting("White balance, where the camera has it.", live=True, title="White balance"),
    ] = "auto"
    exposure_compensation: Annotated[
        float,
        Field(ge=-8, le=8),
        Setting(
            "Makes pictures brighter or darker than the automatic exposure, where the camera supports it; not at "
            "night, when the exposure is fixed.",
            "EV",
            live=True,
        ),
    ] = 0.0
    capture_timeout_s: Annotated[
        float,
        Field(ge=0.5, le=300),
        Setting("How long save waits for its frame, in addition to the exposure.", "s", live=True),
    ] = 4.0
    frozen_after_s: Annotated[
        float,
        Field(ge=0, le=3600),
        Setting(
            "A camera whose pictures are identical for longer than this is restarted: a sensor always has noise. "
            "0: never, for sources without noise, such as screen capture.",
            "s",
        ),
    ] = 30.0
    isolate: Annotated[
        bool,
        Setting(
            "Run the camera in a process of its own, so that a driver that hangs or crashes does not affect the rest. "
            "false saves some 20 MiB on very small boards, but what a network camera takes is not limited then."
        ),
    ] = True

    @field_validator("rotation", mode="before")
    @classmethod
    def _rotation_as_number(cls, value: object) -> object:
        return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value

    @field_validator("source")
    @classmethod
    def _known_source(cls, value: str) -> str:
        if not re.match(
            r"(auto|picamera2|synthetic)$|(picamera2|v4l2|file):.|synthetic\?.|(?i:rtsps?|https?)://.", value
        ):
            raise ValueError(f"{_hint(value)}expected {SOURCE_FORM}")
        return value


class NightConfig(Section):
    """Rules of day and night, and the camera's controls at night."""

    enable: Annotated[
        bool, Setting("Switch the camera between day and night by itself.", live=True, title="Night switching")
    ] = True
    override: Annotated[
        Literal["auto", "day", "night"], Setting("auto measures the light; day and night force the mode.", live=True)
    ] = "auto"
    mode: Annotated[
        Literal["still", "stream"],
        Setting(
            "Configuration of a Pi camera by night: still is made for long exposures; stream only fixes exposure and "
            "gain, without a second set of buffers, for boards with little memory."
        ),
    ] = "still"
    dark_threshold: Annotated[
        float, Field(ge=0, le=255), Setting("Mean luma (0–255) below which a frame counts as dark, by day.", live=True)
    ] = 50.0
    bright_threshold: Annotated[
        float,
        Field(ge=0, le=255),
        Setting("Mean luma (0–255) above which a frame counts as bright, by night.", live=True),
    ] = 240.0
    min_dark_frames: Annotated[
        int,
        Field(ge=1, le=100_000),
        Setting("Dark frames in a row before night begins.", live=True, title="Night dark frames"),
    ] = 20
    min_bright_frames: Annotated[
        int,
        Field(ge=1, le=100_000),
        Setting("Bright frames in a row before night ends.", live=True, title="Night bright frames"),
    ] = 60
    dwell_s: Annotated[
        float, Field(ge=0, le=86_400), Setting("The camera stays in a mode at least this long.", "s", live=True)
    ] = 300.0
    settle_s: Annotated[
        float,
        Field(ge=0, le=600),
        Setting(
            "Frames this soon after a switch or a start do not count: the exposure is still settling.",
            "s",
            True,
            title="Night settling time",
        ),
    ] = 5.0
    exposure_us: Annotated[
        int, Field(ge=100, le=120_000_000), Setting("Fixed exposure time at night.", "µs", live=True)
    ] = 2_000_000
    gain: Annotated[float, Field(ge=1, le=64), Setting("Fixed analogue gain at night.", live=True)] = 6.0

    @model_validator(mode="after")
    def _thresholds_apart(self) -> NightConfig:
        if self.dark_threshold >= self.bright_threshold:
            raise ValueError(
                f"dark_threshold ({self.dark_threshold:g}) must be below bright_threshold ({self.bright_threshold:g})"
            )
        return self
