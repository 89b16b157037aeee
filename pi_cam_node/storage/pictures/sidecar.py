"""Side-car: JSON file with the metadata of a picture, beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pi_cam_node import __version__
from pi_cam_node.base.clock import iso
from pi_cam_node.base.errors import NotSaved
from pi_cam_node.base.frozen import frozen
from pi_cam_node.base.strict_json import read_object
from pi_cam_node.config import Format
from pi_cam_node.core.picture import Picture
from pi_cam_node.core.sidecar import sidecar_bytes


@frozen
class SavedFile:
    """One file of a picture, under its final name.

    Attributes:
        path: Absolute path.
        format: Format.
        size_bytes: Size.
        sha256: Hex digest of its content.
    """

    path: str
    format: Format
    size_bytes: int
    sha256: str


@frozen
class Origin:
    """Run of the node that saved a picture, and whether its clock was set.

    Attributes:
        boot: Boot id of the node.
        clock_set: Whether the wall clock was synchronised when the picture was saved.
    """

    boot: str
    clock_set: bool


def sidecar(picture: Picture, picture_id: str, files: Sequence[SavedFile], origin: Origin) -> bytes:
    """Return the metadata of a picture as indented JSON."""
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
            {
                "name": f"{picture_id}.{file.format}",
                "format": file.format,
                "bytes": file.size_bytes,
                "sha256": file.sha256,
            }
            for file in files
        ],
    }
    return sidecar_bytes(facts)


def read_sidecar(path: str | Path) -> dict[str, Any]:
    """Return the content of a side-car; empty if it is missing, damaged or too large."""
    try:
        return read_object(path) or {}
    except OSError:
        return {}


def changeable_sidecar(path: Path) -> dict[str, Any]:
    """Return the content of a side-car that is to be rewritten; empty if it is missing.

    Raises:
        OSError: It cannot be read.
        NotSaved: It is damaged: rewritten, what a person could still save from it would be lost.
    """
    try:
        facts = read_object(path)
    except FileNotFoundError:
        return {}
    if facts is None:
        raise NotSaved(f"{path} is damaged; correct it, or move it away, and ask again")
    return facts


def with_kept(facts: Mapping[str, Any], picture_id: str, *, kept: bool) -> bytes:
    """Return the bytes of a side-car with the protection from retention set."""
    rest = {name: value for name, value in facts.items() if name != "kept"}
    return sidecar_bytes({"id": picture_id, **rest, **({"kept": True} if kept else {})})
