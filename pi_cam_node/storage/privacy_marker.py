"""Marker file that keeps privacy over a restart: privacy is on while the file exists, whatever it holds.

So it fails closed. A damaged file is a file; one that cannot be looked for counts as there; and an empty one can be
made on a disk that is full. There are two: one with the pictures, which goes where they go, and one beside the last
good settings, which is found also where these name another folder for the pictures. Either means on.
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

    Thread: one at a time; the worker, but for the look at start.

    Args:
        base_dir: The folder of the pictures.
        beside: The other file; ``None`` where there is no place for it.
    """

    def __init__(self, base_dir: Path, beside: Path | None = None) -> None:
        self.path = base_dir.absolute() / FILE_NAME
        self._beside = beside

    @property
    def is_there(self) -> bool:
        """Whether privacy is on, as far as the disk can tell: where it cannot, it is."""
        return any(map(_is_there, self._paths))

    @property
    def doubt(self) -> str:
        """Reason why the disk cannot tell whether privacy is on; empty where it can."""
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
        """Sync a marker that was found: the process that made it may have been killed before the name was on disk."""
        for path in filter(_is_there, self._paths):
            try:
                sync_directory(path.parent)
            except OSError as error:
                _log.warning("a power cut may switch privacy off: %s: %s", path, error)

    def put(self, on: bool) -> None:
        """Create or remove the files; on return they are on disk, or gone from it, even if another process did it.

        The folder of the settings may well be one that we cannot write; then none was ever made in it, there are no
        last good settings either, and the one with the pictures has to do.

        Raises:
            NoSpace: There is no room for another name.
            NotSaved: The disk does not let us.
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
        _log.warning("privacy is on, since %s cannot be looked for: %s", path, error)
    return True


def _make(path: Path) -> None:
    with as_storage_error(f"cannot change {path}"):
        try:
            create_atomically(path, b"")
        except FileExistsError:
            sync_directory(path.parent)


def _remove(path: Path) -> None:
    with as_storage_error(f"cannot change {path}"):
        if _is_there(path):  # asked first: on a read-only file system also what is not there cannot be removed
            path.unlink(missing_ok=True)
        with suppress(FileNotFoundError):  # without the folder nothing is in it
            sync_directory(path.parent)
