"""Frame rate from recent frame times."""

from __future__ import annotations

import pytest

from pi_cam_node.imaging.frame_timing import FrameRate


def test_a_rate_forgets_what_is_long_past() -> None:
    rate = FrameRate()
    assert rate.per_second(0) == 0
    for tick in range(100):
        rate.count(tick / 10)
    assert rate.per_second(9.9) == pytest.approx(10)
    assert rate.per_second(1000) == 0


def test_a_rate_is_known_of_frames_half_a_minute_apart() -> None:
    rate = FrameRate()
    for tick in range(4):
        rate.count(tick * 30.0)
    assert rate.per_second(100.0) == pytest.approx(1 / 30)
    assert rate.per_second(1000.0) == 0
