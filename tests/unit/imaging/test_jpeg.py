"""Encoding and decoding of JPEGs in all layouts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import cv2
import numpy as np
import pytest
from pytest_mock import MockerFixture

from pi_cam_node.imaging import jpeg
from pi_cam_node.imaging.frame import Layout
from pi_cam_node.imaging.jpeg import Pixels
from pi_cam_node.imaging.luma import mean_luma

RNG = np.random.default_rng(5)
AT = datetime(2026, 11, 20, tzinfo=UTC)
# A card with a colour in each corner: what goes wrong with channel order or plane order shows in all of them.
CORNERS = {"red": (0, 0, 255), "green": (0, 255, 0), "blue": (255, 0, 0), "grey": (128, 128, 128)}


def card(width: int = 64, height: int = 48) -> Pixels:
    pixels = np.zeros((height, width, 3), np.uint8)
    halves = (slice(0, height // 2), slice(height // 2, None)), (slice(0, width // 2), slice(width // 2, None))
    places = [(rows, columns) for rows in halves[0] for columns in halves[1]]
    for (rows, columns), colour in zip(places, CORNERS.values(), strict=True):
        pixels[rows, columns] = colour
    return pixels


def i420(bgr: Pixels) -> Pixels:
    """Return BGR as full-range I420, the independent way round: by the JFIF equations."""
    b, g, r = (bgr[..., i].astype(float) for i in range(3))
    y = 0.299 * r + 0.587 * g + 0.114 * b
    u = -0.168736 * r - 0.331264 * g + 0.5 * b + 128
    v = 0.5 * r - 0.418688 * g - 0.081312 * b + 128
    planes = [y, u[::2, ::2], v[::2, ::2]]
    flat = np.concatenate([np.clip(np.rint(p), 0, 255).astype(np.uint8).reshape(-1) for p in planes])
    return flat.reshape(bgr.shape[0] * 3 // 2, bgr.shape[1])


@pytest.mark.parametrize("layout", get_args(Layout))
def test_colours_survive_the_way_into_a_jpeg_and_back(layout: Layout) -> None:
    pixels = card() if layout == "bgr" else i420(card())
    decoded = jpeg.decode(jpeg.encode(pixels, layout, 95))
    for (y, x), colour in zip([(6, 8), (6, 56), (42, 8), (42, 56)], CORNERS.values(), strict=True):
        assert np.abs(decoded[y, x].astype(int) - colour).max() < 8


def test_full_range_planes_become_the_same_colours() -> None:
    wrong = np.abs(jpeg.to_bgr(i420(card()), "i420").astype(int) - card()).max(axis=2)
    assert wrong[2:20, 2:28].max() <= 3  # chroma is smeared only where two colours meet
    assert wrong[28:46, 36:62].max() <= 3
    assert (wrong > 3).mean() < 0.1


def test_both_layouts_are_equally_bright() -> None:
    pixels = RNG.integers(0, 256, (96, 128, 3), np.uint8)
    assert mean_luma(pixels, "bgr") == pytest.approx(mean_luma(i420(pixels), "i420"), abs=0.5)


@pytest.mark.parametrize("level", [0, 1, 128, 255])
def test_brightness_of_a_flat_frame_is_its_level(level: int) -> None:
    assert mean_luma(np.full((48, 64, 3), level, np.uint8), "bgr") == pytest.approx(level, abs=0.01)


def test_brightness_from_some_rows_is_that_of_all() -> None:
    small = RNG.integers(0, 256, (12, 16), np.uint8)
    luma = np.asarray(cv2.resize(small, (640, 480), interpolation=cv2.INTER_CUBIC))
    pixels = np.vstack([luma, np.full((240, 640), 128, np.uint8)])
    assert mean_luma(pixels, "i420") == pytest.approx(float(luma.mean()), abs=1.0)


@pytest.mark.parametrize("size", [(64, 48), (62, 46), (2, 2), (130, 98)])
def test_planes_of_any_even_size_are_found(size: tuple[int, int]) -> None:
    width, height = size
    pixels = np.arange(width * height * 3 // 2, dtype=np.uint64).astype(np.uint8).reshape(height * 3 // 2, width)
    y, u, v = jpeg.planes(pixels)
    assert (y.shape, u.shape, v.shape) == ((height, width), (height // 2, width // 2), (height // 2, width // 2))
    assert np.array_equal(np.concatenate([y.ravel(), u.ravel(), v.ravel()]), pixels.ravel())
    assert jpeg.size_of(pixels, "i420") == size


def test_planes_of_colours_are_those_of_the_jfif_equations() -> None:
    planes = jpeg.to_i420(card())
    assert np.abs(planes.astype(int) - i420(card())).max() <= 1
    noise = RNG.integers(0, 256, (48, 64, 3), np.uint8)
    assert np.abs(jpeg.to_i420(noise)[:48].astype(int) - i420(noise)[:48]).max() <= 1


@pytest.mark.parametrize("layout", get_args(Layout))
def test_a_frame_is_resized_in_its_own_layout(layout: Layout) -> None:
    pixels = card(128, 96) if layout == "bgr" else i420(card(128, 96))
    small = jpeg.resize(pixels, layout, (64, 48))
    assert jpeg.size_of(small, layout) == (64, 48)
    assert np.abs(jpeg.to_bgr(small, layout)[8, 8].astype(int) - CORNERS["red"]).max() <= 4


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"not a picture"])
def test_what_is_no_jpeg_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        jpeg.decode(data)


def test_opencv_stands_in_where_simplejpeg_is_missing(mocker: MockerFixture) -> None:
    mocker.patch.object(jpeg, "simplejpeg", None)
    decoded = jpeg.decode(jpeg.encode(i420(card()), "i420", 95))
    assert np.abs(decoded[6, 8].astype(int) - CORNERS["red"]).max() < 8
    with pytest.raises(ValueError, match="not a JPEG"):
        jpeg.decode(b"nothing")
