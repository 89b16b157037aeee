"""Coherent movement of boxes."""

from __future__ import annotations

import random

from pi_cam_node.imaging.motion.tracks import PARKED_S, Box, Tracker

MIN_S = 0.4


def box(x: float, y: float = 50, width: int = 10, height: int = 20) -> Box:
    return Box(round(x), round(y), width, height, width * height * 0.7)


def test_four_pictures_in_a_row_are_motion_and_three_are_not() -> None:
    tracker = Tracker((320, 240))
    states = [tracker.follow([box(10 + 3 * k)], k / 10)[0].is_motion(MIN_S) for k in range(5)]
    assert states == [False, False, False, True, True]


def test_a_slower_analysis_needs_the_same_time_and_not_the_same_number() -> None:
    tracker = Tracker((320, 240))
    states = [tracker.follow([box(10 + 4 * k)], k / 5)[0].is_motion(MIN_S) for k in range(4)]
    assert states == [False, False, True, True]


def test_what_jumps_about_is_never_motion() -> None:
    rng, tracker = random.Random(3), Tracker((320, 240))
    for k in range(200):
        tracks = tracker.follow([box(rng.uniform(0, 300), rng.uniform(0, 200)) for _ in range(3)], k / 10)
        assert not any(track.is_motion(MIN_S) for track in tracks)


def test_streaks_of_heavy_rain_are_no_motion_and_a_person_among_them_is() -> None:
    """There are so many that one is always near the place of another."""
    rng, tracker = random.Random(5), Tracker((320, 240))

    def streaks() -> list[Box]:
        return [box(rng.uniform(0, 300), rng.uniform(0, 200), 10, 34) for _ in range(14)]

    for k in range(600):
        assert not any(track.is_motion(MIN_S) for track in tracker.follow(streaks(), k / 10))
    found = [
        k
        for k in range(20)
        if tracker.follow([box(20 + 4 * k, 90, 26, 70), *streaks()], 60 + k / 10)[0].is_motion(MIN_S)
    ]
    assert found
    assert found[0] <= 10


def test_blocks_that_appear_beside_each_other_and_stand_still_are_no_motion() -> None:
    """As broken video shows them: each is near the place of another one."""
    tracker = Tracker((320, 240))
    blocks = [box(100 + 14 * column, 60 + 12 * row, 12 + 2 * row, 10) for row in range(3) for column in range(4)]
    for k in range(10):
        assert not any(track.is_motion(MIN_S) for track in tracker.follow(blocks[k % 3 :] + blocks[: k % 3], k / 10))


def test_cars_that_are_equally_fast_are_motion() -> None:
    tracker = Tracker((320, 240))
    for k in range(8):
        cars = [box(10 + 24 * k, 60, 40, 20), box(280 - 24 * k, 110, 40, 20), box(20 + 22 * k, 160, 40, 20)]
        tracks = tracker.follow(cars, k / 10)
    assert all(track.is_motion(MIN_S) for track in tracks)


def test_what_trembles_within_reach_is_no_motion_and_what_moves_on_is() -> None:
    tracker = Tracker((320, 240))
    for k in range(20):
        (track,) = tracker.follow([box(100 + 4 * (-1) ** k)], k / 10)
        assert not track.is_motion(MIN_S)
    tracker.clear()
    for k in range(20):
        (track,) = tracker.follow([box(100 + 5 * k)], k / 10)
    assert track.is_motion(MIN_S)


def test_what_stands_where_it_appeared_is_no_motion() -> None:
    tracker = Tracker((320, 240))
    for k in range(40):
        (track,) = tracker.follow([box(100 + k % 2)], k / 10)
        assert not track.is_motion(MIN_S)


def test_a_track_that_was_not_seen_for_a_while_begins_anew() -> None:
    tracker = Tracker((320, 240))
    for k in range(6):
        tracker.follow([box(10 + 3 * k)], k / 10)
    for k in range(6, 16):
        tracker.follow([], k / 10)
    (track,) = tracker.follow([box(58)], 1.6)
    assert track.pictures == 1


def test_a_blob_of_quite_another_size_is_another_one() -> None:
    tracker = Tracker((320, 240))
    tracker.follow([box(50)], 0.0)
    (track,) = tracker.follow([box(50, width=30, height=60)], 0.1)
    assert track.pictures == 1


def test_what_moved_and_stands_still_is_live_until_it_is_parked() -> None:
    tracker = Tracker((320, 240))
    for k in range(12):
        tracker.follow([box(10 + 4 * k)], k / 10)
    assert tracker.live(1.2, MIN_S)
    for k in range(12, round(PARKED_S * 10) + 30):
        tracker.follow([box(54)], k / 10)
    assert not tracker.live(PARKED_S + 3, MIN_S)
