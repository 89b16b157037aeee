"""Frame rate reduction."""

from __future__ import annotations

import random

import pytest

from pi_cam_node.imaging.frame_timing import RateLimit


def admitted(moments: list[float], interval_s: float) -> list[float]:
    limit = RateLimit()
    return [moment for moment in moments if limit.admits(moment, interval_s)]


def test_a_faster_stream_is_thinned_out_to_the_rate_asked_for() -> None:
    chosen = admitted([n / 25 for n in range(25 * 20)], 1 / 10)
    assert len(chosen) == pytest.approx(200, abs=1)


def test_a_stream_at_the_rate_asked_for_is_kept_whole_although_it_jitters() -> None:
    noise = random.Random(1)
    moments = [n / 10 + noise.uniform(-0.01, 0.01) for n in range(200)]
    assert len(admitted(moments, 1 / 10)) == 200


def test_a_slower_stream_is_kept_whole() -> None:
    moments = [n / 4 for n in range(40)]
    assert admitted(moments, 1 / 10) == moments


def test_after_a_pause_nothing_is_made_up_for() -> None:
    moments = [n / 25 for n in range(25)] + [60 + n / 25 for n in range(25)]
    assert len([moment for moment in admitted(moments, 1 / 10) if moment >= 60]) <= 11
