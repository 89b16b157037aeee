"""Listener that logs events for people."""

from __future__ import annotations

import logging

from pi_cam_node.config.values import as_text
from pi_cam_node.core.activity_events import RecordingFailed, RecordingSaved, SceneEventBegan
from pi_cam_node.core.events import Event, ModeChanged, PictureSaved, SettingChanged, SettingsRolledBack
from pi_cam_node.system import log

_log = logging.getLogger(__name__)


class EventLog:
    """Writes events into the log, and sets its level. Thread: the node thread."""

    def on_event(self, event: Event) -> None:
        """See `pi_cam_node.core.events.Listener`."""
        match event:
            case ModeChanged(mode=mode, cause=cause):
                _log.info("it is %s (%s)", mode, cause)
            case PictureSaved(paths=paths):
                _log.info("saved %s", ", ".join(map(str, paths)))
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
