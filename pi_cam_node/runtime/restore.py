"""Restores a backup written by `pi_cam_node.runtime.backup`.

Archives are not trusted: only regular files are extracted, their names select from fixed destinations, and nothing is
moved there before the whole archive has been read and its settings validated. Replaced files are renamed; existing
pictures are kept.
"""

from __future__ import annotations

import json
import re
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from pi_cam_node.base.atomic_files import (
    DIRECTORY_MODE,
    FILE_MODE,
    make_directory,
    refuse_special,
    sync,
    sync_directory,
    sync_file_system,
)
from pi_cam_node.base.backup_archive import ROOT, OneWayArchive
from pi_cam_node.base.frozen import frozen
from pi_cam_node.config import Config, loader
from pi_cam_node.config.loader import MAX_FILE_BYTES
from pi_cam_node.core.media_ids import parse_file
from pi_cam_node.runtime.backup import DATABASE, FORMAT, MANIFEST, SMALL_STATE, named_files, small_state
from pi_cam_node.runtime.erase import OURS
from pi_cam_node.runtime.state_files import state_files
from pi_cam_node.storage.directory import entries, free_space
from pi_cam_node.storage.events.schema import SUFFIXES

ASIDE_SUFFIX = ".before-restore"
_KEPT_FREE_BYTES = 64 << 20
_CONFIG_NAME = re.compile(r"[A-Za-z0-9_-][\w.-]{0,99}(/[A-Za-z0-9_-][\w.-]{0,99}){0,3}", re.ASCII)


class BadArchive(Exception):
    """The archive is damaged or no backup of a node; the message says why. Nothing was changed."""


@frozen
class RestoreReport:
    """Result of a restore.

    Attributes:
        node: The node's id.
        made: When the backup was made, from its manifest.
        files: Number of restored files.
        pictures: Number of files of pictures and films among them.
        aside: New paths of replaced files.
    """

    node: str
    made: str
    files: int
    pictures: int
    aside: tuple[Path, ...]


def restore_backup(source: IO[bytes], path: Path, environ: Mapping[str, str]) -> RestoreReport:
    """Restore an archive for a node that is stopped.

    Args:
        source: The archive.
        path: The configuration file to write.
        environ: Where the state folder is looked up.

    Raises:
        BadArchive: The archive cannot be used.
        ConfigError: Its settings are invalid here.
        OSError: A file cannot be written. Settings and state are as they were before.
    """
    places = state_files(path, environ)
    if places.events is None:
        raise BadArchive("there is no folder for the state")
    make_directory(places.events.parent)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=places.events.parent) as name:
        staging = Path(name)
        try:
            with OneWayArchive.open(fileobj=source, mode="r|*") as archive:
                manifest = _unpack(archive, staging)
        except (tarfile.TarError, EOFError, ValueError, RecursionError) as error:
            raise BadArchive(f"the archive cannot be read: {error}") from None
        staged = staging / "config" / str(manifest["config"])
        if not staged.is_file():
            raise BadArchive("there is no configuration file in the archive")
        loaded = loader.load(staged, environ)
        moves = _moves(staging, staged, path, loaded.config, environ)
        aside = _put_all(moves)
        pictures = _restore_pictures(staging, loader.load(path, environ).config)
    return RestoreReport(loaded.config.node.id, str(manifest.get("made", "")), len(moves) + pictures, pictures, aside)


def _unpack(archive: tarfile.TarFile, staging: Path) -> Mapping[str, object]:
    """Extract the members into an empty folder; return the manifest, which comes first.

    Raises:
        ValueError: A member does not belong in a backup, or is too large.
    """
    manifest: Mapping[str, object] = {}
    for member in archive:
        content = archive.extractfile(member) if member.isreg() else None
        name = member.name.removeprefix(ROOT)
        if content is None or name == member.name:
            raise ValueError(f"{member.name!a} is no file of a backup")
        if not manifest:
            manifest = _checked_manifest(name, content.read(MAX_FILE_BYTES))
            continue
        folder, _, rest = name.partition("/")
        _check_member(folder, rest, member.size)
        if member.size + _KEPT_FREE_BYTES > free_space(staging).free_bytes:
            raise ValueError(f"{name} needs {member.size} bytes, and the disk has not that many left")
        target = staging / folder / rest
        target.parent.mkdir(DIRECTORY_MODE, parents=True, exist_ok=True)
        with target.open("xb") as file:
            shutil.copyfileobj(content, file)
    if not manifest:
        raise ValueError("it is empty")
    return manifest


