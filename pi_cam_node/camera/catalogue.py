"""Catalogue of the sources: the syntax of each in `camera.source`, and the function that makes it.

A source is imported when it is made: most bring OpenCV along, which no other needs.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.base.extras import has_video
from pi_cam_node.base.frozen import frozen
from pi_cam_node.base.redaction import without_logins
from pi_cam_node.camera.sources.synthetic import script

if TYPE_CHECKING:  # brings numpy, which a look at the settings does without
    from pi_cam_node.camera.source import Source


@frozen
class Kind:
    """One kind of source.

    Attributes:
        form: Syntax in the settings, for people.
        pattern: Regular expression that a whole `camera.source` of this kind matches; its group is what
            the class takes.
        module: Module of the class, below this package.
        name: Name of the class, which opens nothing yet.
        check: Raises ConfigError where the group does not make sense.
        video: Module and name of the class that takes its place where the extra ``video`` is installed.
    """

    form: str
    pattern: str
    module: str
    name: str
    check: Callable[[str], object] = str
    video: tuple[str, str] | None = None

    @property
    def home(self) -> tuple[str, str]:
        """Module and name of the class to be used here."""
        return self.video if self.video is not None and has_video() else (self.module, self.name)


def _check_login(url: str) -> str:
    """Return an address whose login is written as addresses need it.

    Raises:
        ConfigError: A character of the password ends the host for a parser of the address, or begins an escape.
    """
    rest = url.partition("://")[2]
    ends = [at for at in (rest.find(each) for each in "/?#") if at >= 0]
    host = rest[: min(ends, default=len(rest))]
    login, at_sign, _ = host.rpartition("@")
    if not at_sign and "@" in rest:
        port = host.rpartition(":")[2]
        if ":" in host and not port.isdigit():
            raise ConfigError([_ENCODE.format(rest[len(host)])])
    if re.search(r"%(?![0-9A-Fa-f]{2})", login):
        raise ConfigError([_ENCODE.format("%")])
    return url


_ENCODE = (
    "camera.source: the password holds {0!r}, which an address cannot; write # as %23, / as %2F, ? as %3F, % as %25 "
    "and @ as %40"
)

KINDS = (
    Kind("auto", r"auto()", "sources.auto", "AutoSource"),
    Kind("picamera2", r"picamera2()", "sources.picam.source", "Picamera2Source"),
    Kind("picamera2:<model or id>", r"picamera2:(.+)", "sources.picam.source", "Picamera2Source"),
    Kind("v4l2:<device>", r"v4l2:(.+)", "sources.v4l2", "V4l2Source"),
    Kind(
        "rtsp://…",
        r"((?i:rtsps?)://.+)",
        "sources.rtsp",
        "RtspSource",
        _check_login,
        ("sources.rtsp_packets", "RtspPacketSource"),
    ),
    Kind("http://…", r"((?i:https?)://.+)", "sources.http_camera", "HttpCameraSource", _check_login),
    Kind("file:<path>.y4m", r"file:(.+\.y4m)", "sources.y4m_file", "Y4mFileSource"),
    Kind("file:<path>", r"file:(.+)", "sources.video_file", "VideoFileSource"),
    Kind("synthetic", r"synthetic()", "sources.synthetic.source", "SyntheticSource"),
    Kind("synthetic?<name>=<value>&…", r"synthetic\?(.*)", "sources.synthetic.source", "SyntheticSource", script.parse),
)


def check(source: str) -> str:
    """Return the module of the source that a value of `camera.source` names, without importing it.

    Raises:
        ConfigError: The value names no source, or its script is wrong.
    """
    kind, rest = _find(source)
    kind.check(rest)
    return kind.home[0]


def make(source: str) -> Source:
    """Return the source that a value of `camera.source` names; opens nothing.

    Raises:
        ConfigError: The value names no source, or its script is wrong.
    """
    kind, rest = _find(source)
    module, name = kind.home
    made: Source = getattr(importlib.import_module(f"{__package__}.{module}"), name)(rest)
    return made


def _find(source: str) -> tuple[Kind, str]:
    for kind in KINDS:
        match = re.fullmatch(kind.pattern, source)
        if match is not None:
            return kind, match[1]
    forms = ", ".join(kind.form for kind in KINDS)
    raise ConfigError([f"camera.source: {without_logins(source)!r} is none of {forms}"])
