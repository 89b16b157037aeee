"""One image with its facts. Made by a source, never changed, shared by everything that looks at it.

The JPEG and the brightness are computed at the first demand and kept, so that ring, stream,
thumbnail and file pay for them once between them.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import numpy as np

from pi_cam_node.imaging import jpeg
from pi_cam_node.imaging.jpeg import Layout, Pixels
from pi_cam_node.imaging.luma import mean_luma

Mode = Literal["day", "night"]


@dataclass(frozen=True, slots=True)
class Sensor:
    """What the sensor says about a frame. Every field may be missing: many cameras say nothing.

    Attributes:
        exposure_us: Exposure time in microseconds.
        gain: Analogue gain, 1.0 or more.
        lux: Estimated illuminance of the scene, in lux.
        temperature_c: Temperature of the sensor, in degrees Celsius.
    """

    exposure_us: int | None = None
    gain: float | None = None
    lux: float | None = None
    temperature_c: float | None = None

    def plausible(self) -> Sensor:
        """Return it without values that no sensor can have, NaN among them: a driver's nonsense is no measurement."""
        return Sensor(
            self.exposure_us if _lies(self.exposure_us, 0, 3_600_000_000) else None,
            self.gain if _lies(self.gain, 0, 10_000) else None,
            self.lux if _lies(self.lux, 0, 1_000_000) else None,
            self.temperature_c if _lies(self.temperature_c, -100, 200) else None,
        )


def _lies(value: float | None, least: float, most: float) -> bool:
    return value is not None and least <= value <= most


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One image.

    Attributes:
        seq: Number of the frame since the node started; grows, may skip, never repeats.
        exposed_mono_s: Monotonic time before which the exposure did not begin.
        captured_mono_s: Monotonic time at which the exposure had ended.
        captured_at: The same in UTC.
        pixels: uint8, read-only. ``bgr``: (height, width, 3) in B, G, R order. ``i420``: the Y, U
            and V planes one after the other as (height * 3 / 2, width), full range, no padding.
        layout: Which of the two.
        mode: What the camera was set to when it took the frame.
        sensor: What the sensor says.
        visible: Share of the pixels that no mask blackens, 0.0 to 1.0.
    """

    seq: int
    exposed_mono_s: float
    captured_mono_s: float
    captured_at: datetime
    pixels: Pixels
    layout: Layout
    mode: Mode
    sensor: Sensor = Sensor()
    visible: float = 1.0
    _made: dict[int, bytes] = field(default_factory=dict, init=False, repr=False)
    _luma: list[float] = field(default_factory=list, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse pixels that are not what the layout says, and lock them."""
        wanted = 3 if self.layout == "bgr" else 2
        if self.pixels.dtype != np.uint8 or self.pixels.ndim != wanted or 0 in self.pixels.shape:
            raise ValueError(f"{self.layout} pixels of shape {self.pixels.shape} and type {self.pixels.dtype}")
        self.pixels.flags.writeable = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return jpeg.size_of(self.pixels, self.layout)

    @property
    def brightness(self) -> float:
        """Mean luma of what no mask covers, 0 (black) to 255 (white), Rec. 601 weights, full range."""
        if not self._luma:  # once measured it is read without the lock, which an encoder may hold for long
            with self._lock:
                if not self._luma:
                    # Masked pixels are black, so they add nothing to the sum and only make the count too large.
                    mean = mean_luma(self.pixels, self.layout)
                    self._luma.append(min(255.0, mean / self.visible) if self.visible else 0.0)
        return self._luma[0]

    def jpeg(self, quality: int) -> bytes:
        """Return the frame as a JPEG; made once per quality.

        Thread: any.
        """
        with self._lock:
            if quality not in self._made:
                self._made[quality] = jpeg.encode(self.pixels, self.layout, quality)
            return self._made[quality]

    def made(self, quality: int) -> bytes | None:
        """Return the JPEG of a quality if there is one already; never encodes, never waits.

        Thread: any.
        """
        return self._made.get(quality)

    def bgr(self) -> Pixels:
        """Return the pixels as (height, width, 3) uint8 in B, G, R order."""
        return jpeg.to_bgr(self.pixels, self.layout)
