"""Logs the start of the node and its events."""

from __future__ import annotations

import logging

from pi_cam_node import __version__
from pi_cam_node.config import NodeConfig
from pi_cam_node.config.sections.node import has_container_id
from pi_cam_node.config.values import as_text
from pi_cam_node.core.activity_events import RecordingFailed, RecordingSaved, SceneEventBegan
from pi_cam_node.core.events import Event, ModeChanged, PictureSaved, SettingChanged, SettingsRolledBack
from pi_cam_node.system import log
from pi_cam_node.system.process import tight_limits

_log = logging.getLogger(__name__)

CONTAINER_ID = (
    "node.id is {}, which looks like a container's host name: made anew, the container is another device, and the old "
    "one stays; name the node in the configuration file, `node: {{id: porch}}`, or by PI_CAM_NODE__NODE__ID=porch"
)


def log_start(config: NodeConfig, boot_id: str) -> None:
    """Log the start, and warn of low resource limits and of a node id that changes with the container."""
    _log.info("node %s (boot %s) starts, version %s", config.id, boot_id, __version__)
    for line in tight_limits():
        _log.warning("%s", line)
    if has_container_id(config):
        _log.warning("%s", CONTAINER_ID.format(config.id))


class EventLog:
    """Logs events, and applies the log level. Thread: the node thread."""

    def on_event(self, event: Event) -> None:
        """See `pi_cam_node.core.events.Listener`."""
        match event:
            case ModeChanged(mode=mode, cause=cause):
                _log.info("it is %s (%s)", mode, cause)
            case PictureSaved(paths=paths):
                _log.info("saved %s", ", ".join(paths))
            case SceneEventBegan(event=row):
                _log.info("event %s begins (%s)", row.id, row.cause)
            case RecordingSaved(film=film):
                _log.info("recorded %s, %.1f s (%s)", film.path, film.seconds, film.reason)
            case RecordingFailed(failure=failure):
                _log.warning("nothing is recorded: %s", failure.reason)
            case SettingChanged(key=key, value=value):
                if key == "logging.level":
                    log.set_level(value)
                _log.info("%s is now %s", key, as_text(value))
            case SettingsRolledBack(settings=restored, reason=reason):
                _log.error("rolled back %s: %s", ", ".join(restored), reason)
