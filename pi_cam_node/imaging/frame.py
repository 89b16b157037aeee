"""A frame: one encoded picture of the camera with its metadata; immutable, shared by all readers.

Pixels stay in the camera's process, which processes and encodes each picture once for all readers; additional data is
delivered on request, see `Demand`. Does not import numpy.
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
        """Return the metadata without impossible values, such as NaN, which some drivers report."""
        if self is NO_FIGURES:
            return self
        return Sensor(
            self.exposure_us if _lies(self.exposure_us, 0, 3_600_000_000) else None,
            self.gain if _lies(self.gain, 0, 10_000) else None,
            self.lux if _lies(self.lux, 0, 1_000_000) else None,
            self.temperature_c if _lies(self.temperature_c, -100, 200) else None,
        )


NO_FIGURES = Sensor()
"""Metadata of a camera that reports none."""


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
    """Additional data requested with a frame besides its usual JPEG.

    Attributes:
        quality: A JPEG of this quality; ``None``: none.
        raw: Whether to include its pixels.
        preview_bytes: Greatest size of a small JPEG; ``None``: none.
        preview_px: Greatest width of the small JPEG, which is reached by halving.
        times: Number of frames. A repeating request replaces an earlier one.
        every_s: Seconds between two of these frames.
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
        seq: Number of the frame since the start of the node; increasing, perhaps with gaps.
        exposed_mono_s: Lower bound of the begin of exposure, monotonic seconds.
        captured_mono_s: End of exposure, monotonic seconds.
        captured_at: The same in UTC.
        size: Width and height in pixels.
        mode: Mode in which the camera took the frame.
        brightness: Mean luma of unmasked parts, 0 (black) to 255 (white), Rec. 601 weights, full range.
        jpeg: The picture as a JPEG.
        quality: JPEG quality of ``jpeg``.
        sensor: Sensor metadata of the frame.
        ring_jpeg: The smaller JPEG for the ring, if ``ring.downscale`` is enabled.
        jpegs: JPEGs of requested qualities.
        raw: Its pixels, if requested.
        preview: A small JPEG, if requested.
        motion: Report of the motion detector; ``None`` if the frame was not analysed.
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

    # Compared by identity, as comparing pictures takes time.
    __eq__, __hash__ = object.__eq__, object.__hash__

    def jpeg_at(self, quality: int) -> bytes | None:
        """Return the JPEG of a quality; ``None`` if the frame has none."""
        return self.jpeg if quality == self.quality else self.jpegs.get(quality)

    def meets(self, demand: Demand) -> bool:
        """Return whether the frame has all requested data."""
        has_jpeg = demand.quality is None or self.jpeg_at(demand.quality) is not None
        has_preview = demand.preview_bytes is None or self.preview is not None
        return has_jpeg and has_preview and (self.raw is not None or not demand.raw)

    @property
    def size_bytes(self) -> int:
        """Size of all data of the frame."""
        raw, small = self.raw.data if self.raw else b"", (self.ring_jpeg or b"", self.preview or b"")
        parts = (self.jpeg, *small, *self.jpegs.values(), raw)
        return sum(map(len, parts))