def _checked_manifest(name: str, content: bytes) -> Mapping[str, object]:
    manifest = json.loads(content) if name == MANIFEST else None
    config = manifest.get("config") if isinstance(manifest, dict) else None
    if not isinstance(manifest, dict) or not isinstance(config, str) or not _CONFIG_NAME.fullmatch(config):
        raise ValueError("it is no backup of a node")
    if manifest.get("format") != FORMAT:
        raise ValueError(f"it is of format {manifest.get('format')!r}, and this version knows {FORMAT}")
    return manifest


def _check_member(folder: str, name: str, size_bytes: int) -> None:
    known = {
        "config": _CONFIG_NAME.fullmatch(name) is not None,
        "state": name in (*SMALL_STATE, DATABASE),
        "pictures": name in OURS or parse_file(name) is not None,
    }
    if not known.get(folder, False):
        raise ValueError(f"{folder}/{name!a} is no file of a backup")
    is_small = folder == "config" or (folder == "state" and name != DATABASE) or name in OURS
    if is_small and size_bytes > MAX_FILE_BYTES:
        raise ValueError(f"{folder}/{name} is larger than such a file ever is")


def _moves(staging: Path, staged: Path, path: Path, config: Config, environ: Mapping[str, str]) -> dict[Path, Path]:
    """Return the destination of each extracted file except pictures; the configuration file comes last."""
    moves: dict[Path, Path] = {}
    for file in named_files(config):
        if file.is_relative_to(staged.parent) and file.is_file():
            moves[file] = path.absolute().parent / file.relative_to(staged.parent)
    places = state_files(path, environ)
    state = small_state(places) | ({DATABASE: places.events} if places.events is not None else {})
    moves |= {staging / "state" / end: place for end, place in state.items() if (staging / "state" / end).is_file()}
    return {**moves, staged: path}


def _restore_pictures(staging: Path, config: Config) -> int:
    """Move files into the folder of pictures; return the number of new files of pictures and films."""
    folder = config.export.base_dir
    unpacked = staging / "pictures"
    if not unpacked.is_dir():
        return 0
    make_directory(folder)
    names = [name for name in sorted(entry.name for entry in entries(unpacked)) if not (folder / name).exists()]
    try:
        for name in names:
            _move_to_part(unpacked / name, folder / name)
        sync_file_system(folder)
        for name in names:
            _part_of(folder / name).replace(folder / name)
    except BaseException:
        for name in names:
            _part_of(folder / name).unlink(missing_ok=True)
        raise
    sync_directory(folder)
    return sum(name not in OURS for name in names)


def _put_all(moves: Mapping[Path, Path]) -> tuple[Path, ...]:
    """Move files to their destinations; return the new paths of those that they replaced.

    After a failure or an interruption all are as they were.

    Raises:
        OSError: One cannot be moved.
    """
    aside: dict[Path, Path] = {}
    new: list[Path] = []
    try:
        for file, target in moves.items():
            _set_aside(target, aside)
            new.append(target)
            _put(file, target)
    except BaseException:
        for target in new:
            with suppress(OSError):  # it may not have got there
                target.unlink()
        for renamed, old in aside.items():
            with suppress(FileNotFoundError):  # it was not renamed any more
                renamed.replace(old)
        raise
    return tuple(aside)


def _set_aside(target: Path, aside: dict[Path, Path]) -> None:
    """Rename a file that will be replaced, with the other files of a database; note old by new path in ``aside``."""
    refuse_special(target)
    for suffix in SUFFIXES:
        old = target.with_name(target.name + suffix)
        if old.exists():
            names = (old.with_name(f"{old.name}{ASIDE_SUFFIX}{number or ''}") for number in range(1000))
            new = next(name for name in names if not name.exists())
            aside[new] = old
            old.replace(new)


def _put(file: Path, target: Path) -> None:
    """Move a file, also across file systems; it is on disk on return."""
    make_directory(target.parent)
    try:
        part = _move_to_part(file, target)
        sync(part)
        part.replace(target)
    except BaseException:
        _part_of(target).unlink(missing_ok=True)
        raise
    sync_directory(target.parent)


def _move_to_part(file: Path, target: Path) -> Path:
    """Move a file, also across file systems, beside its destination; return its temporary path."""
    part = _part_of(target)
    part.unlink(missing_ok=True)
    shutil.move(file, part)
    part.chmod(FILE_MODE)
    return part


def _part_of(target: Path) -> Path:
    return target.with_name(f".{target.name}.restored.part")
