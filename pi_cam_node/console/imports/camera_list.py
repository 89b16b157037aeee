"""Result of an import: cameras that can be added, and notes on what was skipped and why."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.base.frozen import frozen
from pi_cam_node.camera import catalogue
from pi_cam_node.config.yaml_reader import MappingNode, ScalarNode, SequenceNode, Tree

NAME_MAX_CHARS, ID_MAX_CHARS, SOURCE_MAX_CHARS = 64, 64, 512
# Schemes for which go2rtc and Frigate run a program, or that no source of a node reads.
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_RUNS_A_PROGRAM = frozenset({"exec", "ffmpeg", "echo", "expr"})
_VIDEO_OVER_HTTP = re.compile(r"/flv$|\.(flv|m3u8|mp4|mpd|ts|mkv)$", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{([^}:]{1,64})(?::([^}]{0,512}))?\}|\{(FRIGATE_[A-Za-z0-9_]{1,64})\}")


class NotTaken(ValueError):
    """An address or a camera cannot be imported; the message says why and holds no secret."""


@frozen
class ImportedCamera:
    """A camera of another system, as settings of a node.

    Attributes:
        id: Derived from its name; lower-case ASCII letters, digits, ``_`` and ``-``.
        name: For people.
        source: `camera.source`, with its login.
    """

    id: str
    name: str
    source: str = field(repr=False)


@dataclass(slots=True)
class CameraList:
    """Cameras found in the files of another system.

    Attributes:
        system: Its name.
        cameras: In the order of the files, each id once.
        notes: One line for each thing that was changed or left out, beginning with the camera's name.
    """

    system: str
    cameras: list[ImportedCamera] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, source: str, label: str = "") -> None:
        """Add a camera under a unique id.

        Args:
            name: Its name in the other system.
            source: `camera.source`.
            label: Its name for people; by default that of the other system.
        """
        wanted, taken = id_of(name), {camera.id for camera in self.cameras}
        names = (wanted, *(f"{wanted[: ID_MAX_CHARS - 4]}_{number}" for number in range(2, len(taken) + 3)))
        free = next(each for each in names if each not in taken)
        if free != name:
            self.notes.append(f"{name}: its id is {free}")
        self.cameras.append(ImportedCamera(free, printable(label or name)[:NAME_MAX_CHARS], source))


def id_of(name: str) -> str:
    """Return a node id for a name: lower case, accents removed, other characters replaced by ``_``."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_-]+", "_", plain).strip("_-")[:ID_MAX_CHARS] or "camera"


def source_of(address: str, environ: Mapping[str, str]) -> str:
    """Return `camera.source` for an address of go2rtc or Frigate. Nothing is run and nothing is opened.

    Args:
        address: The address, perhaps with variables: ``${NAME}``, ``${NAME:default}``, ``{FRIGATE_NAME}``.
        environ: Values of the variables.

    Raises:
        NotTaken: No source of a node reads it.
    """
    text = _VARIABLE.sub(lambda match: _value(match, environ), address.strip())
    device = re.fullmatch(
        r"(?:v4l2:device\?(?:.*&)?video=)?(/dev/(?:video\d{1,3}|v4l/[\w./:-]{1,200}))(?:[&#].*)?", text
    )
    if device is not None:
        return f"v4l2:{device[1]}"
    kind = _SCHEME.match(text)
    scheme = kind[1].lower() if kind is not None else ""
    if scheme in _RUNS_A_PROGRAM:
        raise NotTaken(f"{scheme}: runs a program, which no setting of a node does; name the camera's own address")
    if scheme not in ("rtsp", "rtsps", "http", "https"):
        raise NotTaken(f"{scheme or 'an address without rtsp:// or http://'}: no source of a node reads it")
    return checked(text)


def checked(source: str) -> str:
    """Return an address if it is a valid `camera.source`.

    Raises:
        NotTaken: It cannot.
    """
    if len(source) > SOURCE_MAX_CHARS:
        raise NotTaken(f"the address is longer than {SOURCE_MAX_CHARS} characters")
    if re.search(r"[\s\x00-\x1f\x7f-\x9f]", source):
        raise NotTaken("a blank or a control character is in the address")
    try:
        catalogue.check(source)
        parts = urlsplit(source)
        has_host = bool(parts.hostname) and (parts.port or 1) > 0
    except ConfigError as error:
        raise NotTaken(error.problems[0].removeprefix("camera.source: ")) from None
    except ValueError:  # its message may contain a part of the login
        raise NotTaken("host or port of the address cannot be read") from None
    if not has_host:
        raise NotTaken("the address names no host")
    if parts.scheme.lower() in ("http", "https") and _VIDEO_OVER_HTTP.search(parts.path):
        raise NotTaken(
            "video over HTTP (FLV, HLS, MP4); a node reads MJPEG and pictures over HTTP: name its RTSP address"
        )
    return source


def _value(match: re.Match[str], environ: Mapping[str, str]) -> str:
    name = match[1] or match[3]
    value = environ.get(name, match[2])
    if value is None:
        raise NotTaken(f"the variable {name} is not set here; set it and import again")
    return value


def printable(text: str) -> str:
    """Return a text without control characters for a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def section(tree: Tree | None) -> dict[str, Tree]:
    """Return the children of a section; none where there is no section."""
    return tree.children if isinstance(tree, MappingNode) else {}


def items(tree: Tree | None) -> list[Tree]:
    """Return the items of a list; a scalar counts as a list of one, nothing as an empty list."""
    if isinstance(tree, SequenceNode):
        return tree.items
    return [] if tree is None or (isinstance(tree, ScalarNode) and tree.text is None) else [tree]


def text(tree: Tree | None) -> str:
    """Return a value; empty where there is none."""
    return (tree.text or "") if isinstance(tree, ScalarNode) else ""
