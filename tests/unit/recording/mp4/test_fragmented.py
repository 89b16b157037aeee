"""Positions of sound frames in a film."""

from __future__ import annotations

import pytest

from pi_cam_node.imaging.aac import SAMPLES
from pi_cam_node.recording.mp4.open_fragment import SoundTimes

RATE_HZ = 16_000
FRAME_S = SAMPLES / RATE_HZ


def test_frames_follow_each_other_whatever_the_jitter() -> None:
    times = SoundTimes(RATE_HZ)
    jitter_s = [0.0, 0.003, -0.003, 0.002, -0.002, 0.003]
    placed = [times.place(number * FRAME_S + late_s) for number, late_s in enumerate(jitter_s)]
    assert placed == [number * SAMPLES for number in range(len(jitter_s))]


@pytest.mark.parametrize("rate", [1.0005, 0.9995])
def test_a_clock_that_runs_at_another_rate_is_followed_a_sample_a_frame(rate: float) -> None:
    times, before = SoundTimes(RATE_HZ), -SAMPLES
    for number in range(10_000):
        at_s = number * FRAME_S * rate
        begin = times.place(at_s)
        assert begin is not None
        assert abs(begin - before - SAMPLES) <= 1
        assert abs(begin / RATE_HZ - at_s) < 0.006
        before = begin


def test_what_is_missing_leaves_a_gap() -> None:
    times = SoundTimes(RATE_HZ)
    assert times.place(0.0) == 0
    assert times.place(1.0) == RATE_HZ


def test_what_comes_twice_or_began_before_the_film_is_left_out() -> None:
    times = SoundTimes(RATE_HZ)
    assert times.place(-0.01) is None
    assert times.place(0.05) == 800
    assert times.place(0.8) == 12_800
    assert times.place(0.4) is None
    assert times.place(0.8 + FRAME_S) == 12_800 + SAMPLES
