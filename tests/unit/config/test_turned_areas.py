"""Masks and zones are rotated with the picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pi_cam_node.config import Config
from pi_cam_node.config.settings import with_value
from pi_cam_node.config.turned_areas import with_turned_areas
from pi_cam_node.imaging.masks import Masks
from pi_cam_node.imaging.orientation import Orientation
from pi_cam_node.imaging.polygon import parse_polygon

MASK = "0.1,0.1 0.4,0.1 0.4,0.3 0.1,0.6"
TURNS = [(rotation, h, v) for rotation in (0, 90, 180, 270) for h in (False, True) for v in (False, True)]


def config(rotation: int, hflip: bool, vflip: bool, **sections: Any) -> Config:
    camera = {"rotation": rotation, "hflip": hflip, "vflip": vflip}
    return Config.model_validate({"camera": camera, **sections})


def seen(settings: Config) -> np.ndarray[Any, Any]:
    """Return a white scene as it is seen with these settings, masked."""
    camera = settings.camera
    orientation = Orientation(camera.rotation, camera.hflip, camera.vflip)
    pixels = orientation.apply(np.full((200, 100, 3), 255, np.uint8), "bgr")
    size = (pixels.shape[1], pixels.shape[0])
    return Masks([parse_polygon(text) for text in settings.privacy.masks], size, "bgr").apply(pixels)


def scene_of(picture: np.ndarray[Any, Any], settings: Config) -> np.ndarray[Any, Any]:
    """Return a seen picture turned back."""
    camera = settings.camera
    mirrored = picture[:: -1 if camera.vflip else 1, :: -1 if camera.hflip else 1]
    return np.rot90(mirrored, camera.rotation // 90)


@pytest.mark.parametrize(("rotation", "hflip", "vflip"), TURNS)
def test_a_mask_hides_the_same_part_of_the_scene(rotation: int, hflip: bool, vflip: bool) -> None:
    for before in TURNS:
        old = config(*before, privacy={"masks": [MASK]})
        new = with_turned_areas(old, config(rotation, hflip, vflip, privacy={"masks": [MASK]}))
        hidden = [(scene_of(seen(each), each) == 0).all(axis=2) for each in (old, new)]
        assert hidden[0].any()
        # An edge may fall on one pixel more or less.
        assert (hidden[0] != hidden[1]).sum() <= 2 * (200 + 100)


def test_zones_and_ignored_areas_turn_with_the_scene_and_nothing_else_changes() -> None:
    motion = {"zones": ["door=0.1,0.2 0.5,0.2 0.5,0.9"], "ignore": ["0,0 0.2,0 0.2,0.2"]}
    old = config(0, False, False, motion=motion)
    new = with_turned_areas(old, with_value(old, "camera.rotation", 180))
    assert new.motion.zones == ["door=0.9,0.8 0.5,0.8 0.5,0.1"]
    assert new.motion.ignore == ["1,1 0.8,1 0.8,0.8"]
    assert with_turned_areas(old, with_value(old, "night.gain", 8)).motion == old.motion


def test_turning_back_gives_the_areas_as_they_were() -> None:
    old = config(0, False, False, privacy={"masks": [MASK]})
    turned = with_turned_areas(old, with_value(old, "camera.rotation", 90))
    assert turned.privacy.masks != old.privacy.masks
    assert with_turned_areas(turned, with_value(turned, "camera.rotation", 0)).privacy.masks == old.privacy.masks
