"""Detection of frozen and blank pictures."""

from __future__ import annotations

import numpy as np
import pytest

from pi_cam_node.camera.freeze_detector import FreezeDetector, Verdict
from pi_cam_node.camera.worker.picture_maker import Fingerprint
from pi_cam_node.imaging.jpeg import Pixels

AFTER_S = 30.0
RANDOM = np.random.default_rng(3)


class Eyes:
    """The detector behind the checksums that the camera's process makes."""

    def __init__(self) -> None:
        self.fingerprint, self.detector = Fingerprint(), FreezeDetector()

    def see(self, pixels: Pixels, now_s: float, after_s: float) -> Verdict:
        checksum, flat = self.fingerprint.of(pixels, now_s)
        return self.detector.see(checksum, now_s, after_s, flat=flat)


def noise(shape: tuple[int, ...] = (72, 64)) -> Pixels:
    return RANDOM.integers(0, 256, shape, np.uint8)


def watched(
    pixels: Pixels, seconds: int, detector: Eyes, *, after_s: float = AFTER_S, start_s: int = 0
) -> list[Verdict]:
    """Return what was seen in each second of one and the same picture."""
    return [detector.see(pixels, start_s + second, after_s) for second in range(seconds)]


@pytest.mark.parametrize("shape", [(72, 64), (48, 64, 3)], ids=["i420", "bgr"])
def test_one_and_the_same_picture_is_frozen_after_its_time(shape: tuple[int, ...]) -> None:
    seen = watched(noise(shape), 35, Eyes())
    assert set(seen[:30]) == {"live"}
    assert seen[-1] == "frozen"


def test_a_sensors_noise_is_life() -> None:
    detector, still = Eyes(), np.full((72, 64), 90, np.uint8)
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
    assert watched(picture, 35, Eyes())[-1] == "blank"


def test_the_first_other_picture_is_life_again() -> None:
    detector = Eyes()
    assert watched(noise(), 35, detector)[-1] == "frozen"
    assert detector.see(noise(), 35.1, AFTER_S) == "live"


def test_the_same_picture_after_a_restart_is_still_frozen() -> None:
    detector, picture = Eyes(), noise()
    watched(picture, 35, detector)
    detector.fingerprint = Fingerprint()
    assert detector.see(picture, 50, AFTER_S) == "frozen"


def test_a_covered_lens_is_still_blank_after_a_restart() -> None:
    detector, picture = Eyes(), np.zeros((72, 64), np.uint8)
    watched(picture, 35, detector)
    detector.fingerprint = Fingerprint()
    assert detector.see(picture, 50, AFTER_S) == "blank"


def test_most_pictures_of_a_live_camera_are_not_looked_at() -> None:
    fingerprint = Fingerprint()
    looked = [fingerprint.of(noise(), now / 10)[0] is not None for now in range(50)]
    assert sum(looked) == 5


def test_long_exposures_are_compared_at_least_thrice() -> None:
    detector, picture = Eyes(), noise()
    assert [detector.see(picture, second, AFTER_S) for second in (0, 200, 400)] == ["live", "live", "frozen"]


def test_nothing_is_said_where_nobody_wants_to_know() -> None:
    detector, picture = Eyes(), noise()
    assert set(watched(picture, 100, detector, after_s=0)) == {"live"}
    watched(picture, 35, detector)
    assert detector.see(picture, 36, 0) == "live"
