"""Brightness and halved pictures."""

from __future__ import annotations

import numpy as np
import pytest

from pi_cam_node.imaging.frame import Layout
from pi_cam_node.imaging.luma import halved_to, mean_luma
from tests.support.frames import i420_of

RANDOM = np.random.default_rng(5)


def test_colours_weigh_as_in_rec_601() -> None:
    for colour, luma in (((255, 0, 0), 29), ((0, 255, 0), 149), ((0, 0, 255), 77)):
        assert mean_luma(np.full((600, 800, 3), colour, np.uint8), "bgr") == pytest.approx(luma, abs=0.8)


@pytest.mark.parametrize("layout", ["bgr", "i420"])
def test_the_brightness_is_the_mean_luma(layout: Layout) -> None:
    grey = RANDOM.integers(0, 256, (768, 1024), np.uint8)
    pixels = i420_of(grey) if layout == "i420" else np.repeat(grey[:, :, np.newaxis], 3, axis=2)
    assert mean_luma(pixels, layout) == pytest.approx(grey.mean(), abs=4.0)  # of noise a sample tells less


@pytest.mark.parametrize("width", [640, 1024, 1280, 1920])
def test_no_pattern_of_a_jpegs_blocks_comes_into_the_brightness(width: int) -> None:
    luma = np.tile(np.arange(0, 240, 30, dtype=np.uint8), (480, width // 8))
    assert mean_luma(i420_of(luma), "i420") == pytest.approx(luma.mean(), abs=4.0)


@pytest.mark.parametrize("layout", ["bgr", "i420"])
def test_a_picture_is_halved_to_the_rounded_means_of_four(layout: Layout) -> None:
    luma = RANDOM.integers(0, 256, (460, 336), np.uint8)
    pixels = i420_of(luma) if layout == "i420" else np.repeat(luma[:, :, np.newaxis], 3, axis=2)
    four = luma.astype(int)
    expected = (four[::2, ::2] + four[1::2, ::2] + four[::2, 1::2] + four[1::2, 1::2] + 2) // 4
    small = halved_to(pixels, layout, 200)
    assert np.array_equal(small[:230] if layout == "i420" else small[..., 1], expected)
