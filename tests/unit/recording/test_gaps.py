"""Detection of gaps in films."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import pytest

from pi_cam_node.recording.gaps import COPIED_S, ENCODED_S, GapMeter


def gaps_of(distances: Sequence[float], least_s: float) -> float:
    meter = GapMeter(least_s)
    for mono_s in accumulate((10.0, *distances)):
        meter.add(mono_s)
    return meter.finish()


@pytest.mark.parametrize(
    ("distances", "gap_s"),
    [
        ([0.1] * 20, 0.0),
        ([0.1] * 10 + [1.1] + [0.1] * 10, 1.1),
        ([0.1] * 10 + [1.1] + [0.1] * 3 + [0.7] + [0.1] * 3, 1.8),
        ([0.1] * 10 + [0.3] + [0.1] * 10, 0.0),  # jitter
        ([0.1] * 10 + [2.0] * 10, 0.0),  # night: one picture takes seconds
        ([2.0] * 10 + [0.1] * 10, 0.0),  # day again
        ([0.1] * 10 + [2.0] * 5 + [9.0] + [2.0] * 5, 9.0),
        ([0.5] * 5 + [0.1] * 5, 0.0),
        ([0.1] * 10 + [3.0], 3.0),  # the film ends behind it
        ([3.0] + [0.1] * 10, 3.0),  # the film begins before it
        ([3.0, 2.0] + [0.1] * 10, 0.0),
        ([], 0.0),
        ([5.0], 0.0),  # nothing to compare with
    ],
)
def test_a_distance_is_a_gap_beside_its_neighbours(distances: list[float], gap_s: float) -> None:
    assert gaps_of(distances, COPIED_S) == pytest.approx(gap_s)


def test_encoded_pictures_may_be_late() -> None:
    distances = [*[0.1] * 10, 1.1, *[0.1] * 10]
    assert gaps_of(distances, ENCODED_S) == 0.0
    assert gaps_of([*[0.1] * 10, 1.6, *[0.1] * 10], ENCODED_S) == pytest.approx(1.6)


def test_a_distance_before_what_is_known_to_be_lost_is_no_usual_one() -> None:
    meter = GapMeter(COPIED_S)
    for mono_s, is_lost in ((1.0, False), (1.1, False), (4.1, False), (6.1, True), (6.2, False)):
        meter.add(mono_s, is_lost=is_lost)
    assert meter.finish() == pytest.approx(5.0)


def test_what_is_known_to_be_lost_counts_however_short() -> None:
    meter = GapMeter(COPIED_S)
    for mono_s, is_lost in ((1.0, False), (1.1, False), (1.3, True), (1.4, False)):
        meter.add(mono_s, is_lost=is_lost)
    assert meter.finish() == pytest.approx(0.2)
