"""What the log says of what happened, for people."""

from __future__ import annotations

import logging

from pi_cam_node.config.values import as_text
from pi_cam_node.core.events import Event, ModeChanged, PictureSaved, SettingChanged, SettingsRolledBack

_log = logging.getLogger(__name__)


def log_event(event: Event) -> None:
    """Log an event that people want to know of."""
    match event:
        case ModeChanged(mode=mode, cause=cause):
            _log.info("it is %s (%s)", mode, cause)
        case PictureSaved(paths=paths):
            _log.info("saved %s", ", ".join(map(str, paths)))
        case SettingChanged(key=key, value=value):
            _log.info("%s is now %s", key, as_text(value))
        case SettingsRolledBack(settings=restored, reason=reason):
            _log.error("rolled back %s: %s", ", ".join(restored), reason)
