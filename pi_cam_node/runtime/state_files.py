"""Where a node keeps its state between starts: a file for each kind, in one folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pi_cam_node.base.frozen import frozen


@frozen
class StateFiles:
    """Paths of the state files that a node keeps between starts; each ``None`` if there is no folder for it.

    Attributes:
        starts: Counter of failed starts.
        good: Last good configuration.
        private: Privacy marker; unlike the one with the pictures it does not move with them.
        events: Database of events.
        link_key: Key of signed links.
        names: Former node ids.
        lock: Lock file, held by the process that uses the files.
    """

    starts: Path | None
    good: Path | None
    private: Path | None = None
    events: Path | None = None
    link_key: Path | None = None
    names: Path | None = None
    lock: Path | None = None


def state_files(path: Path | None, environ: Mapping[str, str]) -> StateFiles:
    """Return the state files: in systemd's ``STATE_DIRECTORY``, else beside the configuration file.

    Args:
        path: The configuration file; ``None`` if there is none.
        environ: Environment with ``STATE_DIRECTORY``.
    """
    given = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if path is None and not given:
        return StateFiles(None, None)
    folder = Path(given) if given else path.absolute().parent if path is not None else Path()
    name = path.name if path is not None else "config.yaml"
    ends = ("starts", "good", "privacy_on", "events.db", "http_link_key", "names", "lock")
    return StateFiles(*(folder / f"{name}.{end}" for end in ends))
