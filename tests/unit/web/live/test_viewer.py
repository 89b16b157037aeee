"""Pacing of one viewer: rate, repetition, and keep-alive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_cam_node.web.live.viewer import KEEPALIVE_S, REPEAT_S, SLACK_S, ViewerPacing


def shown_at(frames_s: list[float], interval_s: float) -> list[float]:
    """Return which of the frames, by time of arrival, a viewer gets."""
    pacing, shown = ViewerPacing(), []
    for now_s in frames_s:
        if now_s >= pacing.due_s:
            pacing.sent_new(now_s, interval_s)
            shown.append(now_s)
    return shown


def test_the_first_picture_is_due_at_once() -> None:
    assert shown_at([5.0], 0.5) == [5.0]


@pytest.mark.parametrize("fps", [1, 2, 3, 4, 7, 10])
def test_a_lower_rate_is_met_on_average_where_it_does_not_divide_the_cameras(fps: int) -> None:
    frames_s = [number / 10 for number in range(600)]
    assert len(shown_at(frames_s, 1 / fps)) == pytest.approx(60 * fps, abs=1)


def test_frames_that_jitter_are_not_skipped() -> None:
    frames_s = [number / 10 + (SLACK_S * 0.9 if number % 2 else 0) for number in range(100)]
    assert len(shown_at(frames_s, 0.1)) == 100


@pytest.mark.parametrize("late_s", [0.01, 0.03, 0.05])
def test_one_frame_that_is_late_costs_none_of_the_next(late_s: float) -> None:
    assert len(shown_at([late_s, *(number / 10 for number in range(1, 50))], 0.1)) == 50
    delayed = [0.0, 0.1, 0.2, 0.4 + late_s, *(number / 10 for number in range(5, 50))]
    assert len(shown_at(delayed, 0.1)) == len(delayed)


def test_after_a_long_pause_pictures_do_not_come_in_a_burst() -> None:
    assert shown_at([0.0, 60.0, 60.1, 60.2, 60.5], 0.5) == [0.0, 60.0, 60.5]


def test_the_last_picture_is_repeated_once_and_then_only_now_and_then() -> None:
    pacing = ViewerPacing()
    pacing.sent_new(100.0, 5.0)
    repeated: list[float] = []
    now_s = 100.0
    while len(repeated) < 3:
        now_s = pacing.next_s(now_s)
        if pacing.is_repeat_due(now_s):
            pacing.sent_again(now_s)
            repeated.append(now_s)
    expected = [100.0 + REPEAT_S, 100.0 + REPEAT_S + KEEPALIVE_S, 100.0 + REPEAT_S + 2 * KEEPALIVE_S]
    assert repeated == pytest.approx(expected)


@pytest.mark.parametrize("fps", [4, 5, 10, 30])
def test_nothing_is_repeated_while_pictures_come_quickly(fps: int) -> None:
    pacing, interval_s = ViewerPacing(), 1 / fps
    for number in range(100):
        now_s = number * interval_s
        assert not pacing.is_repeat_due(now_s)
        pacing.sent_new(now_s, interval_s)


def test_nothing_is_repeated_before_there_was_a_picture() -> None:
    assert not ViewerPacing().is_repeat_due(1e9)


@given(st.floats(0.01, 100), st.floats(0, 1e6))
def test_looking_again_always_lies_ahead_once_a_repetition_is_sent(interval_s: float, now_s: float) -> None:
    """A next time that is not in the future would make the loop spin."""
    pacing = ViewerPacing()
    pacing.sent_new(now_s, interval_s)
    for _ in range(20):
        next_s = pacing.next_s(now_s)
        assert next_s > now_s
        now_s = next_s
        if pacing.is_repeat_due(now_s):
            pacing.sent_again(now_s)
