"""Back-off between connections."""

from __future__ import annotations

import random

import pytest

from pi_cam_node.mqtt.connection.backoff import (
    LEAST_S,
    MOST_S,
    SEARCH_S,
    SHORT_BEFORE_SLOW,
    SLOW_S,
    SOON_S,
    STABLE_S,
    Backoff,
)
from pi_cam_node.mqtt.connection.disconnect import Cause, Disconnect
from pi_cam_node.mqtt.connection.paho_client import WILL_DELAY_S


class Longest(random.Random):
    """Draws the longest wait each time."""

    def uniform(self, a: float, b: float) -> float:
        """Return the upper end."""
        return b


def ended(lasted_s: float, cause: Cause = "network") -> Disconnect:
    return Disconnect("it broke", cause, lasted_s)


def test_a_broker_that_is_away_is_tried_again_within_seconds_however_long_it_was_away() -> None:
    backoff = Backoff(Longest())
    assert [backoff.after_failure() for _ in range(500)] == [MOST_S] * 500
    assert MOST_S <= 10, "healed ten seconds after it can be"
    assert 2 + MOST_S < WILL_DELAY_S, "a gap of two seconds stays unseen although the first attempt fails"


def test_fifty_nodes_that_lose_one_broker_come_back_spread_out() -> None:
    waits = sorted(Backoff(random.Random(seed)).after_session(ended(3600), 5000) for seed in range(50))
    assert waits[0] >= LEAST_S
    assert waits[-1] <= MOST_S
    assert max(sum(first <= wait < first + 1 for wait in waits) for first in waits) <= 20


def test_what_a_person_must_mend_is_tried_once_a_minute_after_the_fifth_time() -> None:
    backoff = Backoff(Longest())
    assert [backoff.after_failure(refused=True) for _ in range(7)] == [MOST_S] * 4 + [SLOW_S] * 3
    eager = Backoff(random.Random(1))
    assert sum(eager.after_failure(refused=True) for _ in range(15)) >= 600, "at most fifteen attempts in ten minutes"


def test_an_accepted_session_or_another_failure_forgives_refusals() -> None:
    backoff = Backoff(Longest())
    for _ in range(5):
        backoff.after_failure(refused=True)
    backoff.after_session(ended(3600), 5000)
    assert backoff.after_failure(refused=True) == MOST_S
    for _ in range(4):
        backoff.after_failure(refused=True)
    assert backoff.after_failure() == MOST_S


@pytest.mark.parametrize(("gap_s", "clash"), [(10, True), (20, False)])
def test_five_short_sessions_in_a_minute_are_a_clash(gap_s: float, clash: bool) -> None:
    backoff = Backoff(Longest())
    waits = [backoff.after_session(ended(1), number * gap_s) for number in range(5)]
    assert waits[:4] == [SOON_S] * 4
    assert backoff.clash is clash
    assert waits[4] == (SLOW_S if clash else SOON_S)


def test_three_sessions_of_which_the_broker_says_so_are_a_clash_however_long() -> None:
    backoff = Backoff(Longest())
    waits = [backoff.after_session(ended(20, "taken over"), number * 25) for number in range(3)]
    assert waits == [SOON_S, SOON_S, SLOW_S]


def test_short_sessions_with_failures_between_them_are_a_bad_link() -> None:
    backoff = Backoff(Longest())
    for number in range(20):
        assert backoff.after_session(ended(1), number) == SOON_S
        if number % 4 == 3:
            backoff.after_failure()
    assert not backoff.clash


def test_short_sessions_of_which_some_were_noisy_are_a_bad_link() -> None:
    backoff = Backoff(Longest())
    waits = [
        backoff.after_session(ended(1, "malformed" if number % 4 == 3 else "network"), number) for number in range(20)
    ]
    assert max(waits) == MOST_S
    assert not backoff.clash


@pytest.mark.parametrize("cause", ["taken over", "network"])
def test_a_clash_lasts_until_a_session_that_no_slow_rival_allows(cause: Cause) -> None:
    backoff = Backoff(Longest())
    for number in range(5):
        backoff.after_session(ended(1, cause), number)
    assert backoff.after_session(ended(SLOW_S + 2, cause), 500) == SLOW_S
    assert backoff.after_session(ended(STABLE_S), 600) == MOST_S
    assert not backoff.clash


def test_an_attempt_without_an_answer_ends_a_clash() -> None:
    """Otherwise a link that flapped before the broker was away is tried once a minute."""
    backoff = Backoff(Longest())
    for number in range(5):
        backoff.after_session(ended(1), number)
    assert backoff.clash
    assert backoff.after_failure(refused=True) == SLOW_S
    assert backoff.after_failure() == MOST_S
    assert not backoff.clash


def test_a_long_session_that_was_taken_over_does_not_end_a_clash() -> None:
    backoff = Backoff(Longest())
    for number in range(3):
        backoff.after_session(ended(1, "taken over"), number)
    assert backoff.after_session(ended(3600, "taken over"), 5000) == SLOW_S


def test_longer_sessions_are_not_a_clash() -> None:
    backoff = Backoff(Longest())
    for number in range(20):
        backoff.after_session(ended(5), number)
    assert not backoff.clash


@pytest.mark.parametrize("cause", ["rate", "quota", "too large", "other", "wildcards"])
def test_what_the_broker_says_is_no_sign_of_another_client(cause: Cause) -> None:
    backoff = Backoff(Longest())
    for number in range(20):
        backoff.after_session(ended(0.1, cause), number)
    assert not backoff.clash


def test_bare_cuts_during_the_search_for_a_limit_are_no_sign_of_another_client_and_are_followed_soon() -> None:
    backoff = Backoff(Longest())
    waits = [backoff.after_session(ended(0.1), number, searching=True) for number in range(SHORT_BEFORE_SLOW)]
    assert waits == [SEARCH_S] * SHORT_BEFORE_SLOW
    assert not backoff.clash


def test_what_may_be_a_limit_or_another_client_is_tried_soon_and_counts_as_a_sign() -> None:
    backoff = Backoff(Longest())
    waits = [backoff.after_session(ended(0.1), number, ambiguous=True) for number in range(5)]
    assert waits == [SEARCH_S] * 4 + [SLOW_S]


def test_a_broker_that_ends_session_after_session_with_a_reason_is_asked_less_often() -> None:
    backoff = Backoff(Longest())
    waits = [backoff.after_session(ended(0.1, "quota"), number) for number in range(SHORT_BEFORE_SLOW + 1)]
    assert waits[-2:] == [MOST_S, SLOW_S / 2]
    assert backoff.after_session(ended(60), 1000) == MOST_S
