"""Erases all data of a node, on disk and at the broker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pi_cam_node.base.atomic_files import parts_of, sync_directory
from pi_cam_node.base.errors import NotSaved
from pi_cam_node.config import Config
from pi_cam_node.core.erase_report import EraseReport
from pi_cam_node.mqtt.blocking_client import NoBroker
from pi_cam_node.mqtt.former_names import zone_names
from pi_cam_node.mqtt.messages.topics import topics_of
from pi_cam_node.mqtt.retained_cleanup import Cleared, clear_retained
from pi_cam_node.runtime.last_good_config import LastGood
from pi_cam_node.runtime.start_counter import StartCounter
from pi_cam_node.storage import privacy_marker
from pi_cam_node.storage.directory import is_plain_file
from pi_cam_node.storage.erase import Removed, erase_folder
from pi_cam_node.web.auth import signed_links, token

OURS = (privacy_marker.FILE_NAME, token.FILE_NAME, signed_links.FILE_NAME)


def erase_all(config: Config, starts: StartCounter, good: LastGood, *others: Path | None) -> EraseReport:
    """Delete pictures, index, state, token and retained messages; return a report.

    Files with a path in the settings (configuration, password, token, certificates, log) belong to the owner and are
    kept. A failure does not stop the rest.

    Args:
        config: The settings.
        starts: Counter of starts; disabled.
        good: Last good configuration; disabled.
        others: Further files: privacy marker, key of signed links, former names, database.

    Thread: any; takes some seconds.
    """
    kept = [path for path in (starts.forget(), good.forget(), *others) if path is not None]
    state = [file for path in kept for file in (path, *parts_of(path)) if is_plain_file(file)]
    swept = Cleared(0, 0, 0)
    try:
        removed = erase_folder(config.export.base_dir, OURS)
    except NotSaved as error:
        removed = Removed(trouble=(str(error),))
    removed = removed.and_files(state)
    trouble = list(removed.trouble)
    trouble += _unsynced({path.parent for path in state})
    try:
        swept = clear_retained(config.mqtt, topics_of(config), zones=zone_names(config))
    except NoBroker as error:
        trouble.append(f"the retained topics stay: {error}")
    if swept.refused:
        trouble.append(f"the broker refused to empty {swept.refused} topics; see its ACL")
    return EraseReport(
        str(config.export.base_dir),
        removed.pictures,
        removed.files,
        removed.size_bytes,
        swept.found,
        swept.left,
        tuple(trouble),
    )


def _unsynced(folders: Iterable[Path]) -> Iterator[str]:
    """Sync folders after deletions; yield a message for each failure."""
    for folder in folders:
        try:
            sync_directory(folder)
        except OSError as error:
            yield f"a power cut may bring back what was removed from {folder}: {error.strerror}"
