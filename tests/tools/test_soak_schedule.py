"""The schedule of a soak's faults."""

from __future__ import annotations

from itertools import pairwise

import pytest

from benchmarks.soak.faults import BEGINNINGS
from benchmarks.soak.schedule import GROUPS, KINDS, PAUSE_S, schedule

TWO_HOURS_S = 7200.0


def test_a_seed_gives_the_same_faults_again_and_another_one_others() -> None:
    assert list(schedule(7, 20, 3600)) == list(schedule(7, 20, 3600))
    assert list(schedule(7, 20, 3600)) != list(schedule(8, 20, 3600))


@pytest.mark.parametrize("seed", range(5))
def test_every_kind_comes_several_times_in_two_hours(seed: int) -> None:
    times = [fault.kind for fault in schedule(seed, 20, TWO_HOURS_S)]
    assert min(times.count(kind.name) for kind in KINDS) >= 5


@pytest.mark.parametrize("seed", range(5))
def test_faults_leave_the_node_time_between_them(seed: int) -> None:
    for before, after in pairwise(schedule(seed, 20, TWO_HOURS_S)):
        pause_s = after.at_s - (before.at_s + before.lasts_s)
        assert PAUSE_S[0] - 0.2 <= pause_s <= PAUSE_S[1] + 0.2


@pytest.mark.parametrize("seed", range(5))
def test_the_first_and_the_last_fault_keep_the_quiet_times(seed: int) -> None:
    faults = list(schedule(seed, 20, 600))
    assert faults[0].at_s >= 20
    assert faults[-1].at_s + faults[-1].lasts_s <= 600.1


def test_a_fault_lasts_as_long_as_its_kind_allows_and_gets_one_of_its_arguments() -> None:
    kinds = {kind.name: kind for kind in KINDS}
    for fault in schedule(3, 20, TWO_HOURS_S):
        kind = kinds[fault.kind]
        assert kind.shortest_s <= fault.lasts_s <= kind.longest_s
        assert fault.argument in kind.arguments


def test_a_group_can_be_left_out() -> None:
    left = {fault.kind for fault in schedule(1, 20, TWO_HOURS_S, without=("disk", "clock"))}
    assert left == {kind.name for kind in KINDS if kind.group not in ("disk", "clock")}


def test_somebody_who_leaves_everything_out_is_told() -> None:
    with pytest.raises(ValueError, match="no kind of fault"):
        list(schedule(1, 20, 600, without=GROUPS))


def test_every_kind_can_be_caused() -> None:
    assert set(BEGINNINGS) == {kind.name for kind in KINDS}
