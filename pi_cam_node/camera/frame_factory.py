"""Makes frames of images: numbers them, and says what only the node knows of them."""

from __future__ import annotations

from collections.abc import Sequence

from pi_cam_node.base.clock import Clock, utc_of
from pi_cam_node.camera.source import Opened, Shot
from pi_cam_node.imaging.frame import Frame
from pi_cam_node.imaging.jpeg import Layout
from pi_cam_node.imaging.masks import Masks
from pi_cam_node.imaging.polygon import Polygon


class FrameFactory:
    """Numbers grow over all sessions of the camera. Used by one thread.

    Attributes:
        is_live: The images of this session ought to differ: a film may stand still, and so may what is all masked.
    """

    def __init__(self, clock: Clock, masks: Sequence[Polygon]) -> None:
        self._clock = clock
        self._masks = masks
        self._seq = 0
        self._layout: Layout = "bgr"
        self.is_live = False
        self._visible = 1.0

    def begin(self, opened: Opened) -> None:
        """Take report of what the images of a session are like, and so of how much of them the masks leave."""
        self._layout = opened.layout
        self._visible = Masks(self._masks, opened.size, opened.layout).visible if self._masks else 1.0
        self.is_live = opened.live and self._visible > 0

    def frame(self, shot: Shot) -> Frame:
        """Return an image as a frame."""
        self._seq += 1
        mono_s = shot.captured_mono_s
        return Frame(
            self._seq,
            shot.exposed_mono_s,
            mono_s,
            utc_of(mono_s, self._clock),
            shot.pixels,
            self._layout,
            shot.mode,
            shot.sensor.plausible(),
            self._visible,
        )
