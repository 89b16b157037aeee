"""Parses areas of the picture: polygons of masks, and named zones. No I/O, no numpy."""

from __future__ import annotations

import re
from itertools import combinations

from pi_cam_node.base.frozen import frozen

POINTS_MIN, POINTS_MAX = 3, 32
FORM = f"a polygon of {POINTS_MIN} to {POINTS_MAX} points, each x,y from 0 to 1: 0,0 0.4,0 0.4,0.5"
ZONE_FORM = "a name, = and a polygon: door=0.1,0.2 0.5,0.2 0.5,0.9"

# As fine as the widest picture has pixels, and short enough for a message to the camera's process.
_DECIMALS = 4
# Of the parallelogram of three points, less than that of the smallest triangle on that grid.
_LEAST_AREA = 1e-9
_NUMBER = re.compile(r"[0-9]*\.?[0-9]{1,12}(?:e-?[0-9]{1,2})?", re.ASCII | re.IGNORECASE)
_ZONE_NAME = re.compile(r"[a-z0-9_-]{1,32}")

Point = tuple[float, float]
Polygon = tuple[Point, ...]


@frozen
class Zone:
    """A named area; corners relative to the width and the height of the picture."""

    name: str
    polygon: Polygon

    def holds(self, point: Point) -> bool:
        """Return whether a point lies in it, by the non-zero winding rule; the picture's edge belongs to it."""
        x, y = (min(each, 0.9999) for each in point)
        winding = 0
        for (x1, y1), (x2, y2) in zip(self.polygon, (*self.polygon[1:], self.polygon[0]), strict=True):
            if (y1 <= y) != (y2 <= y) and x1 + (y - y1) * (x2 - x1) / (y2 - y1) > x:
                winding += 1 if y2 > y1 else -1
        return winding != 0


def parse_polygon(text: str) -> Polygon:
    """Return the corners of a mask, relative to the width and the height of the picture.

    Raises:
        ValueError: The text is no polygon; the message says which part of it is wrong.
    """
    points = tuple(_point(word) for word in text.split())
    if not POINTS_MIN <= len(points) <= POINTS_MAX:
        raise ValueError(f"{len(points)} points are no polygon, expected {FORM}")
    if _is_line(points):
        raise ValueError(f"{text[:40]!r} covers nothing, as its points lie on one line, expected {FORM}")
    return points


def parse_zone(text: str) -> tuple[str, Polygon]:
    """Return name and corners of a zone.

    Raises:
        ValueError: The text is none; the message says which part of it is wrong.
    """
    name, equals, polygon = text.partition("=")
    if not equals or not _ZONE_NAME.fullmatch(name):
        raise ValueError(f"{name[:40]!r} is no name of a zone (a-z, 0-9, _ and -, at most 32), expected {ZONE_FORM}")
    return name, parse_polygon(polygon)


def _is_line(points: Polygon) -> bool:
    x, y = points[0]
    sides = [(x1 - x, y1 - y) for x1, y1 in points[1:]]
    return all(abs(x1 * y2 - x2 * y1) < _LEAST_AREA for (x1, y1), (x2, y2) in combinations(sides, 2))


def _point(word: str) -> Point:
    numbers = word.split(",")
    if len(numbers) != 2 or not all(map(_NUMBER.fullmatch, numbers)):
        raise ValueError(f"{word[:40]!r} is no point, expected {FORM}")
    x, y = (round(float(number), _DECIMALS) for number in numbers)
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise ValueError(f"the point {word[:40]} lies outside the picture, expected {FORM}")
    return x, y
