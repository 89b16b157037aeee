"""Rotates and mirrors pictures, e.g. of a camera that is mounted upside down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pi_cam_node.base.frozen import frozen

if TYPE_CHECKING:
    from pi_cam_node.imaging.frame import Layout
    from pi_cam_node.imaging.jpeg import Pixels
    from pi_cam_node.imaging.polygon import Point

Rotation = Literal[0, 90, 180, 270]


@frozen
class Orientation:
    """Rotation of a picture, followed by mirroring.

    Attributes:
        rotation: Degrees clockwise.
        hflip: Mirror left and right.
        vflip: Mirror top and bottom.
    """

    rotation: Rotation = 0
    hflip: bool = False
    vflip: bool = False

    @property
    def flips(self) -> tuple[bool, bool]:
        """Mirrorings, horizontal and vertical, that do the same where the rotation is 0 or 180 degrees."""
        is_turned = self.rotation == 180
        return self.hflip != is_turned, self.vflip != is_turned

    @property
    def is_upright(self) -> bool:
        """Whether the picture stays as it is."""
        return self.rotation in (0, 180) and self.flips == (False, False)

    def size_of(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return width and height of the turned picture."""
        width, height = size
        return (height, width) if self.rotation in (90, 270) else size

    def moved(self, point: Point, to: Orientation) -> Point:
        """Convert a point of the rotated picture to another orientation.

        Both are relative to the width and the height of their pictures.
        """
        x, y = point
        x, y = (1 - x if self.hflip else x), (1 - y if self.vflip else y)
        for _ in range((to.rotation - self.rotation) % 360 // 90):
            x, y = 1 - y, x
        x, y = (1 - x if to.hflip else x), (1 - y if to.vflip else y)
        return round(x, 4), round(y, 4)

    def apply(self, pixels: Pixels, layout: Layout) -> Pixels:
        """Return the turned picture: uint8 in the same layout, of its own memory unless nothing is to be done."""
        if self.is_upright:
            return pixels
        import numpy as np  # noqa: PLC0415 - the node's process needs the settings and no pixels

        if layout == "bgr":
            return np.ascontiguousarray(self._turned(pixels))
        from pi_cam_node.imaging.jpeg import planes  # noqa: PLC0415

        turned = [self._turned(plane) for plane in planes(pixels)]
        height, width = turned[0].shape
        return np.concatenate([plane.reshape(-1) for plane in turned]).reshape(height * 3 // 2, width)

    def _turned(self, plane: Pixels) -> Pixels:
        import numpy as np  # noqa: PLC0415

        if self.rotation in (90, 270):
            plane = np.rot90(plane, -self.rotation // 90)
            hflip, vflip = self.hflip, self.vflip
        else:
            hflip, vflip = self.flips
        return plane[:: -1 if vflip else 1, :: -1 if hflip else 1]


# What EXIF says in a number from 1 to 8: where the top and the left of the scene are in the stored picture.
OF_EXIF = {
    1: Orientation(),
    2: Orientation(hflip=True),
    3: Orientation(180),
    4: Orientation(vflip=True),
    5: Orientation(90, hflip=True),
    6: Orientation(90),
    7: Orientation(90, vflip=True),
    8: Orientation(270),
}
