"""Encoder interfaces for software and hardware; the software JPEG encoder is `jpeg.SoftwareJpegEncoder`.

Encoders get processed pictures (rotated, masked, labelled), so none can leak masked parts.
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
    """Parameters of video from the board's encoder.

    Attributes:
        quality: 1 to 100; see `recording.quality`.
        rate_hz: Pictures a second, for the bit rate of each.
    """

    quality: int
    rate_hz: float


class JpegEncoder(Protocol):
    """Encodes pictures to JPEG; the place of a board's encoder."""

    def encode(self, pixels: Pixels, layout: Layout, quality: int) -> bytes:
        """Return the picture as a baseline 4:2:0 JPEG of the given quality (1 to 100)."""
        ...


class VideoEncoder(Protocol):
    """Encodes pictures to H.264, in order of time. Thread: one."""

    def encode(self, pixels: Pixels, layout: Layout, mono_s: float) -> Sequence[Packet]:
        """Encode a picture taken at a monotonic time, and return the packets that are ready."""
        ...

    def close(self) -> None:
        """Release the encoder; remaining packets are dropped."""
        ...
