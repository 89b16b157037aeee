"""Catalogue of the sources: syntax of `camera.source`, and creation of the source.

A source is imported when it is created, as most import OpenCV.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.base.extras import has_video
from pi_cam_node.base.frozen import frozen
from pi_cam_node.base.redaction import without_logins
from pi_cam_node.base.web_address import resolvable
from pi_cam_node.camera.sources.synthetic import script

if TYPE_CHECKING:  # imports numpy, which checking settings does not need
    from pi_cam_node.camera.source import Source


@frozen
class Kind:
    """One kind of source.

    Attributes:
        form: Syntax in the settings, for messages.
        pattern: Regular expression for the whole `camera.source`; its group is the argument of the class.
        module: Module of the class, below this package.
        name: Name of the class, whose constructor opens nothing.
        check: Raises ConfigError for an invalid argument.
        video: Module and name of the class used instead if the extra ``video`` is installed.
        memory_bytes: Limit of the private memory of its process; 0: none.
    """

    form: str
    pattern: str
    module: str
    name: str
    check: Callable[[str], object] = str
    video: tuple[str, str] | None = None
    memory_bytes: int = 0

    @property
    def home(self) -> tuple[str, str]:
        """Module and name of the class to use."""
        return self.video if self.video is not None and has_video() else (self.module, self.name)


def _check_address(url: str) -> str:
    """Return an address whose login is percent-encoded as needed, and whose host and port can be parsed.

    Raises:
        ConfigError: A character of the password is ambiguous in an address, or the host or the port is none.
    """
    rest = url.partition("://")[2]
    ends = [at for at in (rest.find(each) for each in "/?#") if at >= 0]
    host = rest[: min(ends, default=len(rest))]
    login, at_sign, place = host.rpartition("@")
    if not at_sign and "@" in rest:
        port = host.rpartition(":")[2]
        if ":" in host and not port.isdigit():
            raise ConfigError([_ENCODE.format(rest[len(host)])])
    if re.search(r"%(?![0-9A-Fa-f]{2})", login):
        raise ConfigError([_ENCODE.format("%")])
    if not _is_place(place):
        raise ConfigError(
            [f"camera.source: {place[:80]!r} is no host; expected a name or an address, and a port from 1 to 65535"]
        )
    return url


def _is_place(text: str) -> bool:
    """Tell whether a text is a host, optionally with a port."""
    try:
        parts = urlsplit(f"//{text}")
        return bool(resolvable(parts.hostname or "")) and parts.port != 0 and not re.search(r"\s", text)
    except ValueError:
        return False


_ENCODE = (
    "camera.source: the password holds {0!r}, which an address cannot; write # as %23, / as %2F, ? as %3F, % as %25 "
    "and @ as %40"
)

# FFmpeg keeps an answer of an RTSP server as long as the server says that it is, and a picture until its end comes: two
# gigabytes in a test. Decoding H.264 of 3840x2160 takes a third of this, or two thirds with the most reference pictures
# that it allows; a JPEG of 24 million pixels takes a sixth.
_NETWORK_MEMORY_BYTES = 768 << 20

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
        _check_address,
        ("sources.rtsp_packets", "RtspPacketSource"),
        _NETWORK_MEMORY_BYTES,
    ),
    Kind(
        "http://…",
        r"((?i:https?)://.+)",
        "sources.http_camera",
        "HttpCameraSource",
        _check_address,
        None,
        _NETWORK_MEMORY_BYTES,
    ),
    Kind("file:<path>.y4m", r"file:(.+\.y4m)", "sources.y4m_file", "Y4mFileSource"),
    Kind("file:<path>", r"file:(.+)", "sources.video_file", "VideoFileSource"),
    Kind("synthetic", r"synthetic()", "sources.synthetic.source", "SyntheticSource"),
    Kind("synthetic?<name>=<value>&…", r"synthetic\?(.*)", "sources.synthetic.source", "SyntheticSource", script.parse),
)


def check(source: str) -> str:
    """Validate a value of `camera.source`, and return the module of the source, without importing it.

    Raises:
        ConfigError: The value names no source, or its script is wrong.
    """
    kind, rest = _find(source)
    kind.check(rest)
    return kind.home[0]


def memory_bytes(source: str) -> int:
    """Return the limit of the private memory of the process that reads a source; 0: none."""
    return next((kind.memory_bytes for kind in KINDS if re.fullmatch(kind.pattern, source)), 0)


def make(source: str) -> Source:
    """Create the source for a value of `camera.source`; opens nothing.

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
