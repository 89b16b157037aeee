"""A frame: one picture of the camera with its metadata, as bytes. Immutable, shared by every reader.

Pixels stay in the camera's process, which turns, masks, labels, measures and encodes each picture once for all that
look; what else is needed of a picture comes along with it on demand, see `Demand`. Nothing here needs numpy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Literal

from pi_cam_node.base.frozen import frozen, statically_frozen
from pi_cam_node.imaging.motion.interface import MotionReport

Mode = Literal["day", "night"]
Layout = Literal["bgr", "i420"]

PREVIEW_WIDTH_PX = 640


@frozen
class Sensor:
    """Sensor metadata of a frame. Every field may be missing: many cameras report none.

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
        """Return the metadata without impossible values, NaN among them: a driver's nonsense is no measurement."""
        if self is NO_FIGURES:
            return self
        return Sensor(
            self.exposure_us if _lies(self.exposure_us, 0, 3_600_000_000) else None,
            self.gain if _lies(self.gain, 0, 10_000) else None,
            self.lux if _lies(self.lux, 0, 1_000_000) else None,
            self.temperature_c if _lies(self.temperature_c, -100, 200) else None,
        )


NO_FIGURES = Sensor()
"""Metadata of a camera that tells nothing."""


def _lies(value: float | None, least: float, most: float) -> bool:
    return value is not None and least <= value <= most


@frozen
class RawImage:
    """Pixels as bytes.

    Attributes:
        size: Width and height in pixels.
        layout: ``bgr``: rows of B, G, R. ``i420``: the Y, U and V planes one after the other, full range, no padding;
            width and height are even.
        data: The bytes, width * height * 3 or * 3 / 2 of them.
    """

    size: tuple[int, int]
    layout: Layout
    data: bytes = field(repr=False)


@frozen
class Demand:
    """Extra content requested of one frame beside its usual JPEG.

    Attributes:
        quality: A JPEG of this quality; ``None``: none.
        raw: Its pixels.
        preview_bytes: A small JPEG of so many bytes at most; ``None``: none.
        preview_px: Most that it is wide; the picture is halved as often as that takes.
        times: How many frames it is requested of. A demand of several replaces an earlier one of several.
        every_s: Seconds between two of them.
    """

    quality: int | None = None
    raw: bool = False
    preview_bytes: int | None = None
    preview_px: int = PREVIEW_WIDTH_PX
    times: int = 1
    every_s: float = 0.0


@statically_frozen
class Frame:
    """One picture.

    Attributes:
        seq: Number of the frame since the node started; grows, may skip, never repeats.
        exposed_mono_s: Monotonic time before which the exposure did not begin.
        captured_mono_s: Monotonic time at which the exposure had ended.
        captured_at: The same in UTC.
        size: Width and height in pixels.
        mode: Mode in which the camera took the frame.
        brightness: Mean luma of what no mask covers, 0 (black) to 255 (white), Rec. 601 weights, full range.
        jpeg: The picture as a JPEG.
        quality: JPEG quality of that.
        sensor: Sensor metadata of the frame.
        ring_jpeg: The smaller JPEG that the ring keeps, where ``ring.downscale`` asks for one.
        jpegs: The picture in the qualities that were demanded.
        raw: Its pixels, where they were demanded.
        preview: A small JPEG, where one was demanded.
        motion: Report of the motion detector; ``None`` where the frame was not analysed.
    """

    seq: int
    exposed_mono_s: float
    captured_mono_s: float
    captured_at: datetime
    size: tuple[int, int]
    mode: Mode
    brightness: float
    jpeg: bytes = field(repr=False)
    quality: int
    sensor: Sensor = NO_FIGURES
    ring_jpeg: bytes | None = field(default=None, repr=False)
    jpegs: Mapping[int, bytes] = field(default_factory=dict, repr=False)
    raw: RawImage | None = None
    preview: bytes | None = field(default=None, repr=False)
    motion: MotionReport | None = None

    # A frame is equal to itself alone: to compare pictures takes time.
    __eq__, __hash__ = object.__eq__, object.__hash__

    def jpeg_at(self, quality: int) -> bytes | None:
        """Return the JPEG of a quality, ``None`` where the frame does not hold it."""
        return self.jpeg if quality == self.quality else self.jpegs.get(quality)

    def meets(self, demand: Demand) -> bool:
        """Return whether the frame holds everything that is demanded."""
        has_jpeg = demand.quality is None or self.jpeg_at(demand.quality) is not None
        has_preview = demand.preview_bytes is None or self.preview is not None
        return has_jpeg and has_preview and (self.raw is not None or not demand.raw)

    @property
    def size_bytes(self) -> int:
        """Bytes of everything that the frame holds."""
        raw, small = self.raw.data if self.raw else b"", (self.ring_jpeg or b"", self.preview or b"")
        parts = (self.jpeg, *small, *self.jpegs.values(), raw)
        return sum(map(len, parts))
