"""The heartbeat of a monitored thread that runs an event loop."""

from __future__ import annotations

from collections.abc import Callable

from pytest_mock import MockerFixture

from pi_cam_node.base.threads import BEAT_S, LIMIT_S, MonitoredThread
from tests.support.fakes.clock import FakeClock


def test_a_heartbeat_is_fresh_while_the_event_loop_turns_and_stale_when_it_hangs(mocker: MockerFixture) -> None:
    clock, calls = FakeClock(), list[tuple[float, Callable[[], None]]]()
    mocker.patch.object(MonitoredThread, "is_mine", new=True)
    thread = MonitoredThread("http", lambda: None, clock)
    event_loop = mocker.Mock()
    event_loop.call_later = lambda delay_s, call, *arguments: calls.append((delay_s, lambda: call(*arguments)))
    thread.beat_along(event_loop)
    for _ in range(3):
        clock.advance(LIMIT_S - 1)
        delay_s, call = calls.pop()
        assert (delay_s, thread.is_stale, calls) == (BEAT_S, False, [])
        call()
    clock.advance(LIMIT_S + 1)
    assert thread.is_stale


def test_a_process_that_stood_still_prolongs_the_deadline_of_a_loop_and_never_shortens_it(
    mocker: MockerFixture,
) -> None:
    clock = FakeClock()
    mocker.patch.object(MonitoredThread, "is_mine", new=True)
    thread = MonitoredThread("worker", lambda: None, clock)
    thread.extend()
    clock.advance(1e6)
    assert not thread.is_stale, "it waits for work"
    thread.beat(within_s=100.0)
    thread.extend()
    clock.advance(LIMIT_S + 100.0)
    assert not thread.is_stale
    thread.extend()
    clock.advance(LIMIT_S)
    assert not thread.is_stale
    clock.advance(1)
    assert thread.is_stale
