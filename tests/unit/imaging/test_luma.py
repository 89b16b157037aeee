"""Brightness and the small luma picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_cam_node.imaging.frame import Layout
from pi_cam_node.imaging.jpeg import Pixels
from pi_cam_node.imaging.luma import halved_to, mean_luma, small_luma, small_size

RANDOM = np.random.default_rng(5)


@pytest.mark.parametrize(
    ("size", "small"),
    [
        ((1024, 768), (256, 192)),
        ((640, 480), (320, 240)),
        ((1280, 720), (320, 180)),
        ((1920, 1080), (240, 135)),
        ((4608, 2592), (288, 162)),
        ((320, 240), (320, 240)),
        ((64, 64), (64, 64)),
        ((64, 3456), (4, 216)),
    ],
)
def test_it_is_halved_until_it_is_small(size: tuple[int, int], small: tuple[int, int]) -> None:
    assert small_size(size) == small
    luma = small_luma(np.full((size[1] * 3 // 2, size[0]), 77, np.uint8), "i420")
    assert luma.shape == small[::-1]
    assert set(luma.ravel()) == {77}


def i420(luma: Pixels) -> Pixels:
    height, width = luma.shape
    return np.concatenate([luma, np.full((height // 2, width), 128, np.uint8)])


@given(st.integers(161, 400), st.integers(121, 300))
def test_each_step_is_the_rounded_mean_of_four(half_width: int, half_height: int) -> None:
    luma = np.random.default_rng(half_width).integers(0, 256, (2 * half_height, 2 * half_width), np.uint8)
    expected = luma.astype(int)
    while expected.shape[1] > 320 or expected.shape[0] > 240:
        even = expected[: expected.shape[0] // 2 * 2, : expected.shape[1] // 2 * 2]
        expected = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2] + 2) // 4
    assert np.array_equal(small_luma(i420(luma), "i420"), expected)


def test_white_stays_white_and_black_black() -> None:
    for level in (0, 255):
        assert set(small_luma(np.full((480, 640, 3), level, np.uint8), "bgr").ravel()) == {level}
        assert set(small_luma(i420(np.full((480, 640), level, np.uint8)), "i420").ravel()) == {level}


def test_colours_weigh_as_in_rec_601() -> None:
    for colour, luma in (((255, 0, 0), 29), ((0, 255, 0), 149), ((0, 0, 255), 77)):
        assert set(small_luma(np.full((600, 800, 3), colour, np.uint8), "bgr").ravel()) == {luma}
        assert mean_luma(np.full((600, 800, 3), colour, np.uint8), "bgr") == pytest.approx(luma, abs=0.8)


@pytest.mark.parametrize("layout", ["bgr", "i420"])
def test_the_small_luma_is_as_bright_as_the_picture(layout: Layout) -> None:
    grey = RANDOM.integers(0, 256, (768, 1024), np.uint8)
    pixels = i420(grey) if layout == "i420" else np.repeat(grey[:, :, np.newaxis], 3, axis=2)
    assert small_luma(pixels, layout).mean() == pytest.approx(grey.mean(), abs=1.0)
    assert mean_luma(pixels, layout) == pytest.approx(grey.mean(), abs=4.0)  # of noise a sample tells less


@pytest.mark.parametrize("width", [640, 1024, 1280, 1920])
def test_no_pattern_of_a_jpegs_blocks_comes_into_the_brightness(width: int) -> None:
    luma = np.tile(np.arange(0, 240, 30, dtype=np.uint8), (480, width // 8))
    assert mean_luma(i420(luma), "i420") == pytest.approx(luma.mean(), abs=4.0)


@pytest.mark.parametrize("layout", ["bgr", "i420"])
def test_a_picture_is_halved_to_the_rounded_means_of_four(layout: Layout) -> None:
    luma = RANDOM.integers(0, 256, (460, 336), np.uint8)
    pixels = i420(luma) if layout == "i420" else np.repeat(luma[:, :, np.newaxis], 3, axis=2)
    four = luma.astype(int)
    expected = (four[::2, ::2] + four[1::2, ::2] + four[::2, 1::2] + four[1::2, 1::2] + 2) // 4
    small = halved_to(pixels, layout, 200)
    assert np.array_equal(small[:230] if layout == "i420" else small[..., 1], expected)


def test_the_picture_is_not_touched_and_not_shared() -> None:
    pixels = i420(RANDOM.integers(0, 256, (240, 320), np.uint8))
    before = pixels.copy()
    small = small_luma(pixels, "i420")
    small[:] = 0
    assert np.array_equal(pixels, before)
