"""The retention rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_cam_node.storage.pictures.retention import Held, Limits, plan

DAY_S = 86_400.0

ages = st.none() | st.floats(-1e6, 1e7)
histories = st.lists(st.tuples(st.integers(1, 1000), ages), max_size=30).map(
    lambda rows: [Held(f"{number:03d}", size, age) for number, (size, age) in enumerate(rows)]
)
limits = st.builds(
    Limits,
    max_bytes=st.integers(0, 5000),
    max_age_s=st.just(0.0) | st.floats(1, 1e7),
    to_free_bytes=st.integers(0, 5000),
)


def held(*sizes: int) -> list[Held[str]]:
    return [Held(str(number), size, 0.0) for number, size in enumerate(sizes)]


def rest(history: list[Held[str]], limit: Limits) -> list[Held[str]]:
    gone = set(plan(history, limit))
    return [picture for picture in history if picture.id not in gone]


def total(history: list[Held[str]]) -> int:
    return sum(picture.size_bytes for picture in history)


@given(histories, limits)
@pytest.mark.promise("S9")
def test_afterwards_the_sum_is_within_the_limit_or_the_newest_is_left_alone(
    history: list[Held[str]], limit: Limits
) -> None:
    left = rest(history, limit)
    assert not limit.max_bytes or total(left) <= limit.max_bytes or left == history[-1:]


@given(histories, limits)
@pytest.mark.promise("S9")
def test_the_newest_always_stays(history: list[Held[str]], limit: Limits) -> None:
    assert rest(history, limit)[-1:] == history[-1:]


@given(histories, limits)
def test_afterwards_none_but_the_newest_is_known_to_be_too_old(history: list[Held[str]], limit: Limits) -> None:
    for picture in rest(history, limit)[:-1]:
        assert not limit.max_age_s or picture.age_s is None or picture.age_s <= limit.max_age_s


@given(histories, limits)
@pytest.mark.promise("S9")
def test_what_the_disk_lacks_is_freed_or_nothing_could_free_it(history: list[Held[str]], limit: Limits) -> None:
    left = rest(history, limit)
    assert total(history) - total(left) >= limit.to_free_bytes or total(history[:-1]) < limit.to_free_bytes


@given(histories, limits)
def test_nothing_goes_that_could_have_stayed(history: list[Held[str]], limit: Limits) -> None:
    by_age = {picture.id for picture in history if limit.max_age_s and (picture.age_s or 0) > limit.max_age_s}
    gone = plan(history, limit)
    assert len(set(gone)) == len(gone)
    last = next((name for name in reversed(gone) if name not in by_age), None)
    if last is None:
        return
    without_last = [picture for picture in history if picture.id not in gone or picture.id == last]
    too_much = limit.max_bytes and total(without_last) > limit.max_bytes
    assert too_much or total(history) - total(without_last) < limit.to_free_bytes


def test_what_is_exactly_at_a_limit_stays() -> None:
    history = [Held("old", 10, DAY_S), Held("new", 10, 0.0)]
    assert plan(history, Limits(max_bytes=20, max_age_s=DAY_S)) == []
    assert plan(history, Limits(max_bytes=19)) == plan(history, Limits(max_age_s=DAY_S - 1)) == ["old"]


def test_the_oldest_go_first() -> None:
    assert plan(held(10, 10, 10, 10), Limits(max_bytes=20)) == ["0", "1"]


def test_without_limits_nothing_goes() -> None:
    assert plan(held(10, 10, 10), Limits()) == []


def test_a_picture_goes_by_age_although_an_older_name_of_unknown_age_stays() -> None:
    history = [Held("unknown", 10, None), Held("old", 10, 3 * DAY_S), Held("new", 10, 0.0)]
    assert plan(history, Limits(max_age_s=2 * DAY_S)) == ["old"]


def test_a_picture_from_the_future_does_not_go_by_age() -> None:
    history = [Held("future", 10, -40 * DAY_S), Held("new", 10, 0.0)]
    assert plan(history, Limits(max_age_s=2 * DAY_S)) == []


def test_what_goes_by_age_counts_towards_the_other_limits() -> None:
    history = [Held("a", 10, 0.0), Held("b", 10, 9.0), Held("c", 10, 0.0)]
    assert plan(history, Limits(max_bytes=20, max_age_s=5.0)) == ["b"]


def test_nothing_is_sacrificed_for_space_that_all_of_it_could_not_give() -> None:
    assert plan(held(10, 10, 10), Limits(to_free_bytes=21)) == []
    assert plan(held(10, 10, 10), Limits(to_free_bytes=20)) == ["0", "1"]


def test_an_empty_folder_needs_no_plan() -> None:
    assert plan([], Limits(max_bytes=1, max_age_s=1.0, to_free_bytes=1)) == []
