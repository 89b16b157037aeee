"""Synthetic scenes for the motion detector: disturbances without motion, and persons.

Luma of 320x240 at ten pictures per second: a static scene of 1/f texture with sensor noise for `quiet_s`, then one
disturbance. Seeds and sizes are parameters, so that rules are not fitted to one drawing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

WIDTH, HEIGHT, FPS = 320, 240, 10
DISTURBANCES = (
    "quiet_day", "quiet_night", "exposure_step", "ae_ramp", "own_switch", "ir_switch", "lamp_on", "clouds", "flicker",
    "rain", "snow", "keyframe_pumping",
)  # fmt: skip
# Light and movement that the detector cannot distinguish from an object.
UNDECIDABLE = ("headlights", "tree")
# When the person appears, in seconds after the quiet part.
PERSONS = {
    "person": 0.0, "person_low_contrast": 0.0, "person_far": 0.0, "person_fast": 0.0, "person_during_clouds": 10.0,
    "person_after_switch": 5.0,
}  # fmt: skip
_YY, _XX = np.mgrid[0:HEIGHT, 0:WIDTH].astype(float)

Image = Any


@dataclass(frozen=True)
class Shot:
    """A picture of a scene: time, luma, and whether the node has just switched its camera."""

    at_s: float
    luma: Image
    own: bool = False


def _pink(rng: np.random.Generator, power: float) -> Image:
    fy, fx = np.fft.fftfreq(HEIGHT)[:, None], np.fft.rfftfreq(WIDTH)[None]
    frequency = np.sqrt(fx * fx + fy * fy)
    frequency[0, 0] = 1
    spectrum = rng.normal(size=frequency.shape) + 1j * rng.normal(size=frequency.shape)
    image = np.fft.irfft2(spectrum / frequency**power, s=(HEIGHT, WIDTH))
    return (image - image.mean()) / image.std()


class Scene:
    """One scene, drawn picture by picture."""

    def __init__(
        self, name: str, *, seed: int = 3, quiet_s: float = 25.0, long_s: float = 35.0, size: float = 1.0
    ) -> None:
        """Prepare a scene.

        Args:
            name: One of `DISTURBANCES`, `UNDECIDABLE` or `PERSONS`.
            seed: Seed of texture and noise.
            quiet_s: Seconds without a change.
            long_s: Seconds of the disturbance.
            size: Scale of the persons.
        """
        rng = np.random.default_rng(seed)
        base = np.clip(105 + 38 * _pink(rng, 1.25), 5, 245)
        for _ in range(14):
            x, y, w, h = (
                rng.integers(0, WIDTH - 30),
                rng.integers(0, HEIGHT - 30),
                rng.integers(8, 70),
                rng.integers(8, 70),
            )
            base[y : y + h, x : x + w] = 0.45 * base[y : y + h, x : x + w] + 0.55 * rng.integers(30, 220)
        self._base, self._infrared = base, np.clip(70 + 30 * _pink(rng, 1.4), 0, 255)
        self._rng = np.random.default_rng(seed + 8)
        self._name, self._quiet_s, self._long_s, self._size = name, quiet_s, long_s, size
        self.person_s = quiet_s + PERSONS.get(name, 0.0)

    def __iter__(self) -> Iterator[Shot]:
        draw: Callable[[Image, float], Image] = getattr(self, f"_{self._name}")
        for k in range(int((self._quiet_s + self._long_s) * FPS)):
            at_s = k / FPS
            image, since_s = self._base.copy(), at_s - self._quiet_s
            noise = 6.0 if self._name == "quiet_night" else 1.2
            if since_s >= 0:
                image = draw(image, since_s)
                noise = 5.0 if self._name in ("own_switch", "person_after_switch") else noise
            image = image + self._rng.normal(0, noise, image.shape)
            yield Shot(at_s, np.clip(image, 0, 255).astype(np.uint8), own=self._is_own(since_s))

    def _is_own(self, since_s: float) -> bool:
        if self._name == "own_switch":
            return 0 <= since_s < 0.05 or 2 <= since_s < 2.05
        return self._name == "person_after_switch" and 0 <= since_s < 0.05

    # ------------------------------------------------------------ disturbances

    def _quiet_day(self, image: Image, _t: float) -> Image:
        return image

    _quiet_night = _quiet_day

    def _exposure_step(self, image: Image, _t: float) -> Image:
        return image * 1.5

    def _ae_ramp(self, image: Image, t: float) -> Image:
        return image * (1 + 0.5 * min(1, t / 2.5))

    def _own_switch(self, image: Image, t: float) -> Image:
        return image * 0.45 + 10 if t < 2 else image * 1.3

    def _ir_switch(self, image: Image, _t: float) -> Image:
        return 0.35 * image + 0.9 * self._infrared * (1.2 - 0.6 * np.hypot(_XX - 160, _YY - 120) / 200)

    def _lamp_on(self, image: Image, _t: float) -> Image:
        return image + 90 * np.exp(-(((_XX - 200) / 90) ** 2 + ((_YY - 60) / 80) ** 2))

    def _clouds(self, image: Image, t: float) -> Image:
        return image * (1 + 0.22 * np.sin(2 * np.pi * t / 9))

    def _flicker(self, image: Image, t: float) -> Image:
        return image * (1 + 0.07 * np.sin(2 * np.pi * (_YY / 60 + t * 1.7)))

    def _rain(self, image: Image, _t: float) -> Image:
        rng = self._rng
        for _ in range(45):
            x, y = int(rng.integers(0, WIDTH)), int(rng.integers(0, HEIGHT - 14))
            cv2.line(image, (x, y), (x + 1, y + int(rng.integers(5, 13))), (float(rng.integers(150, 210)),), 1)
        return image

    def _snow(self, image: Image, _t: float) -> Image:
        for _ in range(60):
            x, y = int(self._rng.integers(0, WIDTH)), int(self._rng.integers(0, HEIGHT))
            cv2.circle(image, (x, y), int(self._rng.integers(1, 3)), (225.0,), -1)
        return image

    def _keyframe_pumping(self, image: Image, t: float) -> Image:
        return cv2.GaussianBlur(image, (0, 0), 1.1) if int(t * 2) % 4 == 0 else image

    def _headlights(self, image: Image, t: float) -> Image:
        phase = t % 8
        if phase >= 1.2:
            return image
        return image + 110 * np.exp(-(((_XX - (phase / 1.2 * 500 - 90)) / 70) ** 2 + ((_YY - 120) / 60) ** 2))

    def _tree(self, image: Image, t: float) -> Image:
        dx = 2.2 * np.sin(2 * np.pi * t / 2.3) + 0.8 * np.sin(2 * np.pi * t / 0.9)
        matrix = np.array([[1, 0, dx], [0, 1, 0.4 * dx]], np.float32)
        part = self._base[20:120, 20:130]
        image[20:120, 20:130] = cv2.warpAffine(part, matrix, (110, 100), borderMode=cv2.BORDER_REFLECT)
        return image

    # ------------------------------------------------------------ persons

    def _walker(self, image: Image, t: float, grey: float = 70.0, speed: float = 45.0) -> Image:
        if 0 <= t < 8:
            axes = (int(13 * self._size), int(40 * self._size))
            cv2.ellipse(image, (int(-15 + t * speed), 135), axes, 0, 0, 360, (grey,), -1)
        return image

    def _person(self, image: Image, t: float) -> Image:
        return self._walker(image, t)

    def _person_low_contrast(self, image: Image, t: float) -> Image:
        return image - 14 * self._walker(np.zeros_like(image), t, 1.0)

    def _person_far(self, image: Image, t: float) -> Image:
        if t < 20:
            axes = (int(3 * self._size), int(9 * self._size))
            # Different from the grey of the background, as so small an object would be invisible otherwise.
            behind = float(self._base[61:79, 60:100].mean())
            grey = min((60.0, 160.0), key=lambda each: -abs(each - behind))
            cv2.ellipse(image, (int(60 + t * 10), 70), axes, 0, 0, 360, (grey,), -1)
        return image

    def _person_fast(self, image: Image, t: float) -> Image:
        return self._walker(image, t, speed=350.0) if t < 1 else image

    def _person_during_clouds(self, image: Image, t: float) -> Image:
        return self._walker(self._clouds(image, t), t - 10)

    def _person_after_switch(self, image: Image, t: float) -> Image:
        return self._walker(image * 1.3, t - 5)
