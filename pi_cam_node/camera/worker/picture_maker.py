"""Processes each picture in the camera's process: rotate, mask, measure, label and encode, in this order.

Masks are applied before any analysis and before anything leaves the process; the label after all measurements, so that
a clock in it causes no motion and does not hide a frozen camera.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from pi_cam_node.camera.source import BadImage, Opened, Shot
from pi_cam_node.camera.worker.messages import Deliver, Image, Output, Planes
from pi_cam_node.camera.worker.shared_memory import slot_bytes
from pi_cam_node.camera.worker.video_packets import OpenEncoder, VideoPackets, open_board_encoder
from pi_cam_node.imaging import jpeg
from pi_cam_node.imaging.encoders import JpegEncoder
from pi_cam_node.imaging.frame import Demand, Layout
from pi_cam_node.imaging.jpeg import Pixels, SoftwareJpegEncoder
from pi_cam_node.imaging.label import Label
from pi_cam_node.imaging.luma import halved_to, mean_luma
from pi_cam_node.imaging.lux import lux_of
from pi_cam_node.imaging.masks import Masks
from pi_cam_node.imaging.motion.interface import MotionReport, MotionSettings
from pi_cam_node.imaging.orientation import Orientation
from pi_cam_node.imaging.polygon import Polygon

if TYPE_CHECKING:
    from pi_cam_node.imaging.motion.pacing import MotionAnalysis

# Maximum number of pending requests, as in the node, which repeats dropped ones.
_DEMANDS_MAX = 64
PREVIEW_QUALITY = 70
# Tolerance for early pictures, as they are not spaced evenly.
_SLACK_S = 0.02


class PictureMaker:
    """Processes the pictures of one session. Thread: one.

    Attributes:
        opened: Properties of the source after rotation.
    """

    def __init__(
        self,
        opened: Opened,
        orientation: Orientation,
        masks: Sequence[Polygon],
        output: Output,
        *,
        encoder: JpegEncoder | None = None,
        open_video: OpenEncoder = open_board_encoder,
    ) -> None:
        """Prepare for the pictures of an opened source.

        Args:
            opened: Properties granted by the source.
            orientation: Rotation and mirroring not done by the source.
            masks: Masks relative to the rotated picture.
            output: Processing of each picture.
            encoder: Encodes JPEGs; by default in software.
            open_video: Opens a video encoder; by default the board's.

        Raises:
            ValueError: Size or layout is invalid.
        """
        self._shape = shape_of(opened.size, opened.layout)
        self._turning = None if orientation.is_upright else orientation
        self._layout: Layout = opened.layout
        size = orientation.size_of(opened.size)
        self._masks = Masks(masks, size, opened.layout) if masks else None
        self._visible = self._masks.visible if self._masks else 1.0
        self._is_plain = self._masks is None and orientation == Orientation()
        # A completely masked picture does not change, which is no fault.
        self.opened = replace(opened, size=size, live=opened.live and self._visible > 0)
        self._encoder = encoder or SoftwareJpegEncoder()
        self._fingerprint = Fingerprint()
        self._pending: list[Deliver] = []
        self._shares_planes = False
        self._motion: MotionAnalysis | None = None
        self._video = VideoPackets(size, opened.layout, open_video)
        self.configure(output)

    def configure(self, output: Output) -> None:
        """Change the processing, from the next picture on."""
        self._output = output
        if output.motion is None:
            self._motion = None
        elif self._motion is None:
            self._motion = _motion_analysis(output.motion)
        else:
            self._motion.configure(output.motion)
        self._label = Label(output.label, output.name) if output.label else None
        self._video.configure(output.video)

    def close(self) -> None:
        """Release the board's encoder."""
        self._video.close()

    def deliver(self, order: Deliver) -> None:
        """Add requested data to the first new enough picture; a repeating request replaces an earlier one."""
        is_repeating = order.demand.times > 1
        kept = [each for each in self._pending if each.demand.times == 1] if is_repeating else self._pending
        self._pending = [*kept[1 - _DEMANDS_MAX :], order]

    def share(self, *, planes: bool) -> None:
        """Start or stop adding the planes to each picture."""
        self._shares_planes = planes

    def make(self, shot: Shot) -> Image:
        """Process an image; return the picture.

        Raises:
            BadImage: The image differs from the size or layout that the source announced.
        """
        self._check(shot.pixels)
        pixels = shot.pixels if self._turning is None else self._turning.apply(shot.pixels, self._layout)
        if self._masks is not None:
            pixels = self._masks.apply(pixels)
        # Masked pixels are black, so they add nothing to the sum, but the mean must be corrected for their number.
        brightness = min(255.0, mean_luma(pixels, self._layout) / self._visible) if self._visible else 0.0
        checksum, flat = self._fingerprint.of(pixels, shot.captured_mono_s)
        motion = self._look_for_motion(pixels, shot)
        if self._label is not None:
            pixels = self._labelled(pixels, shot, brightness, self._label)
        quality = self._output.quality
        picture, layout = self._to_encode(pixels)
        small = None if self._output.ring_size is None else jpeg.resize(picture, layout, self._output.ring_size)
        image = Image(
            shot.exposed_mono_s,
            shot.captured_mono_s,
            shot.mode,
            shot.sensor,
            brightness,
            checksum,
            flat,
            quality,
            self._encoder.encode(picture, layout, quality),
            None if small is None else self._encoder.encode(small, layout, quality),
            motion=motion,
            packets=self._video.of(shot, pixels, is_plain=self._is_plain and self._label is None),
            planes=self._planes(picture if small is None else small, layout),
        )
        due = self._due(shot.exposed_mono_s)
        return self._with_more(image, pixels, due) if due else image

    def controls_changed(self, mono_s: float) -> None:
        """Record a change of the camera's exposure, so that its effect does not count as motion."""
        if self._motion is not None:
            self._motion.switched(mono_s)

    def _look_for_motion(self, pixels: Pixels, shot: Shot) -> MotionReport | None:
        if self._motion is None:
            return None
        return self._motion.look(pixels, self._layout, shot.captured_mono_s, shot.mode)

    def _due(self, exposed_mono_s: float) -> list[Demand]:
        if not self._pending:
            return []
        due = [each.demand for each in self._pending if each.after_mono_s <= exposed_mono_s]
        if due:
            later = [each for each in self._pending if each.after_mono_s > exposed_mono_s]
            self._pending = [*later, *[_next_of(each, exposed_mono_s) for each in due if each.times > 1]]
        return due

    def _with_more(self, image: Image, pixels: Pixels, due: Sequence[Demand]) -> Image:
        """Add requested data to a picture."""
        others = sorted({each.quality for each in due if each.quality is not None} - {image.quality})
        return replace(
            image,
            jpegs={other: self._encoder.encode(pixels, self._layout, other) for other in others},
            raw=pixels.tobytes() if any(each.raw for each in due) else None,
            preview=self._preview(pixels, due),
        )

    def _labelled(self, pixels: Pixels, shot: Shot, brightness: float, label: Label) -> Pixels:
        at = datetime.now(UTC) - timedelta(seconds=time.monotonic() - shot.captured_mono_s)
        lux = lux_of(brightness, shot.sensor.plausible())
        return label.draw(pixels, self._layout, label.text(at, shot.mode, lux))

    def _to_encode(self, pixels: Pixels) -> tuple[Pixels, Layout]:
        """Return the pixels to encode: planes if these are shared, so that colours are converted once."""
        if self._shares_planes and self._layout == "bgr" and not (pixels.shape[0] % 2 or pixels.shape[1] % 2):
            return jpeg.to_i420(pixels), "i420"
        return pixels, self._layout

    def _planes(self, picture: Pixels, layout: Layout) -> Planes | None:
        if not self._shares_planes or layout != "i420":
            return None
        return Planes(jpeg.size_of(picture, layout), np.ascontiguousarray(picture).data.cast("B"))

    def _preview(self, pixels: Pixels, due: Sequence[Demand]) -> bytes | None:
        """Return a small JPEG of a picture, if requested."""
        wanted = [(each.preview_bytes, each.preview_px) for each in due if each.preview_bytes is not None]
        if not wanted:
            return None
        most_bytes, width_px = (min(values) for values in zip(*wanted, strict=True))
        small = halved_to(pixels, self._layout, width_px)
        quality = min(self._output.quality, PREVIEW_QUALITY)
        picture = self._encoder.encode(small, self._layout, quality)
        if len(picture) <= most_bytes:
            return picture
        from pi_cam_node.imaging.thumbnails import thumbnail  # noqa: PLC0415 - 4 MiB for brokers with such a limit

        return thumbnail(picture, width_px, most_bytes)

    def _check(self, pixels: Pixels) -> None:
        if pixels.shape != self._shape or pixels.dtype != np.uint8:
            raise BadImage(f"an image of {pixels.dtype} {pixels.shape} came instead of uint8 {self._shape}")


