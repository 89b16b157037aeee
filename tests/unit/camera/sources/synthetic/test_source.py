"""Pictures and exposure of the synthetic camera."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from pi_cam_node.camera.source import Adjustments, Controls
from pi_cam_node.camera.sources.synthetic.scene import Scene, number_of
from pi_cam_node.camera.sources.synthetic.source import SyntheticSource, exposure_of
from pi_cam_node.config import CameraConfig
from pi_cam_node.imaging import jpeg
from pi_cam_node.imaging.jpeg import Pixels

DAY = Controls("day", 10.0, 2_000_000, 6.0, "still")
NIGHT = Controls("night", 10.0, 2_000_000, 6.0, "still")


def luma(frame: Pixels) -> Pixels:
    return jpeg.planes(frame)[0].copy()


def brightness(controls: Controls, lux: float) -> float:
    exposure_us, gain = exposure_of(controls, lux)
    return float(luma(Scene(320, 240, seed=1).render(1, 0, lux * exposure_us / 1e6, gain)).mean())


def test_by_day_the_exposure_keeps_the_brightness_until_it_is_at_its_end() -> None:
    steady = [brightness(DAY, lux) for lux in (10_000, 400, 40, 5)]
    assert max(steady) - min(steady) < 2
    assert steady[0] == pytest.approx(113, abs=6)


def test_by_day_really_little_light_makes_dark_pictures() -> None:
    assert brightness(DAY, 2) < brightness(DAY, 5)
    assert brightness(DAY, 0.5) < 50


def test_by_day_the_exposure_ends_at_the_frame_interval_and_the_gain_at_eight() -> None:
    assert exposure_of(DAY, 0.01) == (100_000, 8.0)


def test_exposure_compensation_counts_in_powers_of_two_by_day_and_not_at_night() -> None:
    brighter = Adjustments(exposure_compensation_ev=1.0)
    assert exposure_of(replace(DAY, adjustments=brighter), 400)[0] == pytest.approx(2 * exposure_of(DAY, 400)[0], abs=2)
    assert exposure_of(replace(NIGHT, adjustments=brighter), 400) == exposure_of(NIGHT, 400)


def test_at_night_exposure_and_gain_are_the_fixed_ones_whatever_the_light() -> None:
    assert exposure_of(NIGHT, 400) == exposure_of(NIGHT, 0.01) == (2_000_000, 6.0)
    assert brightness(NIGHT, 400) > 240
    assert brightness(NIGHT, 0.05) > brightness(DAY, 0.05)


def test_light_that_makes_night_begin_does_not_end_it_again() -> None:
    # At this light the default thresholds, 50 by day and 240 by night, must not chase each other.
    assert brightness(DAY, 0.75) < 50
    assert brightness(NIGHT, 0.75) < 240


def test_noise_is_new_in_every_frame_so_that_stacking_helps() -> None:
    scene = Scene(320, 240, seed=1)
    frames = np.stack([luma(scene.render(1, 0, 4, 1)) for _ in range(64)]).astype(np.float64)
    one = float(frames.std(axis=0)[30:].mean())
    halves = frames[:32].mean(axis=0) - frames[32:].mean(axis=0)
    assert 1.5 < one < 2.5
    assert float(halves[30:].std()) == pytest.approx(one * (2 / 32) ** 0.5, rel=0.15)


def test_noise_grows_with_the_root_of_the_gain() -> None:
    def noise(gain: float) -> float:
        scene = Scene(320, 240, seed=1)
        return float(np.stack([luma(scene.render(1, 0, 4 / gain, gain)) for _ in range(24)]).std(axis=0)[30:].mean())

    assert noise(4) == pytest.approx(2 * noise(1), rel=0.15)


def test_something_moves() -> None:
    scene = Scene(320, 240, seed=1)
    first, later = luma(scene.render(1, 0, 4, 1)), luma(scene.render(1, 1, 4, 1))
    assert int((cv2.absdiff(first, later) > 30).sum()) > 500


@pytest.mark.parametrize("size", [(64, 64), (66, 130), (320, 240), (1024, 768)])
@pytest.mark.parametrize("number", [0, 1, 123_456, 2**24 - 1])
def test_the_burnt_in_number_survives_jpeg_in_every_size(size: tuple[int, int], number: int) -> None:
    frame = Scene(*size).render(number, 0, 0.01, 8)
    decoded = jpeg.decode(jpeg.encode(frame, "i420", 60))
    assert number_of(np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2GRAY), np.uint8)) == number


def pictures_of(query: str, count: int) -> list[Pixels]:
    """Return pictures of the synthetic camera."""
    source = SyntheticSource(query)
    source.open(CameraConfig(width=64, height=64), replace(DAY, framerate=60.0))
    return [source.read().pixels.copy() for _ in range(count)]


def test_a_frozen_camera_shows_one_picture_whoever_opens_it() -> None:
    first, second, other = *pictures_of("loss=freeze&loss_at_s=0", 2), *pictures_of("loss=freeze&loss_at_s=0", 1)
    assert (first == second).all()
    assert (first == other).all()
    assert not (first == pictures_of("", 1)[0]).all()


def test_a_blank_camera_shows_nothing() -> None:
    assert not luma(pictures_of("loss=blank&loss_at_s=0", 1)[0]).any()
