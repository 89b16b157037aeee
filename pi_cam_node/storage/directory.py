"""Directory of the pictures: create, write, list, and the errors of the file system."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pi_cam_node.base.atomic_files import sync_directory
from pi_cam_node.base.errors import NoSpace, NotSaved
from pi_cam_node.base.frozen import frozen
from pi_cam_node.core.media_ids import is_left_part, is_picture_part, parse_file

# Fewer free inodes than a picture with all its files may need, and the disk counts as full.
LEAST_INODES = 16

_FULL = {errno.ENOSPC, errno.EDQUOT}


@frozen
class FreeSpace:
    """Free space of a file system, as far as this process may use it.

    Attributes:
        free_bytes: Bytes.
        free_inodes: Files; as good as infinite where the file system does not count them.
    """

    free_bytes: int
    free_inodes: int


@contextmanager
def as_storage_error(what: str) -> Iterator[None]:
    """Turn an `OSError` into an error of this package.

    Raises:
        NoSpace: The disk or the quota is full.
        NotSaved: Anything else.
    """
    try:
        yield
    except (NoSpace, NotSaved):
        raise
    except OSError as error:
        raise (NoSpace if error.errno in _FULL else NotSaved)(f"{what}: {error.strerror or error}") from error


def nearest_directory(directory: Path) -> Path:
    """Return the directory, or what is there of the way to it."""
    return next(path for path in (directory, *directory.parents) if path.is_dir())


def check_writable(directory: Path) -> None:
    """Check whether files can be created in a directory, without creating one.

    A card that died still shows what is in memory of it; asking it to sync a directory in which nothing changed
    costs nothing and finds out.

    Raises:
        OSError: They could not.
    """
    sync_directory(directory)
    if not os.access(directory, os.W_OK | os.X_OK):
        is_read_only = os.statvfs(directory).f_flag & os.ST_RDONLY
        reason = errno.EROFS if is_read_only else errno.EACCES
        raise OSError(reason, os.strerror(reason))


def free_space(directory: Path) -> FreeSpace:
    """Return what the file system of a directory has left for ordinary users.

    Raises:
        OSError: It does not say.
    """
    said = os.statvfs(directory)
    # Btrfs, FAT and some network file systems count no inodes: 0 of 0.
    return FreeSpace(said.f_bavail * said.f_frsize, said.f_favail if said.f_files else sys.maxsize)


def list_pictures(directory: Path, beat: Callable[[], None] = lambda: None) -> dict[str, dict[str, int]]:
    """Return the size in bytes of each file that the node wrote, by picture id and extension.

    Anything else in the folder is foreign: other names, directories, links.

    Args:
        directory: The folder.
        beat: Called at each file: a large folder takes minutes.

    Raises:
        OSError: The directory cannot be read.
    """
    found: dict[str, dict[str, int]] = {}
    for entry in _entries(directory):
        beat()
        named = parse_file(entry.name)
        if named is not None and entry.is_file(follow_symlinks=False):
            with suppress(FileNotFoundError):  # deleted meanwhile
                found.setdefault(named[0], {})[named[1]] = entry.stat(follow_symlinks=False).st_size
    return found


def is_plain_file(path: Path) -> bool:
    """Tell whether a path is a plain file: not a link, which could lead out of the folder, nor anything else."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def remove_parts(directory: Path, beat: Callable[[], None] = lambda: None) -> int:
    """Remove the temporary files that a crash left behind; return how many there were.

    Those of films are left to the repair of films, which may be writing one at the same time.

    Args:
        directory: The folder.
        beat: Called at each file.

    Raises:
        OSError: One cannot be removed.
    """
    parts: list[os.DirEntry[str]] = []
    for entry in _entries(directory):
        beat()
        is_left = is_picture_part(entry.name) or is_left_part(entry.name, os.getpid())
        if is_left and entry.is_file(follow_symlinks=False):
            parts.append(entry)
    for entry in parts:
        beat()
        Path(entry.path).unlink(missing_ok=True)
    return len(parts)


def _entries(directory: Path) -> Iterator[os.DirEntry[str]]:
    try:
        listing = os.scandir(directory)
    except FileNotFoundError:  # no picture was saved yet
        return
    with listing:
        yield from listing
