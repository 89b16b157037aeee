"""Normalization of light."""

from __future__ import annotations

import numpy as np
import pytest

from pi_cam_node.imaging.jpeg import Pixels
from pi_cam_node.imaging.motion.light import LightNormalizer


def scene(width: int, height: int = 96) -> Pixels:
    """Return stripes and a slope, between 60 and 180."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    return np.asarray(60 + x * 80 // width + (y // 12 % 2) * 40, dtype=np.uint8)


def dimmed(picture: Pixels, share: float) -> Pixels:
    return np.asarray(np.rint(picture * share), dtype=np.uint8)


@pytest.mark.parametrize("width", [5, 8, 100, 128, 255])
def test_a_picture_in_other_light_becomes_as_before_whatever_its_width(width: int) -> None:
    picture, normalizer = scene(width), LightNormalizer()
    normalizer.normalize(picture, 0.1)
    even = normalizer.normalize(dimmed(picture, 0.8), 0.1)
    assert even.shape == picture.shape
    assert normalizer.light == pytest.approx(0.8, abs=0.01)
    assert np.abs(even.astype(int) - picture).max() <= 3


@pytest.mark.parametrize("columns", [5, 6])
@pytest.mark.parametrize("black", [0, 1, 2])
def test_the_light_is_the_median_of_the_cells_that_are_not_black(columns: int, black: int) -> None:
    first, second = np.random.default_rng(columns).integers(40, 200, (2, 1, columns)).astype(np.uint8)
    second[:, :black] = 0
    normalizer = LightNormalizer()
    for cells in (first, second):
        normalizer.normalize(np.repeat(cells, 8, axis=1), 0.1)
    ratio = (second[0, black:] + np.float32(2)) / (first[0, black:] + np.float32(2))
    assert normalizer.light == float(np.median(ratio))


def test_rows_that_flicker_become_even() -> None:
    picture, normalizer = scene(128), LightNormalizer()
    normalizer.normalize(picture, 0.1)
    flicker = (1 + 0.07 * np.sin(np.arange(96) / 12))[:, None]
    even = normalizer.normalize(np.asarray(np.rint(picture * flicker), dtype=np.uint8), 0.1)
    assert np.abs(even.astype(int) - picture).mean() < 2


def test_parts_that_are_masked_tell_nothing_of_the_light() -> None:
    picture, normalizer = scene(128), LightNormalizer()
    picture[:, :80] = 0
    normalizer.normalize(picture, 0.1)
    normalizer.normalize(dimmed(picture, 0.8), 0.1)
    assert normalizer.light == pytest.approx(0.8, abs=0.01)


def test_a_dark_picture_has_the_light_of_before() -> None:
    picture, normalizer = np.zeros((96, 128), np.uint8), LightNormalizer()
    for _ in range(3):
        assert normalizer.normalize(picture, 0.1).max() == 0
    assert normalizer.light == 1.0


def test_the_picture_handed_out_stays_as_it_is() -> None:
    picture, normalizer = scene(128), LightNormalizer()
    first = normalizer.normalize(picture, 0.1)
    before = first.copy()
    normalizer.normalize(dimmed(picture, 0.5), 0.1)
    assert np.array_equal(first, before)
