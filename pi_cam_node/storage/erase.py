"""Erases the node's files in the folder of the pictures, and nothing else.

A file is recognized by its name. Links and folders of such a name are not touched. No link is followed: files are
removed relative to the opened folder, even if its path is replaced meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pi_cam_node.base.atomic_files import PART_SUFFIX
from pi_cam_node.base.frozen import frozen
from pi_cam_node.core.media_ids import film_in_progress, is_part, parse_file
from pi_cam_node.storage.directory import as_storage_error, is_plain_file

Name = TypeVar("Name", str, Path)


@frozen
class Removed:
    """Result of an erase: what was removed, and what could not be.

    Attributes:
        pictures: Number of pictures of which a file was removed.
        files: Number of removed files.
        size_bytes: Their total size.
        trouble: Failures, one line each.
    """

    pictures: int = 0
    files: int = 0
    size_bytes: int = 0
    trouble: tuple[str, ...] = ()

    def and_files(self, paths: Iterable[Path]) -> Removed:
        """Remove further regular files, if they exist; return the total."""
        sizes = {path: path.lstat().st_size for path in filter(is_plain_file, paths)}
        gone, trouble = _remove(sizes, Path.unlink)
        size_bytes = self.size_bytes + sum(sizes[path] for path in gone)
        return Removed(self.pictures, self.files + len(gone), size_bytes, self.trouble + trouble)


def erase_folder(directory: Path, names: Collection[str]) -> Removed:
    """Remove every file of the node; return what was removed. The folder itself is kept.

    Args:
        directory: The folder.
        names: Names of further files of the node.

    Raises:
        NotSaved: The folder cannot be read; nothing is removed.
    """
    with as_storage_error(f"cannot erase {directory}"):
        try:
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            return Removed()
        try:
            return _erase(descriptor, names)
        finally:
            os.close(descriptor)


def _erase(descriptor: int, names: Collection[str]) -> Removed:
    with os.scandir(descriptor) as listing:
        ours = [e for e in listing if _is_ours(e.name, names) and e.is_file(follow_symlinks=False)]
    sizes: dict[str, int] = {}
    for entry in ours:
        with suppress(FileNotFoundError):  # removed meanwhile
            sizes[entry.name] = entry.stat(follow_symlinks=False).st_size
    gone, trouble = _remove(sizes, lambda name: os.unlink(name, dir_fd=descriptor))
    pictures = {named[0] for name in gone if (named := parse_file(name)) is not None}
    try:
        os.fsync(descriptor)
    except OSError as error:
        trouble += (f"a power cut may bring back what was removed: {error.strerror}",)
    return Removed(len(pictures), len(gone), sum(sizes[name] for name in gone), trouble)


def _remove(sizes: Mapping[Name, int], unlink: Callable[[Name], None]) -> tuple[list[Name], tuple[str, ...]]:
    """Remove files one by one; return the removed ones, and a message about failures, which do not stop the rest."""
    gone: list[Name] = []
    stay: list[str] = []
    for name in sizes:
        try:
            unlink(name)
        except FileNotFoundError:  # removed meanwhile
            continue
        except OSError as error:
            stay.append(f"{name} cannot be removed: {error.strerror}")
        else:
            gone.append(name)
    more = f" (and {len(stay) - 1} more)" if len(stay) > 1 else ""
    return gone, tuple(f"{line}{more}" for line in stay[:1])


def _is_ours(name: str, names: Collection[str]) -> bool:
    if name in names or parse_file(name) is not None or is_part(name) or film_in_progress(name):
        return True
    return name.endswith(PART_SUFFIX) and any(name.startswith(f".{one}.") for one in names)
