"""Removes what is ours from the folder of the pictures, and nothing else.

Ours is what bears a name that only we give. A link or a folder of such a name is somebody else's, and no link is
followed: names are removed within the folder that was opened, whatever its path leads to meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from pi_cam_node.atomic import PART_SUFFIX
from pi_cam_node.storage.files import is_plain_file, reported
from pi_cam_node.storage.names import is_part, parse_file


@dataclass(frozen=True, slots=True)
class Removed:
    """How much is gone."""

    pictures: int = 0
    files: int = 0
    size_bytes: int = 0

    def and_files(self, paths: Iterable[Path]) -> Removed:
        """Remove further plain files, where they are, and return how much is gone then.

        Raises:
            NotSaved: One cannot be removed.
        """
        files, size_bytes = self.files, self.size_bytes
        for path in filter(is_plain_file, paths):
            with reported(f"cannot remove {path}"):
                size_bytes += path.lstat().st_size
                path.unlink()
                files += 1
        return Removed(self.pictures, files, size_bytes)


def erase_folder(directory: Path, names: Collection[str]) -> Removed:
    """Remove every file of ours and say how much that was. The folder itself stays.

    Args:
        directory: The folder.
        names: Names of ours beside those of pictures.

    Raises:
        NotSaved: A file, or the folder, could not be changed; what was removed before stays removed.
    """
    with reported(f"cannot erase {directory}"):
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
        sizes = {entry.name: entry.stat(follow_symlinks=False).st_size for entry in ours}
    pictures = {named[0] for name in sizes if (named := parse_file(name)) is not None}
    for name in sizes:
        os.unlink(name, dir_fd=descriptor)
    os.fsync(descriptor)
    return Removed(len(pictures), len(sizes), sum(sizes.values()))


def _is_ours(name: str, names: Collection[str]) -> bool:
    if name in names or parse_file(name) is not None or is_part(name):
        return True
    return name.endswith(PART_SUFFIX) and any(name.startswith(f".{one}.") for one in names)
