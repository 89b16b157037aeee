"""One node to a folder: two in one would share what remembers privacy, the token, the pictures, and what erase removes.

The claim is a lock of the kernel on a file in the folder: it ends with the process that holds it, however that ends.
The camera's process does not inherit it.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from contextlib import suppress
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self

from pi_cam_node.atomic import FILE_MODE, make_directory
from pi_cam_node.errors import ConfigError

_log = logging.getLogger(__name__)

FILE_NAME = ".pi_cam_node.lock"
# A predecessor that was killed or told to stop may just be ending.
PATIENCE_S, STEP_S = 5.0, 0.1


class FolderClaim:
    """A folder held for this process; ``with`` gives it back. Thread: one.

    Args:
        patience_s: How long another process may take to give it back, in seconds.
    """

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._path = Path()
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def take(self, base_dir: Path, *, make: bool = True) -> None:
        """Hold the folder, where that can be: one that cannot be written keeps nobody from starting.

        Args:
            base_dir: The folder of the pictures.
            make: Make it where only it is missing, but none above it: there a disk may still have to be mounted.

        Raises:
            ConfigError: Another process holds it.
        """
        path = base_dir.absolute() / FILE_NAME
        try:
            if make and path.parent.parent.is_dir():
                make_directory(path.parent)
            self._descriptor, self._path = _lock(path, self._patience_s), path
        except OSError as error:
            if make or not isinstance(error, FileNotFoundError):
                _log.warning("nothing keeps another node out of %s: %s", base_dir, error.strerror)
            return
        if self._descriptor is None:
            raise ConfigError(
                [f"export.base_dir: another node runs with {path.parent}, expected a folder of its own for each"]
            )

    def release(self) -> None:
        """Give it back, and remove the file."""
        if self._descriptor is None:
            return
        with suppress(OSError):  # left there it claims nothing
            if _is_at(self._descriptor, self._path):
                self._path.unlink()
        os.close(self._descriptor)
        self._descriptor = None


def _lock(path: Path, patience_s: float) -> int | None:
    """Return the descriptor that holds the lock; ``None`` where another process keeps holding it.

    Raises:
        OSError: The file cannot be made, or its file system knows no locks.
    """
    until_s, pause = time.monotonic() + patience_s, Event()
    while True:
        # The camera's process must not keep what a killed node held.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, FILE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(descriptor, path):  # else who held it has removed it meanwhile
                return descriptor
        except BlockingIOError:
            if time.monotonic() >= until_s:
                os.close(descriptor)
                return None
            pause.wait(STEP_S)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is the one that a path names."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False
