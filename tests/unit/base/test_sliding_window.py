"""Sliding-window rate limit."""

from __future__ import annotations

from pi_cam_node.base.sliding_window import MOST, SlidingWindow

WINDOW_S = 2.0


def test_no_window_holds_more_than_it_may() -> None:
    window, done_s = SlidingWindow(WINDOW_S), []
    for step in range(1000):
        now_s = step / 100
        if window.has_room(7, now_s):
            window.count(now_s)
            done_s.append(now_s)
    assert max(sum(first <= other < first + WINDOW_S for other in done_s) for first in done_s) == 7
    assert len(done_s) >= 30, "and it is made use of"


def test_what_is_allowed_counts_and_what_is_not_does_not() -> None:
    window = SlidingWindow(WINDOW_S)
    assert [window.allow(2, now_s) for now_s in (0, 1, 1.5)] == [True, True, False]
    assert window.allow(2, WINDOW_S + 0.5)
    assert not window.allow(2, WINDOW_S + 0.6)


def test_a_flood_that_is_counted_without_asking_takes_no_memory() -> None:
    window = SlidingWindow(WINDOW_S)
    for _ in range(2 * MOST):
        window.count(0.0)
    assert len(window._times_s) == MOST
    assert not window.has_room(MOST, 1.0)
    assert window.has_room(1, WINDOW_S)
