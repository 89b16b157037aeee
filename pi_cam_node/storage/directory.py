"""Directory of the pictures: create, write, clean up, and the errors of the file system."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pi_cam_node.base.atomic_files import sync_directory
from pi_cam_node.base.errors import NoSpace, NotSaved, is_disk_full
from pi_cam_node.base.frozen import frozen
from pi_cam_node.core.media_ids import is_left_part, is_picture_part

# With fewer free inodes than the files of one picture need, the disk counts as full.
LEAST_INODES = 16


@frozen
class FreeSpace:
    """Free space of a file system that this process may use.

    Attributes:
        free_bytes: Free bytes.
        free_inodes: Free inodes; practically infinite if the file system does not count them.
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
        raise (NoSpace if is_disk_full(error) else NotSaved)(f"{what}: {error.strerror or error}") from error


def nearest_directory(directory: Path) -> Path:
    """Return the directory, or its nearest existing parent."""
    return next(path for path in (directory, *directory.parents) if path.is_dir())


def check_writable(directory: Path) -> None:
    """Check whether files can be created in a directory, without creating one.

    A dead SD card is still readable from the page cache; syncing an unchanged directory costs nothing and detects it.

    Raises:
        OSError: Files could not be created.
    """
    sync_directory(directory)
    if not os.access(directory, os.W_OK | os.X_OK):
        is_read_only = os.statvfs(directory).f_flag & os.ST_RDONLY
        reason = errno.EROFS if is_read_only else errno.EACCES
        raise OSError(reason, os.strerror(reason))


def free_space(directory: Path) -> FreeSpace:
    """Return the space of a directory's file system available to ordinary users.

    Raises:
        OSError: The file system does not report it.
    """
    said = os.statvfs(directory)
    # Btrfs, FAT and some network file systems count no inodes: 0 of 0.
    return FreeSpace(said.f_bavail * said.f_frsize, said.f_favail if said.f_files else sys.maxsize)


def is_plain_file(path: str | Path) -> bool:
    """Tell whether a path is a regular file and not a link, which could lead out of the folder."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def remove_parts(directory: Path, beat: Callable[[], None] = lambda: None) -> int:
    """Remove temporary files left by a crash; return their number.

    Those of films are left to the repair of films, which may run at the same time.

    Args:
        directory: The folder.
        beat: Called at each file.

    Raises:
        OSError: A file cannot be removed.
    """
    parts: list[os.DirEntry[str]] = []
    for entry in entries(directory):
        beat()
        if not entry.name.startswith("."):  # most of them, whose names take longer to check
            continue
        is_left = is_picture_part(entry.name) or is_left_part(entry.name, os.getpid())
        if is_left and entry.is_file(follow_symlinks=False):
            parts.append(entry)
    for entry in parts:
        beat()
        Path(entry.path).unlink(missing_ok=True)
    return len(parts)


def entries(directory: Path) -> Iterator[os.DirEntry[str]]:
    """Yield what is in a directory; nothing if there is none.

    Raises:
        OSError: It cannot be read.
    """
    try:
        listing = os.scandir(directory)
    except FileNotFoundError:  # no picture was saved yet
        return
    with listing:
        yield from listing
