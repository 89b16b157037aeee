"""Converts pictures of the camera's process to numbered frames."""

from __future__ import annotations

from pi_cam_node.base.clock import Clock, utc_of
from pi_cam_node.camera.source import Opened
from pi_cam_node.camera.worker.messages import Image
from pi_cam_node.imaging.frame import Frame, Layout, RawImage


class FrameFactory:
    """Creates numbered frames; numbers increase over all sessions of the camera. Thread: one.

    Attributes:
        size: Width and height of the pictures of this session, in pixels.
        is_live: Whether consecutive pictures must differ: not for films and completely masked pictures.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seq = 0
        self._layout: Layout = "bgr"
        self.size = (0, 0)
        self.is_live = False

    def begin(self, opened: Opened) -> None:
        """Start a session: note size and layout of its pictures."""
        self._layout, self.size, self.is_live = opened.layout, opened.size, opened.live

    def frame(self, image: Image) -> Frame:
        """Return a picture as a frame."""
        self._seq += 1
        mono_s = image.captured_mono_s
        return Frame(
            self._seq,
            image.exposed_mono_s,
            mono_s,
            utc_of(mono_s, self._clock),
            self.size,
            image.mode,
            image.brightness,
            image.jpeg,
            image.quality,
            image.sensor.plausible(),
            image.ring_jpeg,
            image.jpegs,
            RawImage(self.size, self._layout, image.raw) if image.raw is not None else None,
            image.preview,
            image.motion,
        )


def has_possible_times(image: Image, now_s: float) -> bool:
    """Return whether the times of a picture and its packets are not in the future, with a second of tolerance."""
    if not 0 <= image.exposed_mono_s <= image.captured_mono_s <= now_s + 1:
        return False
    return not image.packets or max([packet.mono_s for packet in image.packets]) <= now_s + 1
