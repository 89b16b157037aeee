"""Transforms masks and zones when the picture is rotated or mirrored, so that they cover the same part of the scene.

Their coordinates refer to the displayed picture. Without this, a rotation at run time would reveal masked parts. No
I/O.
"""

from __future__ import annotations

from pi_cam_node.config import Config
from pi_cam_node.imaging.orientation import Orientation
from pi_cam_node.imaging.polygon import parse_polygon


def with_turned_areas(old: Config, new: Config) -> Config:
    """Return the new settings with masks, zones and ignored areas transformed.

    Args:
        old: The settings before a change.
        new: The settings after it, with the areas of the old ones.
    """
    before, after = _orientation(old), _orientation(new)
    if before == after:
        return new

    def turned(text: str) -> str:
        name, equals, polygon = text.rpartition("=")
        points = (before.moved(point, after) for point in parse_polygon(polygon))
        return f"{name}{equals}{' '.join(f'{x:.4g},{y:.4g}' for x, y in points)}"

    tree = new.model_dump()
    for section, key in (("privacy", "masks"), ("motion", "zones"), ("motion", "ignore")):
        tree[section][key] = [turned(text) for text in tree[section][key]]
    return Config.model_validate(tree)


def _orientation(config: Config) -> Orientation:
    return Orientation(config.camera.rotation, config.camera.hflip, config.camera.vflip)
