"""Decides which brightness is worth telling: a dead-band that follows the noise of the scene.

Cars, clouds and leaves move the mean luma of a street by more than any fixed dead-band, several times a minute and for
ever, and each value that is told is a row in a user's database. So a value has to lie beyond what the scene did in
the last minutes: the farthest that it went from its own mean, forgotten slowly, times `NOISE_FACTOR`. A lamp, dawn and
dusk lie beyond it. What was told in the middle of a car is put right when the scene has settled; what stays as it was
told, such as a lamp, was no noise, so that the lamp's end is told at once, too. Pure; times are monotonic.
"""

from __future__ import annotations

import math
from collections import deque

from pi_cam_node.config.sections.telemetry import TelemetryConfig

# By day the exposure keeps the brightness, so a change of the light is told from this share on.
LUX_STEP = 0.2
# A value told may lie at one end of the noise, and the next at the other.
NOISE_FACTOR = 2.0
# Over what time the mean is taken, and in what time noise is forgotten.
MEAN_S, MEMORY_S = 20.0, 120.0
# What happens now is noise only after this time: first it may be a lamp, whose light takes some frames to settle.
LEARN_AFTER_S, WAITING_MAX = 5.0, 512
# A value within the noise that is not the scene's usual one is put right after this time.
SETTLED_S = 60.0
# A value told that the scene kept for this time, steady at its end, was a change of the light.
KEPT_S, STEADY_S = 15.0, 10.0


class _Change:
    """A value that was told because it lay beyond the noise; the scene may keep it.

    Args:
        level: What was told.
        now_s: When.
        before: What was told before it.
        noise: What the scene did before.
    """

    def __init__(self, level: float, now_s: float, before: float, noise: float) -> None:
        self.level, self.told_s, self.before, self.noise = level, now_s, before, noise
        self._low = self._high = level
        self._is_steady = False

    def is_over(self, level: float, now_s: float) -> bool:
        """Note a later measurement; return whether it can be judged."""
        if now_s - self.told_s < KEPT_S - STEADY_S:
            return False
        if not self._is_steady:
            self._low = self._high = level
            self._is_steady = True
        self._low, self._high = min(self._low, level), max(self._high, level)
        return now_s - self.told_s >= KEPT_S

    def was_kept(self, least: float) -> bool:
        """Return whether the scene stayed at the level that was told; `least` is the least dead-band."""
        band = max(least, NOISE_FACTOR * self.noise)
        return self._high - self._low <= band and abs((self._low + self._high) / 2 - self.level) <= band


class BrightnessRule:
    """The value told last, and the noise of the scene. Used by the node thread."""

    def __init__(self) -> None:
        self._told: tuple[float, float | None, float] | None = None
        self._mean = self._noise = 0.0
        self._seen_s: float | None = None
        self._distances: deque[tuple[float, float]] = deque(maxlen=WAITING_MAX)
        self._change: _Change | None = None

    @property
    def noise(self) -> float:
        """Farthest distance of the last minutes' values from their mean, in levels; older ones count less."""
        return self._noise

    def camera_lost(self) -> None:
        """Tell the first value of the camera that comes back, whatever it is."""
        self._told = self._seen_s = self._change = None

    def is_news(self, level: float, lux: float | None, now_s: float, limits: TelemetryConfig) -> bool:
        """Note a measurement; return whether it is to be told.

        Args:
            level: Mean luma, 0 to 255.
            lux: Illuminance where it is known.
            now_s: Of the measurement.
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
        """Return the change that goes on, or began; ``None`` where the scene is again as it was before."""
        before, noise = (self._change.before, self._change.noise) if self._change else (told, self._noise)
        is_back = abs(level - before) < max(least, NOISE_FACTOR * noise)
        return None if is_back else _Change(level, now_s, before, noise)

    def _judge_change(self, level: float, now_s: float, least: float) -> None:
        """Forget what was learned of a change of the light as if it were noise."""
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
