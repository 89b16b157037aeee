"""Scenery of the synthetic camera: a house with a garden, drawn once per size.

Reflectances and colours only; `pi_cam_node.camera.sources.synthetic.scene` puts light on them.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from pi_cam_node.base.frozen import frozen
from pi_cam_node.imaging.jpeg import Pixels

# As in `imaging`, which is not imported here.
cv2.setNumThreads(1)

Chroma = npt.NDArray[np.float32]

# Everything is drawn on a canvas of this size and then scaled; coordinates below are in its pixels.
_CANVAS = (1024, 768)
_HORIZON = 470


@frozen
class Paint:
    """Colour of a surface: reflectance in lookup steps, and distance from grey towards blue and red."""

    step: int
    blue: int = 0
    red: int = 0


SKY, FAR_HILL, HILL = Paint(150, 16, -8), Paint(92, 8, -6), Paint(70, -4, -8)
LAWN, PATH, FENCE = Paint(74, -14, -14), Paint(112, -4, 4), Paint(165, -2, 2)
WALL, ROOF, DOOR = Paint(128, -10, 10), Paint(58, -8, 22), Paint(36, 10, -4)
GLASS, FRAME, TRUNK, LEAVES = Paint(30, 8, -4), Paint(190), Paint(40, -6, 8), Paint(44, -12, -12)


class Canvas:
    """Three planes that are drawn together."""

    def __init__(self) -> None:
        width, height = _CANVAS
        self.planes = [np.zeros((height, width), np.float32) for _ in range(3)]

    def polygon(self, paint: Paint, *points: tuple[int, int]) -> None:
        """Fill a polygon."""
        outline = np.array(points, np.int32)
        for plane, value in zip(self.planes, (paint.step, paint.blue, paint.red), strict=True):
            cv2.fillPoly(plane, [outline], (float(value),), cv2.LINE_AA)

    def box(self, paint: Paint, left: int, top: int, right: int, bottom: int) -> None:
        """Fill an upright rectangle."""
        self.polygon(paint, (left, top), (right, top), (right, bottom), (left, bottom))

    def disc(self, paint: Paint, centre: tuple[int, int], radius: int) -> None:
        """Fill a circle."""
        for plane, value in zip(self.planes, (paint.step, paint.blue, paint.red), strict=True):
            cv2.circle(plane, centre, radius, (float(value),), cv2.FILLED, cv2.LINE_AA)


def draw(width: int, height: int, mean_step: int) -> tuple[Pixels, Chroma, Chroma]:
    """Return reflectances as (height, width) uint8 lookup steps, and blue and red shifts at half that size.

    Args:
        width: In pixels, even.
        height: In pixels, even.
        mean_step: Mean of the reflectances, in lookup steps.
    """
    canvas = Canvas()
    _land(canvas)
    _house(canvas)
    _garden(canvas)
    luma, blue, red = canvas.planes
    luma += _grain(luma.shape)
    view = cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA)
    scaled = view * (mean_step / float(np.mean(view)))
    half = (width // 2, height // 2)
    shifts = [np.asarray(cv2.resize(p, half, interpolation=cv2.INTER_AREA), np.float32) for p in (blue, red)]
    return np.asarray(np.clip(scaled, 8, 250), np.uint8), shifts[0], shifts[1]


def _land(canvas: Canvas) -> None:
    for row in range(_HORIZON):  # paler towards the horizon
        canvas.box(Paint(SKY.step - 30 + row * 60 // _HORIZON, SKY.blue, SKY.red), 0, row, 1023, row + 1)
    canvas.polygon(
        FAR_HILL, (0, 400), (170, 330), (380, 395), (620, 300), (860, 390), (1023, 350), (1023, 480), (0, 480)
    )
    canvas.polygon(HILL, (0, 430), (250, 385), (520, 450), (800, 400), (1023, 440), (1023, 490), (0, 490))
    canvas.box(LAWN, 0, _HORIZON, 1023, 767)
    canvas.polygon(PATH, (742, 560), (798, 560), (660, 767), (430, 767))


def _house(canvas: Canvas) -> None:
    canvas.box(WALL, 600, 340, 940, 562)
    canvas.polygon(ROOF, (565, 350), (650, 225), (890, 225), (975, 350))
    canvas.box(ROOF, 840, 190, 880, 260)
    canvas.box(FRAME, 738, 438, 802, 562)
    canvas.box(DOOR, 744, 444, 796, 562)
    for left in (635, 840):
        canvas.box(FRAME, left - 6, 384, left + 72, 462)
        canvas.box(GLASS, left, 390, left + 30, 456)
        canvas.box(GLASS, left + 36, 390, left + 66, 456)


def _garden(canvas: Canvas) -> None:
    canvas.polygon(TRUNK, (176, 620), (190, 420), (214, 420), (232, 620))
    for centre, radius in (((200, 330), 105), ((125, 390), 70), ((275, 385), 72), ((200, 410), 80)):
        canvas.disc(LEAVES, centre, radius)
    for left in range(0, 560, 34):
        canvas.polygon(FENCE, (left, 610), (left, 530), (left + 11, 518), (left + 22, 530), (left + 22, 610))
    for top in (545, 585):
        canvas.box(FENCE, 0, top, 560, top + 8)


def _grain(shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Return a reproducible texture of grass, leaves and plaster, fine and coarse."""
    random = np.random.default_rng(7)
    fine = random.normal(0, 4, shape).astype(np.float32)
    coarse = cv2.resize(random.normal(0, 5, (shape[0] // 16, shape[1] // 16)).astype(np.float32), shape[::-1])
    return cv2.GaussianBlur(fine, (3, 3), 0) + coarse
