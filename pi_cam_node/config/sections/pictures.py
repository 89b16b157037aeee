"""Settings of the ring, of saved pictures, and of retention."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from pi_cam_node.base.units import GIB, MIB
from pi_cam_node.config.sections.base import Section, Setting
from pi_cam_node.config.values import choice
from pi_cam_node.imaging.label import check as check_label

Format = Literal["jpg", "png", "npy"]
FORMATS: tuple[Format, ...] = get_args(Format)


def format_of(word: object) -> Format:
    """Return the format for a word, ignoring case and accepting aliases: ``JPG``, ``jpeg``.

    Raises:
        ValueError: There is no such format.
    """
    meant = choice(word, FORMATS) if isinstance(word, str) else word
    known = next((one for one in FORMATS if one == meant), None)
    if known is None:
        raise ValueError(f"unknown format {str(word)[:40]!r}; known: {', '.join(FORMATS)}")
    return known


class DownscaleConfig(Section):
    """Smaller frames in the ring, for more seconds in the same memory."""

    enable: Annotated[
        bool, Setting("Keep the ring's frames in this smaller size.", live=True, title="Ring downscaling")
    ] = False
    width: Annotated[int, Field(ge=16, le=4608, multiple_of=2), Setting("Width in the ring.", "px", live=True)] = 256
    height: Annotated[int, Field(ge=16, le=3456, multiple_of=2), Setting("Height in the ring.", "px", live=True)] = 192


def _not_quoted(value: object) -> object:
    """Convert the JSON string ``""``, as published on topics, to an empty text."""
    return "" if value == '""' else value


class OverlayConfig(Section):
    """A line of text in every picture, burnt in before it is kept, shown or saved."""

    text: Annotated[
        str,
        Field(max_length=200),
        BeforeValidator(_not_quoted),
        AfterValidator(check_label),
        Setting(
            "Text in the lower left corner; {name}, {time} (UTC), {mode} and {lux} are filled in. Empty: none.",
            live=True,
            title="Text in the picture",
        ),
    ] = ""


class RingConfig(Section):
    """The last seconds, kept in memory as JPEG."""

    size: Annotated[
        int, Field(ge=2, le=100_000), Setting("Maximum number of frames.", live=True, title="Ring frame limit")
    ] = 300
    max_seconds: Annotated[
        float, Field(ge=1, le=86_400), Setting("Older frames are deleted.", "s", live=True, title="Ring length limit")
    ] = 600.0
    max_bytes: Annotated[
        int,
        Field(ge=MIB, le=64 * GIB),
        Setting("Maximum memory of the ring.", "B", live=True, title="Ring memory limit"),
    ] = 64 * MIB
    quality: Annotated[int, Field(ge=30, le=100), Setting("JPEG quality in the ring and on topics.", live=True)] = 85
    downscale: DownscaleConfig = DownscaleConfig()


class ExportConfig(Section):
    """Pictures on disk and on topics."""

    base_dir: Annotated[
        Path,
        Setting(
            "Folder of the saved pictures. A relative path starts at systemd's state folder where the service has one, "
            "else at the folder of the configuration file."
        ),
    ] = Path("./captures")
    formats: Annotated[
        list[Format],
        Field(min_length=1, max_length=3),
        Setting("Formats that save and pastStack write by default: jpg, png, npy.", live=True, title="Picture formats"),
    ] = ["jpg", "png"]
    save_before_s: Annotated[
        float,
        Field(ge=0, le=86_400),
        Setting("How many seconds ago pastStack looks by default.", "s", live=True, title="Past picture age"),
    ] = 5.0
    stack_count: Annotated[
        int,
        Field(ge=1, le=256),
        Setting("Number of frames that are combined into one picture.", live=True, title="Past picture frames"),
    ] = 4
    stack_dark_frames: Annotated[
        bool,
        Setting(
            "pastStack makes one picture of its frames; false: it saves them one by one.",
            live=True,
            title="Past picture stacking",
        ),
    ] = True
    auto_save_interval_s: Annotated[
        float,
        Field(ge=0, le=604_800),
        Setting("Interval of automatic pictures. 0: none.", "s", live=True, title="Auto-save interval"),
    ] = 900.0
    auto_save_use_ring: Annotated[
        bool,
        Setting(
            "The automatic picture is a pastStack instead of a fresh frame.", live=True, title="Auto-save from the past"
        ),
    ] = False
    jpeg_quality: Annotated[
        int, Field(ge=30, le=100), Setting("JPEG quality of saved pictures.", live=True, title="Picture JPEG quality")
    ] = 92
    thumbnail_px: Annotated[
        int,
        Field(ge=0, le=1024),
        Setting(
            "Width of the base64 thumbnail on media/thumbnail. 0: none is sent.",
            "px",
            live=True,
            title="Picture thumbnail width",
        ),
    ] = 320

    @field_validator("base_dir", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        if value == "":
            raise ValueError("a folder must be named; . is the one of the configuration file")
        return value

    @field_validator("formats")
    @classmethod
    def _each_once(cls, value: list[Format]) -> list[Format]:
        return list(dict.fromkeys(value))


class RecordingStorageConfig(Section):
    """Limits on the space and age of films and clips. The oldest are deleted first."""

    max_bytes: Annotated[
        int,
        Field(ge=0, le=16 * 1024 * GIB),
        Setting("Maximum total size of films and clips. 0: no limit.", "B", live=True, title="Film storage limit"),
    ] = 8 * GIB
    max_age_days: Annotated[
        float,
        Field(ge=0, le=36_500),
        Setting("Older films and clips are deleted. 0: no limit.", "d", live=True, title="Film age limit"),
    ] = 0.0


class StorageConfig(Section):
    """Limits on the space and age of saved pictures, and access rights. The oldest are deleted first, not kept ones."""

    max_bytes: Annotated[
        int,
        Field(ge=0, le=1024 * GIB),
        Setting("Maximum total size of saved pictures. 0: no limit.", "B", live=True, title="Storage limit"),
    ] = 2 * GIB
    min_free_bytes: Annotated[
        int,
        Field(ge=0, le=1024 * GIB),
        Setting("Space that is kept free on the disk.", "B", live=True, title="Storage reserve"),
    ] = 200 * MIB
    max_age_days: Annotated[
        float,
        Field(ge=0, le=36_500),
        Setting("Older pictures are deleted. 0: no limit.", "d", live=True, title="Storage age limit"),
    ] = 0.0
    recordings: RecordingStorageConfig = RecordingStorageConfig()
    file_mode: Annotated[
        str,
        Setting(
            "Who may read saved files: the owner (0600), the group too (0640, or 0660 to let it delete and rename "
            "them), or everybody (0644). Folders that the node creates get the same, with the right to enter.",
            form="three octal digits in which the owner may read and write and nothing is executed: 0600, 0640, 0644",
        ),
    ] = "0600"
    group: Annotated[
        str,
        Field(max_length=64),
        Setting("The group of saved files, by name or number. Empty: that of the node, or of a setgid folder."),
    ] = ""

    @field_validator("file_mode")
    @classmethod
    def _readable(cls, value: str) -> str:
        if not re.fullmatch(r"(0o?)?6[0246][0246]", value):
            raise ValueError("expected 0600, 0640, 0660, 0644, 0664 or 0666: the owner reads and writes")
        return f"0{value[-3:]}"
