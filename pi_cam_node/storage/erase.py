"""Erases the node's files in the folder of the pictures, and nothing else.

A file is recognized by its name. Links and folders of such a name are not touched. No link is followed: files are
removed relative to the opened folder, even if its path is replaced meanwhile.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable
from pathlib import Path

from pi_cam_node.base.atomic_files import PART_SUFFIX
from pi_cam_node.base.frozen import frozen
from pi_cam_node.core.media_ids import film_in_progress, is_part, parse_file
from pi_cam_node.storage.directory import as_storage_error


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
        removal = _Removal()
        for path in paths:
            removal.remove(str(path))
        files, size_bytes = self.files + removal.files, self.size_bytes + removal.size_bytes
        return Removed(self.pictures, files, size_bytes, self.trouble + removal.trouble)


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
    removal = _Removal(descriptor)
    # Sorted, so that the files of a picture follow each other. Names alone: there may be hundreds of thousands.
    for name in sorted(os.listdir(descriptor)):
        if _is_ours(name, names):
            removal.remove(name)
    trouble = removal.trouble
    try:
        os.fsync(descriptor)
    except OSError as error:
        trouble += (f"a power cut may bring back what was removed: {error.strerror}",)
    return Removed(removal.pictures, removal.files, removal.size_bytes, trouble)


class _Removal:
    """Removes regular files one by one, and counts them. A failure does not stop the rest.

    Args:
        descriptor: The opened folder of the names; ``None`` for paths.

    Attributes:
        pictures: Number of pictures of which a file was removed, if their files come one after the other.
        files: Number of removed files.
        size_bytes: Their total size.
    """

    def __init__(self, descriptor: int | None = None) -> None:
        self._descriptor = descriptor
        self.pictures, self.files, self.size_bytes = 0, 0, 0
        self._last_id = ""
        self._failures, self._first_failure = 0, ""

    def remove(self, name: str) -> None:
        """Remove a file, unless it is a link or a folder, or was removed meanwhile."""
        try:
            found = os.stat(name, dir_fd=self._descriptor, follow_symlinks=False)
            if not stat.S_ISREG(found.st_mode):
                return
            os.unlink(name, dir_fd=self._descriptor)
        except FileNotFoundError:
            return
        except OSError as error:
            self._failures += 1
            self._first_failure = self._first_failure or f"{name} cannot be removed: {error.strerror}"
            return
        self.files += 1
        self.size_bytes += found.st_size
        media_id = (parse_file(name) or ("",))[0]
        if media_id not in ("", self._last_id):
            self._last_id = media_id
            self.pictures += 1

    @property
    def trouble(self) -> tuple[str, ...]:
        """What could not be removed, in at most one line."""
        more = f" (and {self._failures - 1} more)" if self._failures > 1 else ""
        return (self._first_failure + more,) if self._failures else ()


def _is_ours(name: str, names: Collection[str]) -> bool:
    if name in names or parse_file(name) is not None or is_part(name) or film_in_progress(name):
        return True
    return name.endswith(PART_SUFFIX) and any(name.startswith(f".{one}.") for one in names)
