"""Log file of bounded size, which other programs may move; a failing disk loses lines but does not stop the node."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from pi_cam_node.base.atomic_files import FILE_MODE, make_directory

MAX_FILE_BYTES = 5 << 20
OLD_FILES = 3
# Pause before a log file that cannot be written is tried again.
RETRY_S = 60.0

_log = logging.getLogger(__name__)


class LogFile(RotatingFileHandler):
    """Rotating file handler that logs a failure once and retries later.

    Args:
        path: The file; its folder is created if missing.
        monotonic: Returns monotonic seconds.

    Attributes:
        lost: Number of lines lost since the last successful write.
    """

    def __init__(self, path: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__(
            path,
            maxBytes=MAX_FILE_BYTES,
            backupCount=OLD_FILES,
            encoding="utf-8",
            errors="backslashreplace",
            delay=True,
        )
        self.lost = 0
        self._monotonic = monotonic
        self._quiet_until_s = monotonic()

    def _open(self) -> TextIOWrapper:
        make_directory(Path(self.baseFilename).parent)
        make = partial(open, opener=_for_the_owner)
        return make(self.baseFilename, self.mode, encoding=self.encoding, errors=self.errors)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, except in the pause after a failure."""
        if self._monotonic() < self._quiet_until_s:
            self.lost += 1
            return
        if self._is_moved():
            self._close_stream()
        failed_before = self.lost
        super().emit(record)
        if failed_before and self.lost == failed_before:
            self.lost = 0
            _log.warning("%s is written again; %d lines are missing in it", self.baseFilename, failed_before)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - as logging has it
        """Start the pause after a failure; logged once."""
        error = sys.exc_info()[1]
        self._quiet_until_s = self._monotonic() + RETRY_S
        self.lost += 1
        self._close_stream()
        if self.lost == 1:
            _log.error("%s cannot be written: %s; trying again every %.0f s", self.baseFilename, error, RETRY_S)

    def _is_moved(self) -> bool:
        """Return whether the open file has been renamed or removed, as logrotate does."""
        if self.stream is None:
            return False
        try:
            return not os.path.samestat(Path(self.baseFilename).stat(), os.fstat(self.stream.fileno()))
        except FileNotFoundError:
            return True
        except OSError:  # writing will tell
            return False

    def _close_stream(self) -> None:
        """Close the file; the next line opens it again."""
        if self.stream is not None:
            with suppress(OSError):  # closing flushes, perhaps to a dead disk
                self.stream.close()
            self.stream = None


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, FILE_MODE)
