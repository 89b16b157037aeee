"""When the next picture by interval is due."""

from __future__ import annotations

from pi_cam_node.config import ExportConfig


class AutoSave:
    """Counts the interval; never before the exposure has settled, and a failure waits for the next interval. Pure."""

    def __init__(self, now_s: float) -> None:
        self._saved_s = now_s

    def due(self, export: ExportConfig, *, is_settled: bool, now_s: float) -> str | None:
        """Return the verb that saves the picture which is due, ``None`` where none is.

        Args:
            export: The settings in force.
            is_settled: Frames arrive, and their exposure has settled.
            now_s: Monotonic time.
        """
        if export.auto_save_interval_s == 0:
            self._saved_s = now_s
            return None
        if now_s - self._saved_s < export.auto_save_interval_s or not is_settled:
            return None
        self._saved_s = now_s
        return "pastStack" if export.auto_save_use_ring else "save"
