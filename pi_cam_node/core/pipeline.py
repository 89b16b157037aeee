"""Processing stages of each frame, in fixed order: measure, decide, keep, show.

Takes frames, returns events. Stages are called in `process`.
"""

from __future__ import annotations

from pi_cam_node.config import Config
from pi_cam_node.core.events import BrightnessMeasured, Event, LiveFrameDue, ModeChanged, ModeWanted, RingMeasured
from pi_cam_node.core.rules.brightness import BrightnessRule
from pi_cam_node.core.rules.night import NightController
from pi_cam_node.core.rules.ring import Ring, RingFrame
from pi_cam_node.imaging.frame import Frame, Mode
from pi_cam_node.imaging.lux import lux_of

# Least change, and least interval, of the published seconds of the ring.
RING_STEP_S = 1.0
RING_INTERVAL_S = 5.0
# Tolerance for jitter: a frame that is early by less than this is taken.
SLACK_S = 0.02


class Pipeline:
    """Passes each frame through the stages. Used by the node thread."""

    def __init__(self, config: Config, ring: Ring, night: NightController) -> None:
        self.configure(config)
        self._ring = ring
        self._night = night
        self._mode: Mode | None = None
        self._light = BrightnessRule()
        self._told_ring: tuple[float, float] | None = None
        self._shown_s = float("-inf")
        self.latest: Frame | None = None

    def configure(self, config: Config) -> None:
        """Apply new settings."""
        self._config = config
        live = config.homeassistant
        self._live_interval_s = 1 / live.camera_fps if live.shows_live else None

    def process(self, frame: Frame, now_s: float, events: list[Event]) -> None:
        """Process a frame and append the resulting events."""
        self.latest = frame
        self._measure(frame, now_s, events)
        self._decide(frame, now_s, events)
        self.keep(frame, now_s, events)
        self._show(frame, now_s, events)

    def camera_lost(self) -> None:
        """Reset values that only a running camera reports."""
        self._light.camera_lost()
        self.latest = None

    def _measure(self, frame: Frame, now_s: float, events: list[Event]) -> None:
        level, lux = frame.brightness, lux_of(frame.brightness, frame.sensor)
        if self._light.is_news(level, lux, now_s, self._config.telemetry):
            events.append(BrightnessMeasured(level, lux))

    def _decide(self, frame: Frame, now_s: float, events: list[Event]) -> None:
        wanted = self._night.observe(frame.mode, frame.brightness, now_s)
        if frame.mode != self._mode:
            self._mode = frame.mode
            events.append(ModeChanged(frame.mode, self._night.cause, frame.captured_at))
        if wanted is not None:
            events.append(ModeWanted(wanted))

    def keep(self, frame: Frame, now_s: float, events: list[Event]) -> None:
        """Add a frame to the ring; the only stage for late frames of a lost camera."""
        jpeg = frame.ring_jpeg or frame.jpeg
        self._ring.add(RingFrame(frame.seq, frame.captured_mono_s, frame.captured_at, jpeg, frame.mode, frame.sensor))
        if self._told_ring is not None and now_s - self._told_ring[1] < RING_INTERVAL_S:
            return
        seconds = self._ring.seconds
        if self._told_ring is not None and abs(seconds - self._told_ring[0]) < RING_STEP_S:
            return
        self._told_ring = (seconds, now_s)
        events.append(RingMeasured(seconds))

    def _show(self, frame: Frame, now_s: float, events: list[Event]) -> None:
        if self._live_interval_s is None:
            return
        # A small picture was demanded for this.
        if frame.preview is not None or now_s - self._shown_s >= self._live_interval_s - SLACK_S:
            self._shown_s = now_s
            events.append(LiveFrameDue(frame))
