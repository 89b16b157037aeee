"""Frames as produced by the camera's process, and image tasks executed in the calling thread."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from pi_cam_node.imaging import task_functions
from pi_cam_node.imaging.frame import Frame, Layout, Mode, RawImage, Sensor
from pi_cam_node.imaging.jpeg import Pixels, encode, size_of
from pi_cam_node.imaging.luma import mean_luma
from pi_cam_node.imaging.tasks import ImageTasks

IMAGES = ImageTasks(task_functions.run)
AT = datetime(2026, 11, 20, tzinfo=UTC)
QUALITY = 85


def i420_of(luma: Pixels) -> Pixels:
    """Return a grey picture in planes."""
    height, width = luma.shape
    return np.concatenate([luma, np.full((height // 2, width), 128, np.uint8)])


def raw_of(pixels: Pixels, layout: Layout = "bgr") -> RawImage:
    """Return pixels as bytes."""
    return RawImage(size_of(pixels, layout), layout, pixels.tobytes())


def frame_of(
    pixels: Pixels,
    seq: int = 1,
    mono_s: float = 0.1,
    at: datetime = AT,
    *,
    exposed_mono_s: float | None = None,
    layout: Layout = "bgr",
    mode: Mode = "day",
    quality: int = QUALITY,
    others: Sequence[int] = (),
    raw: bool = False,
) -> Frame:
    """Return a frame of pixels: exposed for 10 ms unless told otherwise, encoded, and with what else is asked for."""
    return Frame(
        seq,
        mono_s - 0.01 if exposed_mono_s is None else exposed_mono_s,
        mono_s,
        at,
        size_of(pixels, layout),
        mode,
        mean_luma(pixels, layout),
        encode(pixels, layout, quality),
        quality,
        Sensor(),
        jpegs={other: encode(pixels, layout, other) for other in others},
        raw=raw_of(pixels, layout) if raw else None,
    )
