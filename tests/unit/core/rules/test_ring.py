"""The ring: three limits, selection by time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_cam_node.base.errors import NoFrames
from pi_cam_node.base.ring_records import Pin
from pi_cam_node.core.rules.ring import Limits, Ring, RingFrame
from pi_cam_node.imaging.frame import Sensor

START = datetime(2026, 11, 20, tzinfo=UTC)
WIDE = Limits(frames=10_000, seconds=1e6, size_bytes=1 << 30)


def frame(seq: int, mono_s: float, size: int = 100) -> RingFrame:
    return RingFrame(seq, mono_s, START + timedelta(seconds=mono_s), b"j" * size, "day", Sensor())


def filled(times: list[float], limits: Limits = WIDE) -> Ring:
    ring = Ring(limits)
    for seq, mono_s in enumerate(times):
        ring.add(frame(seq, mono_s))
    return ring


def seqs(frames: object) -> list[int]:
    return [f.seq for f in frames]  # type: ignore[attr-defined]


def test_frames_around_a_moment_lie_on_both_sides_of_it() -> None:
    ring = filled([i / 10 for i in range(100)])
    assert seqs(ring.around(5.04, 4)) == [49, 50, 51, 52]
    assert seqs(ring.around(5.0, 3)) == [49, 50, 51]


def test_a_moment_is_a_time_and_not_a_number_of_frames() -> None:
    ring = filled([0.0, 0.1, 0.2, 10.0, 12.0, 14.0])
    assert seqs(ring.around(10.1, 1)) == [3]
    assert seqs(ring.around(9.0, 2)) == [3, 4]


def test_a_moment_after_the_newest_frame_means_the_newest_frames() -> None:
    assert seqs(filled([0.0, 2.0, 4.0]).around(5.5, 2)) == [1, 2]


def test_a_moment_before_the_oldest_frame_is_not_held() -> None:
    ring = filled([10.0, 10.1, 10.2])
    assert seqs(ring.around(8.9, 4)) == []
    assert seqs(ring.around(9.5, 4)) == [0, 1, 2]


def test_an_empty_ring_and_a_count_of_zero_give_nothing() -> None:
    assert seqs(Ring(WIDE).around(0.0, 4)) == []
    assert seqs(Ring(WIDE).last(4)) == []
    assert seqs(filled([1.0, 2.0]).around(1.0, 0)) == []
    assert seqs(filled([1.0, 2.0]).last(0)) == []
    assert seqs(filled([1.0, 2.0]).last(-3)) == []


def test_a_span_includes_both_its_ends() -> None:
    assert seqs(filled([0.0, 1.0, 2.0, 3.0]).between(1.0, 2.0)) == [1, 2]


def test_a_frame_that_is_not_newer_is_not_kept() -> None:
    ring = filled([1.0, 2.0])
    assert not ring.add(frame(9, 2.0))
    assert not ring.add(frame(9, 1.5))
    assert seqs(ring.last(9)) == [0, 1]


def test_narrower_limits_hold_at_once() -> None:
    ring = filled([float(i) for i in range(50)])
    ring.limit(Limits(frames=10, seconds=1e6, size_bytes=1 << 30))
    assert (len(ring), ring.seconds) == (10, 9.0)
    ring.limit(Limits(frames=10, seconds=4.0, size_bytes=1 << 30))
    assert len(ring) == 5
    ring.limit(Limits(frames=10, seconds=4.0, size_bytes=250))
    assert ring.size_bytes == 200


@given(
    sizes=st.lists(st.integers(1, 400), max_size=60),
    frames=st.integers(1, 20),
    seconds=st.floats(0.1, 30),
    size_bytes=st.integers(1, 3000),
)
def test_no_bound_is_ever_exceeded(sizes: list[int], frames: int, seconds: float, size_bytes: int) -> None:
    ring = Ring(Limits(frames, seconds, size_bytes))
    for seq, size in enumerate(sizes):
        ring.add(frame(seq, seq * 0.7, size))
        assert len(ring) <= frames
        assert ring.seconds <= seconds
        assert ring.size_bytes <= size_bytes
        assert ring.size_bytes == sum(len(f.jpeg) for f in ring.last(1000))


def test_of_two_frames_that_are_as_near_the_later_is_taken() -> None:
    assert seqs(filled([1.0, 2.0]).around(1.5, 1)) == [1]
    assert seqs(filled([1.0, 2.0, 3.0]).around(2.0, 2)) == [1, 2]


def test_a_moment_a_second_before_the_oldest_frame_is_held_and_not_one_before_that() -> None:
    ring = filled([10.0, 10.1, 10.2])
    assert seqs(ring.around(9.0, 1)) == [0]
    assert seqs(ring.around(8.99, 1)) == []


def test_where_frames_lie_further_apart_than_a_second_so_does_the_moment_that_is_held() -> None:
    ring = filled([10.0, 14.0, 18.0])
    assert seqs(ring.around(6.0, 1)) == [0]
    assert seqs(ring.around(5.99, 1)) == []


def test_what_is_selected_outlives_its_place_and_is_in_memory_once() -> None:
    ring = filled([1.0, 2.0, 3.0], Limits(3, 1e6, 1000))
    selected = ring.around(1.0, 2)
    ring.add(frame(9, 9.0))
    assert [one.jpeg for one in selected] == [b"j" * 100] * 2
    assert [one.size_bytes for one in selected] == [100] * 2
    assert [isinstance(one.picture, Pin) and one.picture.copy is not None for one in selected] == [True, False]


def test_what_was_selected_before_the_ring_was_wiped_is_gone() -> None:
    ring = filled([1.0, 2.0], Limits(2, 1e6, 1000))
    selected = ring.last(2)
    ring.add(frame(9, 9.0))
    ring.clear()
    for one in selected:
        with pytest.raises(NoFrames):
            _ = one.jpeg