def _next_of(demand: Demand, exposed_mono_s: float) -> Deliver:
    """Return a repeating request updated for the time after a picture with this exposure."""
    return Deliver(exposed_mono_s + demand.every_s - _SLACK_S, replace(demand, times=demand.times - 1))


def _motion_analysis(settings: MotionSettings) -> MotionAnalysis:
    """Return the detector. Imported here, as it loads OpenCV, which is not needed without motion detection."""
    from pi_cam_node.imaging.motion.pacing import MotionAnalysis  # noqa: PLC0415 - see above

    return MotionAnalysis(settings)


class Fingerprint:
    """Checksums of pictures, for detecting a frozen camera.

    A sensor has noise, so its pictures are never identical. One sixteenth of the rows is sampled once per second, and
    at every picture while they are identical; this takes a fraction of a millisecond.
    """

    LOOK_S = 1.0
    _ROW_STEP = 16
    # Differences by rounding in a flat picture decoded from JPEG.
    _FLAT_LEVELS = 2

    def __init__(self) -> None:
        self._checksum: int | None = None
        self._looked_s = float("-inf")
        self._is_alike = False

    def of(self, pixels: Pixels, now_s: float) -> tuple[int | None, bool]:
        """Return the checksum of a picture (``None`` if not sampled), and whether its rows are flat.

        If pictures differ, only the first is checked for flatness, as the node may know it from before a restart.
        """
        if not self._is_alike and now_s - self._looked_s < self.LOOK_S:
            return None, False
        self._looked_s = now_s
        rows = np.ascontiguousarray(pixels[:: self._ROW_STEP])
        checksum = zlib.crc32(rows.data)
        is_first = self._checksum is None
        self._is_alike, self._checksum = checksum == self._checksum, checksum
        return checksum, (is_first or self._is_alike) and self._is_flat(rows)

    def _is_flat(self, rows: Pixels) -> bool:
        """Return whether all pixels of the sampled rows are equal in each channel."""
        # The lower third of I420 rows is chroma; only luma counts.
        luma = rows if rows.ndim == 3 else rows[: len(rows) * 2 // 3]
        flat = luma.reshape(-1, luma.shape[-1] if luma.ndim == 3 else 1)
        return bool((flat.max(axis=0) - flat.min(axis=0)).max() <= self._FLAT_LEVELS)


def shape_of(size: tuple[int, int], layout: Layout) -> tuple[int, ...]:
    """Return the array shape of a picture size and layout.

    Raises:
        ValueError: The size is invalid for the layout.
    """
    slot_bytes(size)
    width, height = size
    if layout == "bgr":
        return (height, width, 3)
    if width % 2 or height % 2:
        raise ValueError(f"an i420 picture of {width}x{height} pixels")
    return (height * 3 // 2, width)
