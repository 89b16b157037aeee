"""The JSON file beside a picture: its facts, for people and programs that find the folder without the node."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pi_cam_node import __version__
from pi_cam_node.base.clock import iso
from pi_cam_node.config import Format
from pi_cam_node.core.picture import Picture


@dataclass(frozen=True, slots=True)
class SavedFile:
    """One file of a picture, under its final name.

    Attributes:
        path: Absolute path.
        format: What is in it.
        size_bytes: Its size.
        sha256: Hex digest of its content.
    """

    path: Path
    format: Format
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Which node saved a picture, and how far its clock was to be trusted.

    Attributes:
        boot: Boot id of the node.
        clock_set: Whether the wall clock was synchronised when the picture was saved.
    """

    boot: str
    clock_set: bool


def sidecar(picture: Picture, picture_id: str, files: Sequence[SavedFile], origin: Origin) -> bytes:
    """Return the facts of a picture as indented JSON."""
    facts = {
        "id": picture_id,
        "kind": picture.kind,
        "method": picture.method or None,
        "mode": picture.mode,
        "frames": list(picture.frames),
        "first_at": iso(picture.first_at),
        "last_at": iso(picture.last_at),
        "first_mono_s": picture.first_mono_s,
        "last_mono_s": picture.last_mono_s,
        "boot": origin.boot,
        "clock_set": origin.clock_set,
        "sensor": asdict(picture.sensor),
        "software": f"pi_cam_node {__version__}",
        "files": [
            {"name": file.path.name, "format": file.format, "bytes": file.size_bytes, "sha256": file.sha256}
            for file in files
        ],
    }
    return (json.dumps(facts, indent=2) + "\n").encode()


def clock_was_set(path: Path) -> bool:
    """Return whether the time in a picture's name can be trusted.

    It can unless the side-car says otherwise: where that is missing or damaged, the name is all there is.
    """
    try:
        facts = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return True
    return not (isinstance(facts, dict) and facts.get("clock_set") is False)
