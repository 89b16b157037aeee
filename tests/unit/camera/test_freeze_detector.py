"""Pictures that are alike to the last bit, and pictures that show nothing."""

from __future__ import annotations

import numpy as np
import pytest

from pi_cam_node.camera.freeze_detector import FreezeDetector, Verdict
from pi_cam_node.imaging.jpeg import Pixels

AFTER_S = 30.0
RANDOM = np.random.default_rng(3)


def noise(shape: tuple[int, ...] = (72, 64)) -> Pixels:
    return RANDOM.integers(0, 256, shape, np.uint8)


def watched(
    pixels: Pixels, seconds: int, detector: FreezeDetector, *, after_s: float = AFTER_S, start_s: int = 0
) -> list[Verdict]:
    """Return what was seen in each second of one and the same picture."""
    return [detector.see(pixels, start_s + second, after_s) for second in range(seconds)]


@pytest.mark.parametrize("shape", [(72, 64), (48, 64, 3)], ids=["i420", "bgr"])
def test_one_and_the_same_picture_is_frozen_after_its_time(shape: tuple[int, ...]) -> None:
    seen = watched(noise(shape), 35, FreezeDetector())
    assert set(seen[:30]) == {"live"}
    assert seen[-1] == "frozen"


def test_a_sensors_noise_is_life() -> None:
    detector, still = FreezeDetector(), np.full((72, 64), 90, np.uint8)
    for second in range(120):
        picture = still.copy()
        picture[16, second % 64] += 1  # one pixel of one level
        assert detector.see(picture, second, AFTER_S) == "live"


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((72, 64), np.uint8),
        np.concatenate([np.full((48, 64), 17, np.uint8), RANDOM.integers(0, 256, (24, 64), np.uint8)]),
        np.full((48, 64, 3), (0, 135, 0), np.uint8),
    ],
    ids=["black", "flat luma", "green"],
)
def test_a_flat_picture_is_blank_and_not_frozen(picture: Pixels) -> None:
    assert watched(picture, 35, FreezeDetector())[-1] == "blank"


def test_the_first_other_picture_is_life_again() -> None:
    detector = FreezeDetector()
    assert watched(noise(), 35, detector)[-1] == "frozen"
    assert detector.see(noise(), 35.1, AFTER_S) == "live"


def test_the_same_picture_after_a_restart_is_still_frozen() -> None:
    detector, picture = FreezeDetector(), noise()
    watched(picture, 35, detector)
    assert detector.see(picture, 50, AFTER_S) == "frozen"


def test_long_exposures_are_compared_at_least_thrice() -> None:
    detector, picture = FreezeDetector(), noise()
    assert [detector.see(picture, second, AFTER_S) for second in (0, 200, 400)] == ["live", "live", "frozen"]


def test_nothing_is_said_where_nobody_wants_to_know() -> None:
    detector, picture = FreezeDetector(), noise()
    assert set(watched(picture, 100, detector, after_s=0)) == {"live"}
    watched(picture, 35, detector)
    assert detector.see(picture, 36, 0) == "live"
