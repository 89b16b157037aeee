"""The small luma picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_cam_node.imaging.frame import Layout
from pi_cam_node.imaging.motion.small_luma import small_luma, small_size
from tests.support.frames import i420_of

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


@given(st.integers(161, 400), st.integers(121, 300))
def test_each_step_is_the_rounded_mean_of_four(half_width: int, half_height: int) -> None:
    luma = np.random.default_rng(half_width).integers(0, 256, (2 * half_height, 2 * half_width), np.uint8)
    expected = luma.astype(int)
    while expected.shape[1] > 320 or expected.shape[0] > 240:
        even = expected[: expected.shape[0] // 2 * 2, : expected.shape[1] // 2 * 2]
        expected = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2] + 2) // 4
    assert np.array_equal(small_luma(i420_of(luma), "i420"), expected)


@given(st.integers(2, 640), st.integers(2, 480))
def test_of_bgr_every_second_pixel_is_used_unless_it_is_small(width: int, height: int) -> None:
    bgr = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
    is_small = width <= 320 and height <= 240
    used = bgr if is_small else bgr[: height // 2 * 2 : 2, : width // 2 * 2 : 2]
    assert np.array_equal(small_luma(bgr, "bgr"), (used.astype(int) @ (29, 150, 77) + 128) // 256)


@pytest.mark.parametrize("turned", [np.s_[::-1], np.s_[:, ::-1], np.s_[:, 1:-1]])
def test_bgr_may_be_a_view(turned: tuple[slice, ...]) -> None:
    view = RANDOM.integers(0, 256, (480, 642, 3), np.uint8)[turned]
    assert np.array_equal(small_luma(view, "bgr"), small_luma(view.copy(), "bgr"))


def test_white_stays_white_and_black_black() -> None:
    for level in (0, 255):
        assert set(small_luma(np.full((480, 640, 3), level, np.uint8), "bgr").ravel()) == {level}
        assert set(small_luma(i420_of(np.full((480, 640), level, np.uint8)), "i420").ravel()) == {level}


def test_colours_weigh_as_in_rec_601() -> None:
    for colour, luma in (((255, 0, 0), 29), ((0, 255, 0), 149), ((0, 0, 255), 77)):
        assert set(small_luma(np.full((600, 800, 3), colour, np.uint8), "bgr").ravel()) == {luma}


@pytest.mark.parametrize("layout", ["bgr", "i420"])
def test_it_is_as_bright_as_the_picture(layout: Layout) -> None:
    grey = RANDOM.integers(0, 256, (768, 1024), np.uint8)
    pixels = i420_of(grey) if layout == "i420" else np.repeat(grey[:, :, np.newaxis], 3, axis=2)
    assert small_luma(pixels, layout).mean() == pytest.approx(grey.mean(), abs=1.0)


def test_the_picture_is_not_touched_and_not_shared() -> None:
    pixels = i420_of(RANDOM.integers(0, 256, (240, 320), np.uint8))
    before = pixels.copy()
    small = small_luma(pixels, "i420")
    small[:] = 0
    assert np.array_equal(pixels, before)
