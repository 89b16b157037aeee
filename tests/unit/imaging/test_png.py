"""PNG files written with zlib alone, read by another library."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_cam_node.imaging import png
from pi_cam_node.imaging.jpeg import Pixels


@given(st.integers(1, 200), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_a_reader_finds_every_value_of_any_picture(height: int, width: int, seed: int) -> None:
    bgr = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    read = cv2.imdecode(np.frombuffer(png.encode(bgr), np.uint8), cv2.IMREAD_UNCHANGED)
    assert read is not None
    assert np.array_equal(read, bgr)


def test_it_is_no_longer_than_opencvs() -> None:
    levels = np.linspace(0, 255, 640 * 480 * 3).reshape(480, 640, 3)
    noise = np.random.default_rng(1).normal(0, 2, levels.shape)
    bgr = np.clip(levels + noise, 0, 255).astype(np.uint8)
    assert len(png.encode(bgr)) <= 1.02 * len(cv2.imencode(".png", bgr)[1])


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 4), (0, 4, 3), (4, 0, 3)])
def test_what_is_no_picture_is_refused(shape: tuple[int, ...]) -> None:
    bgr: Pixels = np.zeros(shape, np.uint8)
    with pytest.raises(ValueError, match="no picture"):
        png.encode(bgr)
