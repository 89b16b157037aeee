"""Stacking of frames."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from math import log10

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import BadRequest
from pi_cam_node.imaging import stacking as module
from pi_cam_node.imaging.jpeg import Pixels
from pi_cam_node.imaging.stacking import Stacked, stack
from pi_cam_node.imaging.tasks import STACK_MAX, Method
from tests.support.pictures import scene

ALL = ("mean", "median", "sigma_clip", "max")
WIDTH, HEIGHT = 64, 48


def raw(pixels: Pixels) -> bytes:
    return pixels.tobytes()


def unraw(data: bytes) -> Pixels:
    return np.frombuffer(data, np.uint8).reshape(-1, WIDTH, 3)


def stacked(frames: Sequence[Pixels], method: Method) -> Stacked:
    return stack([raw(frame) for frame in frames], method, decode=unraw)


def flat(level: int) -> Pixels:
    return np.full((HEIGHT, WIDTH, 3), level, np.uint8)


def noisy(count: int, sigma: float = 12.0) -> list[Pixels]:
    rng = np.random.default_rng(7)
    return [(100.5 + rng.normal(0, sigma, (HEIGHT, WIDTH, 3))).round().astype(np.uint8) for _ in range(count)]


def noise_db(pixels: Pixels) -> float:
    return 10 * log10(float(np.square(pixels - 100.5).mean()))


@pytest.mark.parametrize("count", [4, 16, 64])
def test_the_mean_of_n_frames_gains_ten_log_n_decibels(count: int) -> None:
    frames = noisy(count)
    # Rounding to whole levels adds 1/12 of a level squared to what the stack has left.
    left = 10 ** (noise_db(stacked(frames, "mean").pixels) / 10) - 1 / 12
    gain_db = noise_db(np.stack(frames)) - 10 * log10(left)
    assert gain_db == pytest.approx(10 * log10(count), abs=0.5)


@pytest.mark.parametrize(("method", "loss_db"), [("median", 2.2), ("sigma_clip", 1.2)])
def test_forgetting_outliers_costs_little_of_that_gain(method: Method, loss_db: float) -> None:
    frames = noisy(16)
    gain_db = noise_db(np.stack(frames)) - noise_db(stacked(frames, method).pixels)
    assert 10 * log10(16) - loss_db < gain_db < 10 * log10(16) + 0.5


@pytest.mark.parametrize("method", ALL)
def test_as_many_white_frames_as_are_allowed_stay_white(method: Method) -> None:
    assert (stacked([flat(255)] * STACK_MAX, method).pixels == 255).all()


@pytest.mark.parametrize("method", ALL)
def test_one_frame_is_itself(method: Method) -> None:
    result = stacked([scene()], method)
    assert (result.pixels == scene()).all()
    assert result.used == (0,)


@pytest.mark.parametrize("method", ALL)
def test_the_frames_given_are_not_changed(method: Method) -> None:
    frames = [np.frombuffer(raw(frame), np.uint8).reshape(frame.shape) for frame in noisy(4)]
    before = [frame.copy() for frame in frames]
    positions = [bytes([n]) for n in range(4)]
    stack(positions, method, decode=lambda position: frames[position[0]])
    assert all((a == b).all() for a, b in zip(frames, before, strict=True))


@given(st.lists(st.integers(0, 255), min_size=1, max_size=STACK_MAX))
def test_a_mean_is_rounded_and_not_cut_off(levels: list[int]) -> None:
    frames = [bytes([level] * 3) for level in levels]
    result = stack(frames, "mean", decode=lambda data: np.frombuffer(data, np.uint8).reshape(1, 1, 3))
    assert abs(int(result.pixels[0, 0, 0]) - sum(levels) / len(levels)) <= 0.5


@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_a_median_is_numpys_median(count: int, seed: int) -> None:
    frames = np.random.default_rng(seed).integers(0, 256, (count, 3, WIDTH, 3)).astype(np.uint8)
    expected = np.floor(np.median(frames, axis=0) + 0.5)
    assert (stacked(list(frames), "median").pixels == expected).all()


def test_the_maximum_keeps_the_brightest_value_of_each_pixel() -> None:
    frames = noisy(5)
    assert (stacked(frames, "max").pixels == np.stack(frames).max(axis=0)).all()


@pytest.mark.parametrize("count", [3, 4, 16])
def test_an_outlier_frame_vanishes_from_a_median(count: int) -> None:
    assert (stacked([*[flat(40)] * (count - 1), flat(255)], "median").pixels == 40).all()


@pytest.mark.parametrize("count", [3, 4, 5, 16, 64])
def test_an_aeroplane_vanishes_from_a_sigma_clipped_mean(count: int) -> None:
    frames = noisy(count, sigma=2.0)
    for number, frame in enumerate(frames):
        frame[20:24, 8 * number % WIDTH : 8 * number % WIDTH + 6] = 255  # another place in each frame

    def trace(method: Method) -> float:
        return float(np.abs(stacked(frames, method).pixels[20:24] - 100.5).max())

    assert trace("mean") > 15
    assert trace("sigma_clip") < 4 * 2.0  # deviations of the noise that one frame has


@pytest.mark.parametrize("count", range(3, 20))
def test_a_minority_of_outliers_is_clipped_whatever_its_share(count: int) -> None:
    minority = (count - 1) // 2
    frames = [flat(40)] * (count - minority) + [flat(200)] * minority
    assert (stacked(frames, "sigma_clip").pixels == 40).all()


@given(st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_a_sigma_clipped_mean_is_the_mean_of_the_values_near_the_median(count: int, seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 256, (count, 2, WIDTH, 3)).astype(np.uint8)
    far = np.abs(values - np.median(values, axis=0)) > 2 * values.std(axis=0) + 1e-3
    expected = np.ma.array(values.astype(float), mask=far).mean(axis=0).filled(-1)
    assert np.abs(stacked(list(values), "sigma_clip").pixels - expected).max() <= 0.5


@pytest.mark.parametrize("method", ["median", "sigma_clip"])
def test_bands_of_rows_join_without_a_seam(method: Method, mocker: MockerFixture) -> None:
    frames = noisy(6)
    whole = stacked(frames, method).pixels
    mocker.patch.object(module, "BAND_BYTES", 1)
    mocker.patch.object(module, "BAND_FRAMES", 1)
    assert (stacked(frames, method).pixels == whole).all()


@pytest.mark.parametrize("method", ALL)
def test_frames_of_another_size_than_the_newest_are_left_out(method: Method) -> None:
    small = np.zeros((HEIGHT // 2, WIDTH, 3), np.uint8)
    result = stacked([flat(10), small, flat(20), small, flat(30)], method)
    assert result.used == (0, 2, 4)
    assert result.pixels.shape == (HEIGHT, WIDTH, 3)
    assert (result.pixels == (30 if method == "max" else 20)).all()


@pytest.mark.parametrize("method", ALL)
def test_progress_runs_up_to_its_total(method: Method) -> None:
    told: list[tuple[int, int]] = []
    stack([raw(frame) for frame in noisy(5)], method, lambda done, total: told.append((done, total)), unraw)
    assert [done for done, _ in told] == list(range(1, told[-1][1] + 1))
    assert len({total for _, total in told}) == 1


@pytest.mark.parametrize("count", [0, STACK_MAX + 1])
def test_no_frames_and_too_many_are_refused(count: int) -> None:
    with pytest.raises(BadRequest, match=f"1 to {STACK_MAX}"):
        stack([b""] * count, "mean", decode=unraw)


def peak_bytes(count: int, method: Method, shape: tuple[int, int, int]) -> int:
    positions = [bytes([n]) for n in range(count)]
    tracemalloc.start()
    try:
        stack(positions, method, decode=lambda position: np.full(shape, position[0], np.uint8))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


SHAPE = (384, 512, 3)
FRAME_BYTES = 384 * 512 * 3
SLACK_BYTES = 32_768  # objects of Python, and the buffer in which numpy turns 8 bits into 16


@pytest.mark.parametrize("method", ["mean", "max"])
def test_a_mean_or_maximum_takes_the_memory_of_three_frames_however_many_there_are(method: Method) -> None:
    assert peak_bytes(64, method, SHAPE) <= 3 * FRAME_BYTES + SLACK_BYTES


@pytest.mark.parametrize("method", ["median", "sigma_clip"])
@pytest.mark.parametrize("count", [4, 64])
def test_a_median_or_sigma_clip_keeps_its_bound(method: Method, count: int, mocker: MockerFixture) -> None:
    mocker.patch.object(module, "BAND_BYTES", 1)
    bound = (3 + module.BAND_FRAMES) * FRAME_BYTES + SLACK_BYTES
    assert peak_bytes(count, method, SHAPE) <= bound
