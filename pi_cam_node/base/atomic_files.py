"""Atomic writing of files: after a crash a file has either its old or its new content.

The recipe: write a temporary file in the same directory, sync it, give it its name in one step,
sync the directory. Every part is needed: without the first sync the file may be empty after a
power cut, without the second its name may be gone. A file may be reported as saved only when
the recipe is through.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

PART_SUFFIX = ".part"
# Pictures and logs are of people: what is made here is for the owner alone, whatever the umask.
DIRECTORY_MODE, FILE_MODE = 0o700, 0o600

# Errors of link() on file systems without hard links (FAT, exFAT, some network and FUSE ones).
_NO_HARD_LINKS = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK}
# Errors of file systems that cannot sync a directory.
_NO_DIRECTORY_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS}


def replace_atomically(path: Path, data: bytes, mode: int = FILE_MODE, group_id: int | None = None) -> None:
    """Make ``data`` the content of the file, whether or not it exists; it is on disk when this returns.

    A symbolic link is followed, so that the file it names is replaced and not the link.
    Thread: any, but one writer per path at a time within the process.

    Raises:
        OSError: Writing failed. The file is the old one (or, when only the last sync failed, the
            new one that a power cut may still undo); no temporary file is left.
    """
    target = Path(os.path.realpath(path))
    part = write_part(target, data, mode, group_id)
    try:
        part.replace(target)
    except BaseException:
        _remove(part)
        raise
    sync_directory(target.parent)


def create_atomically(path: Path, data: bytes | memoryview, mode: int = FILE_MODE) -> None:
    """Write a new file, never over an existing one; it is on disk when this returns.

    Thread: any, but one writer per path at a time within the process.

    Raises:
        FileExistsError: The name is taken; its file is untouched.
        OSError: Writing failed; neither the file nor a temporary one is left.
    """
    place_new(path, data, mode)
    try:
        sync_directory(path.parent)
    except BaseException:
        _remove(path)
        raise


def place_new(path: Path, data: bytes | memoryview, mode: int = FILE_MODE, group_id: int | None = None) -> None:
    """Create a file as `create_atomically`, but leave the sync of the directory to the caller, once for several."""
    part = write_part(path, data, mode, group_id)
    try:
        _name_without_overwriting(part, path)
    except BaseException:
        _remove(part)
        raise
    try:
        _remove(part)
    except BaseException:
        _remove(path)
        _remove(part)
        raise


def write_part(path: Path, data: bytes | memoryview, mode: int, group_id: int | None = None) -> Path:
    """Write and sync the temporary file of ``path``; return its path.

    The process id in its name keeps two processes from finishing each other's half-written file.
    A file left under the name is of an ended process of the same id, and is removed. A group that this process may not
    give, or a file system that knows none, leaves the group as it is.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}{PART_SUFFIX}")
    _remove(part)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        try:
            set_access(descriptor, mode, group_id)
            _write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except BaseException:
        _remove(part)
        raise
    return part


def parts_of(path: Path) -> list[Path]:
    """Return temporary files of ``path`` left by a killed process; none where the directory is unreadable."""
    target = Path(os.path.realpath(path))
    begin = f".{target.name}."
    try:
        alike = [path for path in target.parent.iterdir() if path.name.startswith(begin) and path.suffix == PART_SUFFIX]
    except OSError:
        return []
    return [path for path in alike if path.name[len(begin) : -len(PART_SUFFIX)].isdecimal()]


def make_directory(directory: Path, mode: int = DIRECTORY_MODE, group_id: int | None = None) -> None:
    """Make the directory and its missing parents, by default for the owner only, and put their names on disk.

    Raises:
        OSError: The directory cannot be made.
    """
    if directory.is_dir():
        return
    if not directory.parent.is_dir():
        make_directory(directory.parent, mode, group_id)
    with suppress(FileExistsError):
        directory.mkdir(mode)
        with suppress(PermissionError):
            if group_id is not None:
                os.chown(directory, -1, group_id)
            if mode != DIRECTORY_MODE:
                directory.chmod(mode)  # the umask took its part
    sync_directory(directory.parent)


def sync(path: Path) -> None:
    """Sync an existing file and its name to the disk; its writer may have crashed before.

    Raises:
        OSError: The sync failed.
    """
    target = Path(os.path.realpath(path))
    descriptor = os.open(target, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_directory(target.parent)


def sync_directory(directory: Path) -> None:
    """Sync the names in a directory to the disk, where its file system can do that."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_DIRECTORY_SYNC:
            raise
    finally:
        os.close(descriptor)


def _name_without_overwriting(part: Path, path: Path) -> None:
    """Give a finished temporary file its name, unless the name is taken.

    rename() would overwrite, and Python has no renameat2(RENAME_NOREPLACE); link() refuses an
    existing name in the same step in which it makes the new one.
    """
    try:
        os.link(part, path, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        _reserve_and_rename(part, path)


def _reserve_and_rename(part: Path, path: Path) -> None:
    """Rename without overwriting where there are no hard links: reserve the name by an empty file, rename over that.

    A crash between the two leaves an empty file, which was not reported as a saved picture.
    """
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE))
    try:
        part.replace(path)
    except BaseException:
        _remove(path)
        raise


def set_access(descriptor: int, mode: int, group_id: int | None) -> None:
    """Set the group and the permission bits of an open file, as far as process and file system allow it.

    The umask takes bits away in open(), which this gives back; file systems without permissions need not be asked.

    Args:
        descriptor: The file.
        mode: Permission bits.
        group_id: The group; ``None`` leaves it as it is.
    """
    if group_id is not None:
        with suppress(PermissionError):
            os.fchown(descriptor, -1, group_id)
    if stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
        with suppress(PermissionError):
            os.fchmod(descriptor, mode)


def _write_all(descriptor: int, data: bytes | memoryview) -> None:
    view = memoryview(data).cast("B")
    while view:
        # A disk that fills up takes a part first; the next call then says ENOSPC.
        view = view[os.write(descriptor, view) :]


def _remove(path: Path) -> None:
    with suppress(FileNotFoundError):
        path.unlink()
