"""The log's file: of bounded size, and a disk that fails costs lines, not the node."""

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
# How long a log file that cannot be written is left in peace.
RETRY_S = 60.0

_log = logging.getLogger(__name__)


class LogFile(RotatingFileHandler):
    """Writes to a file of bounded size; says once when it cannot, and tries again later.

    Args:
        path: Of the file; its folder is made where there is none.
        monotonic: Tells the time.

    Attributes:
        lost: Lines that were not written since the file was last in order.
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
        """Write a line, unless the file failed a short while ago."""
        if self._monotonic() < self._quiet_until_s:
            self.lost += 1
            return
        failed_before = self.lost
        super().emit(record)
        if failed_before and self.lost == failed_before:
            self.lost = 0
            _log.warning("%s is written again; %d lines are missing in it", self.baseFilename, failed_before)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - as logging has it
        """Leave the file in peace for a while, and say so at the first line that is lost."""
        error = sys.exc_info()[1]
        self._quiet_until_s = self._monotonic() + RETRY_S
        self.lost += 1
        if self.stream is not None:
            with suppress(OSError):  # closing flushes, to the same dead disk
                self.stream.close()
            self.stream = None  # logging's own way to say that it must be opened again
        if self.lost == 1:
            _log.error("%s cannot be written: %s; trying again every %.0f s", self.baseFilename, error, RETRY_S)


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, FILE_MODE)
