"""Marker file that preserves privacy over a restart: privacy is on while the file exists.

It fails closed: the content does not matter, an unreadable folder counts as on, and an empty file can be created on a
full disk. There are two files, of which either means on: one in the folder of the pictures, and one beside the last
good settings, which is found even if these name another folder.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path

from pi_cam_node.base.atomic_files import create_atomically, make_directory, sync_directory
from pi_cam_node.storage.directory import as_storage_error

_log = logging.getLogger(__name__)

FILE_NAME = ".privacy_on"


class PrivacyMarker:
    """Marker files in the folder of the pictures and beside the last good settings.

    Thread: one at a time; the worker, except at start.

    Args:
        base_dir: The folder of the pictures.
        beside: The other file; ``None`` without a state folder.
    """

    def __init__(self, base_dir: Path, beside: Path | None = None) -> None:
        self.path = base_dir.absolute() / FILE_NAME
        self._beside = beside

    @property
    def is_there(self) -> bool:
        """Whether privacy is on; true if the disk cannot be read."""
        return any(map(_is_there, self._paths))

    @property
    def doubt(self) -> str:
        """Why it is unknown whether privacy is on; empty if it is known."""
        doubts = []
        for path in self._paths:
            try:
                path.lstat()
            except FileNotFoundError:
                continue
            except OSError as error:
                doubts.append(f"{path}: {error.strerror}")
            else:
                return ""
        return doubts[0] if doubts else ""

    def confirm(self) -> None:
        """Sync an existing marker, whose writer may have been killed before the sync."""
        for path in filter(_is_there, self._paths):
            try:
                sync_directory(path.parent)
            except OSError as error:
                _log.warning("a power cut may switch privacy off: %s: %s", path, error)

    def put(self, on: bool) -> None:
        """Create or remove the files; the change is on disk on return, also if another process made it.

        If the state folder is not writable there are no last good settings either, and the file with the pictures
        suffices.

        Raises:
            NoSpace: The disk has no space for another file.
            NotSaved: A file could not be created or removed.
        """
        if not on:
            for path in self._paths:
                _remove(path)
            return
        if self._beside is not None:
            try:
                _make(self._beside)
            except OSError as error:
                _log.warning("privacy is remembered with the pictures only: %s", error)
        with as_storage_error(f"cannot change {self.path}"):
            make_directory(self.path.parent)
        _make(self.path)

    @property
    def _paths(self) -> tuple[Path, ...]:
        return (self.path,) if self._beside is None else (self._beside, self.path)


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError as error:
        _log.warning("privacy is on, since it cannot be checked whether %s exists: %s", path, error)
    return True


def _make(path: Path) -> None:
    with as_storage_error(f"cannot change {path}"):
        try:
            create_atomically(path, b"")
        except FileExistsError:
            sync_directory(path.parent)


def _remove(path: Path) -> None:
    with as_storage_error(f"cannot change {path}"):
        if _is_there(path):  # checked first: on a read-only file system unlink fails for missing files, too
            path.unlink(missing_ok=True)
        with suppress(FileNotFoundError):  # without the folder nothing is in it
            sync_directory(path.parent)
