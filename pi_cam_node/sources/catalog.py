"""Every source, declared once: how it is written in `camera.source`, and what makes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from pi_cam_node.errors import ConfigError
from pi_cam_node.redaction import without_logins
from pi_cam_node.sources.auto import AutoSource
from pi_cam_node.sources.base import Source
from pi_cam_node.sources.film import FilmSource
from pi_cam_node.sources.picam.source import Picamera2Source
from pi_cam_node.sources.rawfilm import RawFilmSource
from pi_cam_node.sources.rtsp import RtspSource
from pi_cam_node.sources.synthetic import SyntheticSource
from pi_cam_node.sources.v4l2 import V4l2Source


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of source.

    Attributes:
        form: How it is written, for people.
        pattern: Regular expression that a whole `camera.source` of this kind matches; its group is what `make` takes.
        make: Makes the source; opens nothing.
    """

    form: str
    pattern: str
    make: Callable[[str], Source]


KINDS = (
    Kind("auto", r"auto()", lambda _: AutoSource()),
    Kind("picamera2", r"picamera2()", Picamera2Source),
    Kind("picamera2:<model or id>", r"picamera2:(.+)", Picamera2Source),
    Kind("v4l2:<device>", r"v4l2:(.+)", V4l2Source),
    Kind("rtsp://…", r"(rtsps?://.+)", RtspSource),
    Kind("file:<path>.y4m", r"file:(.+\.y4m)", RawFilmSource),
    Kind("file:<path>", r"file:(.+)", FilmSource),
    Kind("synthetic", r"synthetic()", SyntheticSource),
    Kind("synthetic?<name>=<value>&…", r"synthetic\?(.*)", SyntheticSource),
)


def make(source: str) -> Source:
    """Return the source that a value of `camera.source` names; opens nothing.

    Raises:
        ConfigError: It names none.
    """
    for kind in KINDS:
        match = re.fullmatch(kind.pattern, source)
        if match is not None:
            return kind.make(match[1])
    forms = ", ".join(kind.form for kind in KINDS)
    raise ConfigError([f"camera.source: {without_logins(source)!r} is none of {forms}"])
