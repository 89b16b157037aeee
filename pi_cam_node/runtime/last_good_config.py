"""Copy ``<name>.good`` of the last configuration with which the camera delivered frames for a while.

It is used if the file is invalid, or starts with it fail. Readable by its owner only, as it may contain secrets.
"""

from __future__ import annotations

import logging
from pathlib import Path

from pi_cam_node.base.atomic_files import replace_atomically
from pi_cam_node.base.errors import NodeError
from pi_cam_node.config import Config
from pi_cam_node.config.loader import MAX_FILE_BYTES
from pi_cam_node.config.writer import rewritten

_log = logging.getLogger(__name__)


class LastGood:
    """File of the last good configuration. Thread: any, but one at a time.

    Args:
        file: Path; ``None``: store nothing.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._troubled = ""

    def forget(self) -> Path | None:
        """Stop storing, and return the file, to be removed by the caller."""
        file, self._file = self._file, None
        return file

    def read(self) -> bytes | None:
        """Return its content; ``None`` if missing or unreadable."""
        if self._file is None:
            return None
        try:
            with self._file.open("rb") as file:
                return file.read(MAX_FILE_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.warning("the last good configuration cannot be read: %s: %s", self._file, error.strerror)
            return None

    def save(self, base: bytes, path: Path, config: Config) -> None:
        """Store proven settings, unless they are stored already.

        Args:
            base: Content from which they were loaded; its comments, order and secrets are kept.
            path: The configuration file.
            config: The settings in force.
        """
        if self._file is None:
            return
        try:
            content = rewritten(base, path, config)
            if content != self.read():
                replace_atomically(self._file, content, 0o600)
        except (OSError, NodeError) as error:
            if str(error) != self._troubled:
                _log.warning("the last good configuration could not be stored: %s", error)
            self._troubled = str(error)
