"""Conversion of packet time stamps, with network jitter and wrong camera clocks."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from pi_cam_node.camera.sources.packet_times import PacketTimes


def test_jitter_of_the_network_is_damped() -> None:
    chance, times = random.Random(3), PacketTimes()
    found = [times.of(number / 25, 100 + number / 25 + chance.uniform(0, 0.05)) for number in range(500)]
    distances = [later - earlier for earlier, later in pairwise(found[100:])]
    assert max(abs(distance - 0.04) for distance in distances) < 0.016, "arrivals differ by 0.05"


def test_a_camera_that_lies_about_its_rate_makes_films_of_the_real_length() -> None:
    times = PacketTimes()
    found = [times.of(number / 25, 100 + number / 21) for number in range(2000)]
    real_s = 1999 / 21
    assert found[-1] - found[0] == pytest.approx(real_s, rel=0.01)
    assert max(100 + number / 21 - each for number, each in enumerate(found)) < 0.2


@pytest.mark.parametrize("rate_hz", [21.0, 10.0, 5.0, 2.0, 1.0])
def test_a_camera_that_stamps_as_by_day_and_sends_less_by_night_is_not_left_behind(rate_hz: float) -> None:
    """At ten a second and less, its pictures were so late that all of them counted as held back."""
    chance, times = random.Random(3), PacketTimes()
    arrivals = [100 + number / rate_hz + chance.uniform(0, 0.05) for number in range(400)]
    found = [times.of(number / 25, arrived_s) for number, arrived_s in enumerate(arrivals)]
    late_s = [arrived_s - each for arrived_s, each in zip(arrivals, found, strict=True)]
    assert max(late_s[5:]) < 0.5, "the first few may be a delay of the network"
    assert found[-1] - found[5] == pytest.approx(394 / rate_hz, rel=0.01)


@pytest.mark.parametrize("rate_hz", [25.0, 10.0, 5.0])
def test_a_stall_is_not_a_slow_clock(rate_hz: float) -> None:
    times, stalled = PacketTimes(), 50
    for number in range(stalled):
        times.of(number / rate_hz, 100 + number / rate_hz)
    end_s = 100 + stalled / rate_hz + 2  # two seconds come at once
    burst = [times.of(number / rate_hz, end_s) for number in range(stalled, stalled + int(2 * rate_hz) + 1)]
    assert burst[0] == pytest.approx(100 + stalled / rate_hz, abs=0.15)
    assert burst[-8] - burst[0] == pytest.approx((len(burst) - 8) / rate_hz, abs=0.01), "as the stamps say"


@pytest.mark.parametrize("jump_s", [-86_400.0, -0.5, 3_600.0, 1e9])
def test_stamps_that_jump_neither_turn_back_nor_reach_the_future(jump_s: float) -> None:
    times, found = PacketTimes(), []
    for number in range(200):
        arrived_s = 100 + number / 25
        found.append(times.of(number / 25 + (jump_s if number >= 100 else 0), arrived_s))
        assert found[-1] <= arrived_s + 0.001
    assert all(later > earlier for earlier, later in pairwise(found))
    assert found[-1] == pytest.approx(100 + 199 / 25, abs=0.1)


def test_what_the_network_held_back_keeps_its_times() -> None:
    times = PacketTimes()
    for number in range(100):
        times.of(number / 25, 100 + number / 25)
    found = [times.of(number / 25, 107.0) for number in range(100, 175)]  # three seconds come at once
    assert found[0] < 104.6
    assert all(later > earlier for earlier, later in pairwise(found))
    assert 106.8 < found[-1] < 107.1


def test_packets_without_stamps_have_the_time_of_their_arrival() -> None:
    times = PacketTimes()
    assert [times.of(None, second) for second in (5.0, 5.5, 5.5)] == [5.0, 5.5, 5.501]


def test_what_this_machine_reads_late_keeps_its_times() -> None:
    """Packets that are read at half their rate, none of which was waited for: the camera's clock is not slow."""
    times, found, waited_s = PacketTimes(), [], 0.0
    for number in range(100):
        waited_s += 0.05 if number % 5 == 0 else 0.0005  # now and then this program had to wait for the processor
        found.append(times.of(number / 25, 100 + number / 12.5, waited_s))
    assert found[-1] - found[0] == pytest.approx(99 / 25)
