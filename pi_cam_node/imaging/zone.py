"""A named zone of the picture, parsed from text: ``door=0.1,0.2 0.5,0.2 0.5,0.9``. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pi_cam_node.imaging.polygon import Point, Polygon, parse_polygon

ZONE_FORM = "a name, = and a polygon: door=0.1,0.2 0.5,0.2 0.5,0.9"
_NAME = re.compile(r"[a-z0-9_-]{1,32}")


@dataclass(frozen=True, slots=True)
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


def parse_zone(text: str) -> tuple[str, Polygon]:
    """Return name and corners of a zone.

    Raises:
        ValueError: The text is none; the message says which part of it is wrong.
    """
    name, equals, polygon = text.partition("=")
    if not equals or not _NAME.fullmatch(name):
        raise ValueError(f"{name[:40]!r} is no name of a zone (a-z, 0-9, _ and -, at most 32), expected {ZONE_FORM}")
    return name, parse_polygon(polygon)
