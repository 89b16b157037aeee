"""Decides which brightness values to publish: a dead-band that adapts to the noise of the scene.

Cars, clouds and leaves change the mean luma of a street by more than any fixed dead-band, several times a minute, and
each published value is a row in a user's database. So a value must differ by more than the noise: the slowly decaying
greatest distance from the mean in the last minutes, times `NOISE_FACTOR`. Lamps, dawn and dusk exceed it. A value
published during a disturbance is corrected once the scene has settled; a lasting change, such as a lamp, does not count
as noise, so that its end is published at once, too. No I/O; times are monotonic.
"""

from __future__ import annotations

import math
from collections import deque

from pi_cam_node.config.sections.telemetry import TelemetryConfig

# By day auto exposure keeps the brightness constant, so illuminance counts: least relative change.
LUX_STEP = 0.2
# Factor of the noise for the dead-band, as two values may lie at opposite ends.
NOISE_FACTOR = 2.0
# Time constants of the mean, and of the decay of noise.
MEAN_S, MEMORY_S = 20.0, 120.0
# Delay before a change counts as noise, since a lamp takes some frames to settle.
LEARN_AFTER_S, DISTANCES_MAX = 5.0, 512
# Time after which a published value that differs from the mean, within the noise, is corrected.
SETTLED_S = 60.0
# Time after which a published value that the scene has kept counts as a change of light.
KEPT_S, STEADY_S = 15.0, 10.0


class _Change:
    """A published change beyond the noise, which may or may not last.

    Args:
        level: Published value.
        now_s: Its time.
        before: Previous published value.
        noise: Noise before the change.
    """

    def __init__(self, level: float, now_s: float, before: float, noise: float) -> None:
        self.level, self.told_s, self.before, self.noise = level, now_s, before, noise
        self._low = self._high = level
        self._is_steady = False

    def is_over(self, level: float, now_s: float) -> bool:
        """Process a later measurement; return whether the change can be judged."""
        if now_s - self.told_s < KEPT_S - STEADY_S:
            return False
        if not self._is_steady:
            self._low = self._high = level
            self._is_steady = True
        self._low, self._high = min(self._low, level), max(self._high, level)
        return now_s - self.told_s >= KEPT_S

    def was_kept(self, least: float) -> bool:
        """Return whether the scene stayed at the published level; `least` is the least dead-band."""
        band = max(least, NOISE_FACTOR * self.noise)
        return self._high - self._low <= band and abs((self._low + self._high) / 2 - self.level) <= band


class BrightnessRule:
    """The last published value, and the noise of the scene. Used by the node thread."""

    def __init__(self) -> None:
        self._told: tuple[float, float | None, float] | None = None
        self._mean = self._noise = 0.0
        self._seen_s: float | None = None
        self._distances: deque[tuple[float, float]] = deque(maxlen=DISTANCES_MAX)
        self._change: _Change | None = None

    @property
    def noise(self) -> float:
        """Greatest distance of recent values from their mean, in levels, decaying."""
        return self._noise

    def camera_lost(self) -> None:
        """Publish the first value after the camera's return in any case."""
        self._told = self._seen_s = self._change = None

    def is_news(self, level: float, lux: float | None, now_s: float, limits: TelemetryConfig) -> bool:
        """Process a measurement; return whether to publish it.

        Args:
            level: Mean luma, 0 to 255.
            lux: Illuminance, if known.
            now_s: Time of the measurement.
            limits: The least dead-band, and the least time between two values.
        """
        self._learn(level, now_s)
        self._judge_change(level, now_s, limits.brightness_deadband)
        if self._told is not None:
            told, told_lux, told_s = self._told
            least = limits.brightness_deadband
            is_other = abs(level - told) >= max(least, NOISE_FACTOR * self._noise) or _is_other_light(lux, told_lux)
            is_usual = abs(level - self._mean) <= least <= abs(told - self._mean)
            if not is_other and not (is_usual and now_s - told_s >= SETTLED_S):
                return False
            if now_s - told_s < limits.brightness_min_interval_s:
                return False
            if is_other:
                self._change = self._changed(level, now_s, told, least)
        self._told = (level, lux, now_s)
        return True

    def _changed(self, level: float, now_s: float, told: float, least: float) -> _Change | None:
        """Return the current or new change; ``None`` if the scene has returned to its earlier level."""
        before, noise = (self._change.before, self._change.noise) if self._change else (told, self._noise)
        is_back = abs(level - before) < max(least, NOISE_FACTOR * noise)
        return None if is_back else _Change(level, now_s, before, noise)

    def _judge_change(self, level: float, now_s: float, least: float) -> None:
        """Discard noise that was learned from a lasting change of light."""
        change = self._change
        if change is None or not change.is_over(level, now_s):
            return
        self._change = None
        if change.was_kept(least):
            self._mean, self._noise = level, change.noise
            self._distances.clear()

    def _learn(self, level: float, now_s: float) -> None:
        if self._seen_s is None:
            self._mean, self._noise, self._seen_s = level, 0.0, now_s
            self._distances.clear()
            return
        passed_s = max(0.0, now_s - self._seen_s)
        self._noise *= math.exp(-passed_s / MEMORY_S)
        while self._distances and now_s - self._distances[0][0] >= LEARN_AFTER_S:
            self._noise = max(self._noise, self._distances.popleft()[1])
        self._distances.append((now_s, abs(level - self._mean)))
        self._mean += (1 - math.exp(-passed_s / MEAN_S)) * (level - self._mean)
        self._seen_s = now_s


def _is_other_light(lux: float | None, told: float | None) -> bool:
    if lux is None or told is None:
        return lux is not told
    return abs(lux - told) > LUX_STEP * max(lux, told)
