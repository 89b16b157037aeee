"""Renders the pictures of the synthetic camera as I420 planes.

They show a garden, lit as a sensor would see it (linear light, saturation, gamma 2.2), a moving ball, noise
proportional to the square root of the gain, and the frame number twice: as digits for people, and for programs as a
strip of 24 black and white blocks, which survives JPEG compression.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from pi_cam_node.camera.sources.synthetic.scenery import draw
from pi_cam_node.imaging.jpeg import Pixels, planes

GAMMA = 2.2
NUMBER_BITS = 24
# Linear mean of the picture, as a share of saturation, for one lux-second at gain 1: 400 lux in 10 ms are middle grey.
MEAN_PER_LUX_S = 0.18 / 4
# Mean of the texture in lookup steps; reflectances up to 3 times the mean stay below 255.
_MEAN_STEP = 80
_NOISE_AT_GAIN_1 = 2.0
# The noise of a frame is a window into one larger field at a random offset; two frames use the same offset with
# probability 1 / margin².
_NOISE_MARGIN_PX = 64


class Scene:
    """One view, in one size.

    Thread: one.
    """

    def __init__(self, width: int, height: int, seed: int | None = None) -> None:
        """Draw the texture.

        Args:
            width: In pixels, even.
            height: In pixels, even.
            seed: Makes the noise repeatable.
        """
        self.size = (width, height)
        self._random = np.random.default_rng(seed)
        self._texture, self._blue, self._red = draw(width, height, _MEAN_STEP)
        self._frame = np.full((height * 3 // 2, width), 128, np.uint8)
        self._lit = np.empty_like(self._texture)
        self._ball = 0
        self._exposed = self._noise_level = 0.0
        self._noise: tuple[Pixels, Pixels] = (self._lit, self._lit)

    def render(self, number: int, second: float, lux_s: float, gain: float, *, ball: bool = True) -> Pixels:
        """Return the picture as I420 (height * 3 / 2, width) uint8, valid until the next call.

        Args:
            number: Frame number to draw.
            second: Time of the scene in seconds, which determines the position of the ball.
            lux_s: Light times exposure time, in lux-seconds, before the gain.
            gain: Analogue gain.
            ball: Whether the ball is drawn.
        """
        self._expose(lux_s * gain)
        self._make_noise(gain)
        y = planes(self._frame)[0]
        np.copyto(y, self._lit)
        if ball:
            self._draw_ball(y, second)
        self._add_noise(y)
        burn_in(y, number)
        return self._frame

    def _expose(self, product: float) -> None:
        """Apply the exposure to the texture again if it changed by more than 1 %."""
        if self._exposed and abs(product / self._exposed - 1) < 0.01:
            return
        self._exposed = product
        reflectance = np.arange(256) / _MEAN_STEP
        linear = np.minimum(1.0, reflectance * product * MEAN_PER_LUX_S)
        curve = np.rint(255 * linear ** (1 / GAMMA)).astype(np.uint8)
        cv2.LUT(self._texture, curve, self._lit)
        self._ball = int(curve[230])
        # Colour saturation is proportional to the light.
        strength = float(curve[_MEAN_STEP]) / 64
        for plane, shift in zip(planes(self._frame)[1:], (self._blue, self._red), strict=True):
            np.copyto(plane, np.rint(128 + shift * strength), casting="unsafe")

    def _make_noise(self, gain: float) -> None:
        level = _NOISE_AT_GAIN_1 * 2 ** (round(2 * math.log2(max(1.0, gain))) / 4)
        if level == self._noise_level:
            return
        self._noise_level = level
        shape = tuple(length + _NOISE_MARGIN_PX for length in self._texture.shape)
        field = self._random.standard_normal(shape, dtype=np.float32) * np.float32(level)
        # As two unsigned arrays: OpenCV adds and subtracts bytes with saturation in one pass each.
        self._noise = (np.rint(np.maximum(field, 0)).astype(np.uint8), np.rint(np.maximum(-field, 0)).astype(np.uint8))

    def _add_noise(self, y: Pixels) -> None:
        top, left = self._random.integers(0, _NOISE_MARGIN_PX, 2)
        height, width = y.shape
        more, less = (half[top : top + height, left : left + width] for half in self._noise)
        cv2.add(y, more, y)
        cv2.subtract(y, less, y)

    def _draw_ball(self, y: Pixels, second: float) -> None:
        height, width = y.shape
        centre = (
            round(width * (0.5 + 0.4 * math.sin(second * 0.7))),
            round(height * (0.55 + 0.3 * math.sin(second * 1.1))),
        )
        cv2.circle(y, centre, max(4, height // 12), (self._ball,), cv2.FILLED)


def _strip(width: int, height: int) -> tuple[int, int, int]:
    """Return left edge, width and height of the number's blocks in pixels; the strip begins in row 0."""
    block = width // NUMBER_BITS
    return (width - block * NUMBER_BITS) // 2, block, max(8, height // 48)


def burn_in(y: Pixels, number: int) -> None:
    """Draw a frame number into a luma plane, as blocks along the upper edge and as digits below them."""
    height, width = y.shape
    left, block, rows = _strip(width, height)
    bits = (number >> np.arange(NUMBER_BITS - 1, -1, -1)) & 1
    y[:rows] = 0
    y[:rows, left : left + block * NUMBER_BITS] = np.repeat(bits.astype(np.uint8) * 255, block)
    scale = max(0.3, height / 1000)
    text, line = f"{number:06d}", round(30 * scale)
    y[rows : rows + line, : round(125 * scale)] = 0
    corner, thickness = (2, rows + round(0.8 * line)), max(1, round(scale * 1.5))
    cv2.putText(y, text, corner, cv2.FONT_HERSHEY_SIMPLEX, scale, (255,), thickness)


def number_of(luma: Pixels) -> int:
    """Return the number drawn by `burn_in`.

    Args:
        luma: A luma plane, or a grey picture of the same size, as (height, width) uint8; may be decoded from JPEG.
    """
    height, width = luma.shape
    left, block, rows = _strip(width, height)
    cells = luma[:rows, left : left + block * NUMBER_BITS].reshape(rows, NUMBER_BITS, block)
    number = 0
    for cell in cells.mean(axis=(0, 2)):
        number = number << 1 | int(cell > 127)
    return number
