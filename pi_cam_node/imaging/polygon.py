"""A mask's polygon, parsed from text into its corners. Pure, and light enough for the camera's process."""

from __future__ import annotations

import re

POINTS_MIN, POINTS_MAX = 3, 32
FORM = f"a polygon of {POINTS_MIN} to {POINTS_MAX} points, each x,y from 0 to 1: 0,0 0.4,0 0.4,0.5"

# As fine as the widest picture has pixels, and short enough for a message to the camera's process.
_DECIMALS = 4
_NUMBER = re.compile(r"[0-9]*\.?[0-9]{1,12}(?:e-?[0-9]{1,2})?", re.ASCII | re.IGNORECASE)

Point = tuple[float, float]
Polygon = tuple[Point, ...]


def parse_polygon(text: str) -> Polygon:
    """Return the corners of a mask, relative to the width and the height of the picture.

    Raises:
        ValueError: The text is no polygon; the message says which part of it is wrong.
    """
    points = tuple(_point(word) for word in text.split())
    if not POINTS_MIN <= len(points) <= POINTS_MAX:
        raise ValueError(f"{len(points)} points are no polygon, expected {FORM}")
    return points


def _point(word: str) -> Point:
    numbers = word.split(",")
    if len(numbers) != 2 or not all(map(_NUMBER.fullmatch, numbers)):
        raise ValueError(f"{word[:40]!r} is no point, expected {FORM}")
    x, y = (round(float(number), _DECIMALS) for number in numbers)
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise ValueError(f"the point {word[:40]} lies outside the picture, expected {FORM}")
    return x, y
