"""Automatic saving of pictures at an interval."""

from __future__ import annotations

from pi_cam_node.base.schedule import NEVER_S
from pi_cam_node.config import ExportConfig


class AutoSave:
    """Schedules a picture each ``export.auto_save_interval_s``; a failure waits for the next one.

    Pure: times are monotonic, in seconds.

    Attributes:
        due_s: When the next picture is due; never, while it is switched off or the camera is away.
    """

    def __init__(self, export: ExportConfig, now_s: float) -> None:
        self._saved_s = now_s
        self._interval_s = 0.0
        self.due_s = NEVER_S
        self.configure(export, now_s)

    def configure(self, export: ExportConfig, now_s: float) -> None:
        """Apply new settings; after switching on, the first picture comes an interval later."""
        if self._interval_s == 0:
            self._saved_s = now_s
        self._interval_s = export.auto_save_interval_s
        self.due_s = self._saved_s + self._interval_s if self._interval_s else NEVER_S

    def saved(self, now_s: float) -> None:
        """Count the next interval from now."""
        self._saved_s = now_s
        self.due_s = now_s + self._interval_s

    def postpone(self, until_s: float) -> None:
        """Save not before a time: the exposure settles, or the camera is away (`NEVER_S`)."""
        self.due_s = until_s

    def camera_back(self) -> None:
        """Save when it is due, now that frames arrive again."""
        self.due_s = self._saved_s + self._interval_s if self._interval_s else NEVER_S


def verb_of(export: ExportConfig) -> str:
    """Return the command that saves a picture by the clock."""
    return "pastStack" if export.auto_save_use_ring else "save"
