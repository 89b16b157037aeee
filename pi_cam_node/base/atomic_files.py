"""Atomic writing of files: after a crash a file has either its old or its new content.

Steps: write a temporary file in the same directory, sync it, rename it, sync the directory. All are needed: without the
first sync the file may be empty after a power cut, without the second its name may be missing. A file may be reported
as saved only after the last step.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from pi_cam_node.base.file_system import joined

PART_SUFFIX = ".part"
# Files are readable by their owner only, whatever the umask, as pictures and logs are private.
DIRECTORY_MODE, FILE_MODE = 0o700, 0o600

# Errors of link() on file systems without hard links (FAT, exFAT, some network and FUSE ones).
_NO_HARD_LINKS = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK}
# Errors of file systems that cannot sync a directory.
_NO_DIRECTORY_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS}


def replace_atomically(path: Path, data: bytes, mode: int = FILE_MODE, group_id: int | None = None) -> None:
    """Create or replace a file with ``data``, which is on disk on return.

    A symbolic link is followed: its target is replaced. Devices and pipes are not: as root, renaming over ``/dev/null``
    would succeed. Owner and group stay, as far as this process may set them: the service could not read a file that is
    root's now. Thread: any, but one writer per path at a time within the process.

    Raises:
        OSError: Writing failed. The file is unchanged (or, if only the last sync failed, new but not safe from a power
            cut); no temporary file is left.
    """
    target = Path(os.path.realpath(path))
    refuse_special(target)
    part = write_part(target, data, mode, group_id)
    try:
        _give_to_owner_of(target, part, group_id)
        os.replace(part, target)  # noqa: PTH105 - text, see `joined`
    except BaseException:
        _remove(part)
        raise
    sync_directory(target.parent)


def _give_to_owner_of(path: Path, part: str, group_id: int | None) -> None:
    """Give a temporary file the owner of the one that it replaces, and its group unless one was asked for."""
    with suppress(OSError):  # there is none, or this process or file system cannot change owners
        old = path.stat()
        os.chown(part, old.st_uid, old.st_gid if group_id is None else -1)


def refuse_special(path: Path) -> None:
    """Refuse to replace what is no regular file.

    Raises:
        OSError: The path is a device, a pipe or a directory.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is no regular file, and is not replaced", str(path))


def create_atomically(path: Path, data: bytes | memoryview, mode: int = FILE_MODE) -> None:
    """Create a file, never replacing an existing one; it is on disk on return.

    Thread: any, but one writer per path at a time within the process.

    Raises:
        FileExistsError: The file exists, and is untouched.
        OSError: Writing failed; neither the file nor a temporary one is left.
    """
    place_new(path, data, mode)
    try:
        sync_directory(path.parent)
    except BaseException:
        _remove(path)
        raise


def place_new(path: str | Path, data: bytes | memoryview, mode: int = FILE_MODE, group_id: int | None = None) -> None:
    """Create a file as `create_atomically` does, but leave the sync of the directory to the caller."""
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


def write_part(path: str | Path, data: bytes | memoryview, mode: int, group_id: int | None = None) -> str:
    """Write and sync the temporary file of ``path``; return its path.

    Its name contains the process id, so that two processes do not share one. An existing file of this name was left by
    an ended process with the same id, and is removed. The group is kept if this process may not change it, or the file
    system has none.
    """
    directory, name = os.path.split(path)
    part = joined(directory, f".{name}.{os.getpid()}{PART_SUFFIX}")
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
    """Return temporary files of ``path`` left by a killed process; empty if the directory is unreadable."""
    target = Path(os.path.realpath(path))
    begin = f".{target.name}."
    try:
        alike = [path for path in target.parent.iterdir() if path.name.startswith(begin) and path.suffix == PART_SUFFIX]
    except OSError:
        return []
    return [path for path in alike if path.name[len(begin) : -len(PART_SUFFIX)].isdecimal()]


def make_directory(directory: Path, mode: int = DIRECTORY_MODE, group_id: int | None = None) -> None:
    """Create a directory and its missing parents, by default for the owner only, and sync their names to disk.

    Raises:
        OSError: The directory cannot be created.
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
                directory.chmod(mode)  # mkdir applied the umask
    sync_directory(directory.parent)


def sync(path: Path) -> None:
    """Sync an existing file and its name to disk, in case its writer crashed before that.

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
    """Sync the names in a directory to disk, if the file system supports it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_DIRECTORY_SYNC:
            raise
    finally:
        os.close(descriptor)


def sync_file_system(directory: Path) -> None:
    """Sync all that was written to the file system of a directory; many files one by one take minutes.

    Raises:
        OSError: The sync failed.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(descriptor):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(directory))
    finally:
        os.close(descriptor)


def _name_without_overwriting(part: str, path: str | Path) -> None:
    """Rename a finished temporary file, unless the target exists.

    rename() would overwrite, and Python has no renameat2(RENAME_NOREPLACE); link() fails atomically if the name exists.
    """
    try:
        os.link(part, path, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        _reserve_and_rename(part, path)


def _reserve_and_rename(part: str, path: str | Path) -> None:
    """Rename without overwriting on file systems without hard links: create an empty file, rename over it.

    A crash between the two leaves an empty file, which was not reported as a saved picture.
    """
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE))
    try:
        os.replace(part, path)  # noqa: PTH105 - text, see `joined`
    except BaseException:
        _remove(path)
        raise


def set_access(descriptor: int, mode: int, group_id: int | None) -> None:
    """Set group and permission bits of an open file, as far as process and file system allow.

    This undoes the umask, which open() applied; skipped on file systems without permissions.

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
        # On a full disk the first call writes a part; the next one fails with ENOSPC.
        view = view[os.write(descriptor, view) :]


def _remove(path: str | Path) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108 - text, see `joined`
