"""The waits between connections."""

from __future__ import annotations

import random

import pytest

from pi_cam_node.mqtt.backoff import CEILING_S, FIRST_CEILING_S, LEAST_S, Backoff


class Longest(random.Random):
    """Draws the longest wait each time."""

    def uniform(self, a: float, b: float) -> float:
        """Return the upper end."""
        return b


def test_waits_grow_to_a_minute() -> None:
    backoff = Backoff(Longest())
    assert [backoff.after_failure() for _ in range(6)] == [5, 10, 20, 40, 60, 60]


def test_waits_are_spread_over_their_whole_range() -> None:
    first = [Backoff(random.Random(seed)).after_failure() for seed in range(500)]
    assert LEAST_S <= min(first) < 1.1
    assert 4.9 < max(first) <= FIRST_CEILING_S
    # Fifty nodes that lose one broker: no second sees more than twenty of them.
    fifty = first[:50]
    assert max(sum(start <= wait < start + 1 for wait in fifty) for start in (1, 1.5, 2, 2.5, 3, 3.5, 4)) <= 20


def test_only_a_stable_session_makes_waits_short_again() -> None:
    backoff = Backoff(Longest())
    for _ in range(5):
        backoff.after_failure()
    assert backoff.after_session(lasted_s=59, now_s=1000) == FIRST_CEILING_S
    assert backoff.after_failure() == CEILING_S, "an unstable session has reset nothing"
    assert backoff.after_session(lasted_s=60, now_s=2000) == FIRST_CEILING_S
    assert backoff.after_failure() == 10


def test_refused_credentials_are_tried_once_a_minute_after_the_fifth() -> None:
    backoff = Backoff(Longest())
    assert [backoff.after_failure(credentials=True) for _ in range(7)] == [5, 10, 20, 40, 60, 60, 60]
    eager = Backoff(random.Random(1))
    waits = [eager.after_failure(credentials=True) for _ in range(15)]
    assert waits[4:] == [CEILING_S] * 11
    assert sum(waits) >= 600, "no more than fifteen attempts in ten minutes"


def test_an_accepted_session_forgives_refused_credentials() -> None:
    backoff = Backoff(Longest())
    for _ in range(5):
        backoff.after_failure(credentials=True)
    backoff.after_session(lasted_s=3600, now_s=5000)
    assert backoff.after_failure(credentials=True) == 10


@pytest.mark.parametrize(("gap_s", "clash"), [(10, True), (20, False)])
def test_five_short_sessions_in_a_minute_are_a_clash(gap_s: float, clash: bool) -> None:
    backoff = Backoff(Longest())
    waits = [backoff.after_session(lasted_s=1, now_s=number * gap_s) for number in range(5)]
    assert waits[:4] == [FIRST_CEILING_S] * 4
    assert backoff.clash is clash
    assert waits[4] == (CEILING_S if clash else FIRST_CEILING_S)


def test_a_clash_lasts_until_a_stable_session() -> None:
    backoff = Backoff(Longest())
    for number in range(5):
        backoff.after_session(lasted_s=1, now_s=number)
    assert backoff.after_failure() == CEILING_S
    assert backoff.after_session(lasted_s=30, now_s=500) == CEILING_S
    backoff.after_session(lasted_s=60, now_s=600)
    assert not backoff.clash
    assert backoff.after_session(lasted_s=1, now_s=700) == FIRST_CEILING_S


def test_longer_sessions_are_not_a_clash() -> None:
    backoff = Backoff(Longest())
    for number in range(20):
        backoff.after_session(lasted_s=5, now_s=number)
    assert not backoff.clash
