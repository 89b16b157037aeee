"""Selects the pictures to analyse: a few per second without movement, more with movement.

The pictures of the last half second are kept, so that movement noticed at two pictures per second is tracked from its
first picture.
"""

from __future__ import annotations

from collections import deque

from pi_cam_node.imaging.frame import Layout
from pi_cam_node.imaging.jpeg import Pixels
from pi_cam_node.imaging.motion.detector import MotionDetector
from pi_cam_node.imaging.motion.interface import MotionReport, MotionSettings
from pi_cam_node.imaging.motion.small_luma import small_luma

# How long pictures are kept for catching up, and how long analysis stays fast after the last blob.
KEPT_S = 0.5
_ACTIVE_S = 2.0
# Analysis also stays fast after a gate, as light often continues to change.
_ACTIVE_AFTER_GATE_S = 6.0
# Tolerance for early pictures, as they are not spaced evenly.
_SLACK_S = 0.02


class MotionAnalysis:
    """Runs a detector on the pictures of one camera session. Thread: one."""

    def __init__(self, settings: MotionSettings) -> None:
        self._detector: MotionDetector | None = None
        self._size: tuple[int, int] | None = None
        self._mode = "day"
        self._kept: deque[tuple[float, Pixels]] = deque()
        self._analysed_s = self._active_until_s = float("-inf")
        self.configure(settings)

    def configure(self, settings: MotionSettings) -> None:
        """Apply new settings."""
        self._settings, self._active_fps = settings, settings.active_fps
        self._idle_fps = min(settings.idle_fps, settings.active_fps)
        if self._detector is not None:
            self._detector.configure(settings)

    def switched(self, mono_s: float) -> None:
        """Record a change of the camera's controls."""
        if self._detector is not None:
            self._detector.switched(mono_s, self._mode)
            self._kept.clear()

    def look(self, pixels: Pixels, layout: Layout, mono_s: float, mode: str) -> MotionReport | None:
        """Process a picture of any size if it is wanted; return a report if it was analysed; see `take`."""
        return self.take(small_luma(pixels, layout), mono_s, mode) if self.wants(mono_s) else None

    def take(self, luma: Pixels, mono_s: float, mode: str) -> MotionReport | None:
        """Process a small picture that is wanted; return a report if it was analysed.

        Args:
            luma: (height, width) uint8; must not be changed afterwards.
            mono_s: Monotonic time of the end of its exposure.
            mode: Mode of the picture, ``day`` or ``night``.
        """
        size = (luma.shape[1], luma.shape[0])
        if self._detector is None or size != self._size:
            self._detector, self._size = MotionDetector(size, self._settings), size
            self._kept.clear()
        if mode != self._mode:
            self._mode = mode
            self.switched(mono_s)
        rate_fps = self._active_fps if mono_s < self._active_until_s else self._idle_fps
        if mono_s - self._analysed_s < 1 / rate_fps - _SLACK_S:
            self._kept.append((mono_s, luma))
            while mono_s - self._kept[0][0] > KEPT_S:
                self._kept.popleft()
            return None
        report = self._detector.analyse(luma, mono_s, rate_fps, tuple(self._kept))
        self._kept.clear()
        self._analysed_s = mono_s
        if report.gate:
            self._active_until_s = mono_s + _ACTIVE_AFTER_GATE_S
        elif any(blob.failed in ("", "track") for blob in report.blobs):
            self._active_until_s = max(self._active_until_s, mono_s + _ACTIVE_S)
        return report

    def wants(self, mono_s: float) -> bool:
        """Return whether a picture of a time is to be passed to `take`, for analysis or catching up."""
        last_s = self._kept[-1][0] if self._kept else self._analysed_s
        return mono_s - last_s >= 1 / self._active_fps - _SLACK_S
