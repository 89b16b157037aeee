"""Masks: masked and unmasked pixels, and invalid masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pi_cam_node.config.sections.privacy import MASKS_MAX
from pi_cam_node.imaging.frame import Layout
from pi_cam_node.imaging.jpeg import Pixels, decode, encode, planes, to_bgr
from pi_cam_node.imaging.masks import Masks, rasterize
from pi_cam_node.imaging.polygon import POINTS_MAX, Polygon, parse_polygon
from tests.support.config_folder import Folder
from tests.support.core_harness import CoreHarness

LEFT: Polygon = ((0, 0), (0.5, 0), (0.5, 1), (0, 1))
SQUARE: Polygon = ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8))
SIZE = (64, 48)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def noise(layout: Layout) -> Pixels:
    shape = (48, 64, 3) if layout == "bgr" else (72, 64)
    return np.random.default_rng(3).integers(40, 255, shape, np.uint8)


@pytest.mark.parametrize("layout", ["bgr", "i420"])
def test_what_a_mask_covers_is_black_in_the_jpeg_and_the_rest_as_it_was(layout: Layout) -> None:
    pixels = noise(layout)
    before = pixels.copy()
    masked = Masks([LEFT], SIZE, layout).apply(pixels)
    assert (pixels == before).all(), "a source may look at its own pixels again"
    seen = to_bgr(masked, layout)
    assert seen[:, :32].max() == 0
    assert (seen[:, 36:] == to_bgr(before, layout)[:, 36:]).all()
    assert decode(encode(masked, layout, 90))[:, :30].max() <= 12, "JPEG's own ringing"


def test_the_colours_of_a_half_covered_block_are_gone() -> None:
    pixels = noise("i420")
    masked = Masks([((0, 0), (0.5, 0), (0.5, 0.5), (0, 0.5))], SIZE, "i420").apply(pixels)
    y, u, v = planes(masked)
    covered = y == 0
    blocks = covered.reshape(24, 2, 32, 2).any(axis=(1, 3))
    assert (u[blocks] == 128).all()
    assert (v[blocks] == 128).all()
    assert (u[~blocks] == planes(pixels)[1][~blocks]).all()


@pytest.mark.parametrize("size", [(64, 48), (320, 240), (1024, 768), (66, 50), (64, 66)])
@pytest.mark.parametrize(
    "polygon", [((0.2, 0.1), (0.9, 0.3), (0.4, 0.95)), ((1, 1), (0, 1), (1, 0)), ((0.5, 0.5),) * 3, LEFT]
)
def test_every_pixel_that_a_mask_touches_is_covered(size: tuple[int, int], polygon: Polygon) -> None:
    covered = rasterize([polygon], size)
    for (x1, y1), (x2, y2) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        for t in np.linspace(0, 1, 50):
            x, y = (x1 + (x2 - x1) * t) * size[0], (y1 + (y2 - y1) * t) * size[1]
            assert covered[min(int(y), size[1] - 1), min(int(x), size[0] - 1)], (x, y)


def test_crossing_masks_add_up() -> None:
    both = rasterize([LEFT, ((0.25, 0), (1, 0), (1, 0.5), (0.25, 0.5))], SIZE)
    assert both[:, :32].all()
    assert both[:24].all()
    assert not both[30:, 40:].any()


@pytest.mark.parametrize("again", [SQUARE, SQUARE[2:] + SQUARE[:2]])
def test_an_outline_drawn_twice_covers_what_it_covers_drawn_once(again: Polygon) -> None:
    assert (rasterize([SQUARE + again], SIZE) >= rasterize([SQUARE], SIZE)).all()


def test_what_an_outline_that_crosses_itself_encloses_is_covered() -> None:
    star: Polygon = ((0.5, 0), (0.8, 1), (0, 0.35), (1, 0.35), (0.2, 1))
    covered = rasterize([star], SIZE)
    assert covered[24, 32], "the middle of the star, which the outline goes round twice"
    bow_tie = rasterize([((0, 0), (1, 1), (1, 0), (0, 1))], SIZE)
    assert bow_tie[24, 2]
    assert bow_tie[24, 61]
    assert not bow_tie[2, 32]


def test_what_an_outline_goes_round_both_ways_is_left_open() -> None:
    inner = ((0.4, 0.4), (0.4, 0.6), (0.6, 0.6), (0.6, 0.4), (0.4, 0.4))
    ring = rasterize([(*SQUARE, SQUARE[0], *inner)], SIZE)
    assert not ring[24, 32]
    assert ring[24, 16]
    assert ring[24, 48]


def test_without_masks_a_picture_is_not_even_copied() -> None:
    pixels = noise("bgr")
    masks = Masks([], SIZE, "bgr")
    assert masks.apply(pixels) is pixels
    assert masks.visible == 1.0


@pytest.mark.parametrize(
    ("mask", "why"),
    [
        ("0,0 1,1", "2 points are no polygon"),
        ("", "0 points are no polygon"),
        ("0,0 1,0 1.01,1", "the point 1.01,1 lies outside the picture"),
        ("0,0 1,0 -0.1,1", "'-0.1,1' is no point"),
        ("0,0 1,0 nan,1", "'nan,1' is no point"),
        ("0,0 1,0 inf,1", "'inf,1' is no point"),
        ("0,0 1,0 1e9,1", "the point 1e9,1 lies outside the picture"),
        ("0,0 1,0 1", "'1' is no point"),
        ("0,0 1,0 1,1,1", "'1,1,1' is no point"),
        ("0,0 1,0 ١,1", "is no point"),
        (" ".join(["0,0"] * (POINTS_MAX + 1)), f"{POINTS_MAX + 1} points are no polygon"),
    ],
)
def test_what_is_no_polygon_is_refused_with_its_dotted_path(folder: Folder, mask: str, why: str) -> None:
    (problem,) = folder.problems(f"privacy:\n  masks:\n    - '0,0 1,0 1,1'\n    - '{mask}'\n")
    assert problem.startswith("config.yaml:2: privacy.masks: ")
    assert why in problem


def test_too_many_masks_are_refused(folder: Folder) -> None:
    lines = "".join("    - 0,0 1,0 1,1\n" for _ in range(MASKS_MAX + 1))
    (problem,) = folder.problems(f"privacy:\n  masks:\n{lines}")
    assert problem.startswith("config.yaml:2: privacy.masks: ")
    assert folder.load(f"privacy:\n  masks:\n{lines[: len(lines) * MASKS_MAX // (MASKS_MAX + 1)]}")


def test_nobody_lifts_a_mask_while_the_node_runs() -> None:
    (reply,) = CoreHarness().send("set", 'privacy.masks ["0,0 1,0 1,1"]')
    assert reply["code"] == "read_only"


def test_a_list_of_masks_may_come_from_the_environment(folder: Folder) -> None:
    loaded = folder.load("", PRIVACY__MASKS='["0,0 1,0 1,1", "0,0 .5,0 5e-1,1"]')
    assert list(map(parse_polygon, loaded.config.privacy.masks)) == [
        ((0, 0), (1, 0), (1, 1)),
        ((0, 0), (0.5, 0), (0.5, 1)),
    ]
