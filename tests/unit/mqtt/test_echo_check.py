"""Whether our own birth comes back."""

from __future__ import annotations

from pi_cam_node.mqtt.echo_check import BACK_S, EchoCheck


def test_what_came_back_is_not_missed() -> None:
    canary = EchoCheck()
    canary.release()
    canary.back()
    assert not any(canary.is_lost(now_s, acknowledged=True) for now_s in range(100))


def test_what_does_not_come_back_is_told_once() -> None:
    canary = EchoCheck()
    assert not canary.is_lost(0, acknowledged=True), "nothing is out"
    canary.release()
    said = [canary.is_lost(now_s, acknowledged=True) for now_s in range(20)]
    assert said.index(True) == BACK_S
    assert said.count(True) == 1


def test_a_slow_link_gets_the_time_that_it_needs() -> None:
    canary = EchoCheck()
    canary.release()
    assert not any(canary.is_lost(now_s, acknowledged=False) for now_s in range(60))
    assert not canary.is_lost(60, acknowledged=True)
    assert not canary.is_lost(62, acknowledged=False), "the node goes on telling"
    assert canary.is_lost(60 + BACK_S, acknowledged=False)
