"""When a picture is saved that nobody asked for but the clock."""

from __future__ import annotations

from pi_cam_node.config import ExportConfig


class AutoSave:
    """Saves by interval; a failure waits for the next one. Pure: times are monotonic, in seconds."""

    def __init__(self, now_s: float) -> None:
        self._saved_s = now_s

    def verb(self, export: ExportConfig, now_s: float, *, is_settled: bool) -> str:
        """Return the command that is due, empty for none.

        Args:
            export: The settings in force.
            now_s: The time.
            is_settled: Frames arrive and their exposure has settled; nothing is saved before.
        """
        if export.auto_save_interval_s == 0:
            self._saved_s = now_s
        if export.auto_save_interval_s == 0 or not is_settled or now_s - self._saved_s < export.auto_save_interval_s:
            return ""
        self._saved_s = now_s
        return "pastStack" if export.auto_save_use_ring else "save"
