"""Whether our own birth comes back."""

from __future__ import annotations

from pi_cam_node.mqtt.echo_check import ECHO_TIMEOUT_S, EchoCheck


def test_what_came_back_is_not_missed() -> None:
    check = EchoCheck()
    check.sent()
    check.received()
    assert not any(check.is_lost(now_s, acknowledged=True) for now_s in range(100))


def test_what_does_not_come_back_is_told_once() -> None:
    check = EchoCheck()
    assert not check.is_lost(0, acknowledged=True), "nothing is out"
    check.sent()
    said = [check.is_lost(now_s, acknowledged=True) for now_s in range(20)]
    assert said.index(True) == ECHO_TIMEOUT_S
    assert said.count(True) == 1


def test_a_slow_link_gets_the_time_that_it_needs() -> None:
    check = EchoCheck()
    check.sent()
    assert not any(check.is_lost(now_s, acknowledged=False) for now_s in range(60))
    assert not check.is_lost(60, acknowledged=True)
    assert not check.is_lost(62, acknowledged=False), "the node goes on telling"
    assert check.is_lost(60 + ECHO_TIMEOUT_S, acknowledged=False)
