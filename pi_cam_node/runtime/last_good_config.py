"""The last configuration with which the camera delivered for a while, beside the configuration file: ``<name>.good``.

It is used where the file cannot be, or where starts with it come to nothing. Only its owner may read it, since the file
it comes from may hold secrets.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from pi_cam_node.base.atomic_files import replace_atomically
from pi_cam_node.base.errors import NodeError
from pi_cam_node.base.frozen import frozen
from pi_cam_node.config import Config
from pi_cam_node.config.loader import MAX_FILE_BYTES
from pi_cam_node.config.writer import rewritten

_log = logging.getLogger(__name__)


@frozen
class StateFiles:
    """Paths of the files that a node reads at its next start.

    Attributes:
        starts: The count of starts; ``None`` where there is no place for it.
        good: The last good configuration; ``None`` likewise.
        private: That privacy is on; ``None`` likewise. Unlike the one with the pictures it does not move with them.
        events: The database of events; ``None`` likewise.
        link_key: The key of signed links; ``None`` likewise.
        names: Under which names the node announced itself; ``None`` likewise.
        lock: Held by the process that uses them; ``None`` likewise.
    """

    starts: Path | None
    good: Path | None
    private: Path | None = None
    events: Path | None = None
    link_key: Path | None = None
    names: Path | None = None
    lock: Path | None = None


def state_files(path: Path | None, environ: Mapping[str, str]) -> StateFiles:
    """Return where they are: in systemd's ``STATE_DIRECTORY``, else beside the configuration file.

    Args:
        path: The configuration file, ``None`` where there is none.
        environ: Where ``STATE_DIRECTORY`` is looked up.
    """
    given = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if path is None and not given:
        return StateFiles(None, None)
    folder = Path(given) if given else path.absolute().parent if path is not None else Path()
    name = path.name if path is not None else "config.yaml"
    ends = ("starts", "good", "privacy_on", "events.db", "http_link_key", "names", "lock")
    return StateFiles(*(folder / f"{name}.{end}" for end in ends))


class LastGood:
    """The file. Thread: any, but one at a time.

    Args:
        file: Where it is; ``None`` where there is no place for it.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._troubled = ""

    def forget(self) -> Path | None:
        """Keep nothing any more, and return the file, to be removed by the caller."""
        file, self._file = self._file, None
        return file

    def read(self) -> bytes | None:
        """Return its content, ``None`` where there is none that can be read."""
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
        """Keep settings that have proved themselves; nothing is written where they are there already.

        Args:
            base: The content that they were loaded from, whose comments, order and secrets are kept.
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
                _log.warning("the last good configuration is not kept: %s", error)
            self._troubled = str(error)
