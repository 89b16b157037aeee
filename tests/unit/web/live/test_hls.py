"""Limit on the viewers of live video."""

from __future__ import annotations

from pi_cam_node.web.live.hls import VIEWER_S, HlsViewers
from tests.support.fakes.clock import FakeClock


def test_no_more_viewers_than_the_setting_says_and_one_who_left_makes_room() -> None:
    clock = FakeClock()
    viewers = HlsViewers(lambda: 2, clock)
    assert viewers.admit(("192.0.2.1", "a"))
    assert viewers.admit(("192.0.2.2", "a"))
    assert not viewers.admit(("192.0.2.3", "a"))
    clock.advance(VIEWER_S - 1)
    assert viewers.admit(("192.0.2.1", "a")), "who is there already stays"
    assert not viewers.admit(("192.0.2.3", "a"))
    clock.advance(1)
    assert viewers.admit(("192.0.2.3", "a"))
    assert not viewers.admit(("192.0.2.2", "a"))


def test_strangers_take_no_memory_that_stays() -> None:
    viewers = HlsViewers(lambda: 10, FakeClock())
    for number in range(1000):
        viewers.admit((f"192.0.2.{number}",))
    assert len(viewers._seen_s) == 10
