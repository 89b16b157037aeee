"""Adds cameras to ``console.yaml``; comments and formatting of everything else are kept.

A source that holds a login goes into a file of its own, which only its owner can read.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from pi_cam_node.base.atomic_files import create_atomically, make_directory
from pi_cam_node.base.errors import ConfigError, NotSaved
from pi_cam_node.base.redaction import carries_login
from pi_cam_node.config.writer import refuse_pipe
from pi_cam_node.console.config.cameras import CameraEntry
from pi_cam_node.console.config.list_block import flow, replace_file, with_items
from pi_cam_node.console.config.loader import load

KEY, SOURCES_FOLDER = "cameras", "camera-sources"


def add_cameras(path: Path, added: Sequence[CameraEntry]) -> None:
    """Add cameras to the file, which is created if missing; the old file is kept as ``.bak``.

    Args:
        path: The console's file.
        added: With their sources; their ids must be new to the file.

    Raises:
        ConfigError: The file as it is is not usable.
        NotSaved: The file is unchanged; the message says why.
    """
    sources: list[Path] = []
    refuse_pipe(path)
    try:
        content = path.read_bytes() if path.exists() else b""
        entries = [_apart(entry) for entry in added]
        new = with_cameras(content, path, entries)
        make_directory(path.absolute().parent)
        for entry, whole in zip(entries, added, strict=True):
            if entry.source_file is not None:
                file = path.absolute().parent / entry.source_file
                make_directory(file.parent)
                create_atomically(file, f"{whole.source}\n".encode())
                sources.append(file)
        replace_file(path, content, new)
    except OSError as error:
        for file in sources:
            with suppress(OSError):
                file.unlink()
        if isinstance(error, NotSaved):
            raise
        raise NotSaved(f"{error.filename or path}: {error.strerror or error}") from error


def with_cameras(content: bytes, path: Path, added: Sequence[CameraEntry]) -> bytes:
    """Return the content of a file with these cameras appended.

    Raises:
        ConfigError: The file as it is is not usable.
        NotSaved: The new content does not read back as these cameras.
    """
    folder = path.absolute().parent
    old = load(path, {}, content).cameras
    wanted = [*old, *added]
    by_hand = f"{path} is written in a way that cannot be changed safely; change it by hand"
    try:
        new = with_items(content.decode("utf-8-sig"), KEY, (old, wanted), _written)
        read_back = load(path, {}, new.encode()).cameras
    except (ConfigError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise NotSaved(f"{by_hand}: {str(error).splitlines()[0]}") from error
    if read_back != tuple(entry.below(folder) for entry in wanted):
        raise NotSaved(by_hand)
    return new.encode()


def _apart(entry: CameraEntry) -> CameraEntry:
    """Return the entry with ``source_file`` in place of a source that holds a login."""
    if not carries_login(entry.source):
        return entry
    return CameraEntry(id=entry.id, source_file=Path(SOURCES_FOLDER) / entry.id, name=entry.name)


def _written(entry: CameraEntry, indent: int) -> list[str]:
    plain: dict[str, Any] = entry.model_dump(exclude_defaults=True, mode="json")
    return [f"{' ' * indent}- {flow(plain)}\n"]
