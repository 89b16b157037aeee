"""Automatic saving of pictures at an interval."""

from __future__ import annotations

from pi_cam_node.base.schedule import NEVER_S
from pi_cam_node.config import ExportConfig


class AutoSave:
    """Schedules a picture every ``export.auto_save_interval_s``; a failed one is not retried.

    Pure: times are monotonic, in seconds.

    Attributes:
        due_s: When the next picture is due; never, while disabled or the camera is offline.
    """

    def __init__(self, export: ExportConfig, now_s: float) -> None:
        self._saved_s = now_s
        self._interval_s = 0.0
        self.due_s = NEVER_S
        self.configure(export, now_s)

    def configure(self, export: ExportConfig, now_s: float) -> None:
        """Apply new settings; once enabled, the first picture follows after one interval."""
        if self._interval_s == 0:
            self._saved_s = now_s
        self._interval_s = export.auto_save_interval_s
        self.due_s = self._saved_s + self._interval_s if self._interval_s else NEVER_S

    def saved(self, now_s: float) -> None:
        """Start a new interval."""
        self._saved_s = now_s
        self.due_s = now_s + self._interval_s

    def postpone(self, until_s: float) -> None:
        """Do not save before a time, while the exposure settles or the camera is offline (`NEVER_S`)."""
        self.due_s = until_s

    def camera_back(self) -> None:
        """Resume after the camera's return."""
        self.due_s = self._saved_s + self._interval_s if self._interval_s else NEVER_S


def verb_of(export: ExportConfig) -> str:
    """Return the command for automatic saves."""
    return "pastStack" if export.auto_save_use_ring else "save"
