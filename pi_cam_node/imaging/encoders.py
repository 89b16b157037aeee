"""Encoder interfaces, which hardware can implement; the JPEG encoder in software is `jpeg.SoftwareJpegEncoder`.

Whatever encodes gets pictures that are turned, masked and labelled already, so no encoder can leak what a mask hides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from pi_cam_node.base.frozen import frozen
from pi_cam_node.imaging.packet import Packet

if TYPE_CHECKING:
    from pi_cam_node.imaging.frame import Layout
    from pi_cam_node.imaging.jpeg import Pixels


@frozen
class VideoOutput:
    """Video that the camera's process makes where the board has an encoder.

    Attributes:
        quality: 1 to 100; see `recording.quality`.
        rate_hz: Pictures a second, for the bit rate of each.
    """

    quality: int
    rate_hz: float


class JpegEncoder(Protocol):
    """Makes JPEGs, one call for one picture."""

    def encode(self, pixels: Pixels, layout: Layout, quality: int) -> bytes:
        """Return the picture as a baseline 4:2:0 JPEG of the given quality (1 to 100)."""
        ...


class VideoEncoder(Protocol):
    """Makes H.264 of pictures in the order of time. Thread: one."""

    def encode(self, pixels: Pixels, layout: Layout, mono_s: float) -> Sequence[Packet]:
        """Encode a picture taken at a monotonic time, and return the packets that are ready."""
        ...

    def close(self) -> None:
        """Release the encoder; packets that are left are given up."""
        ...
