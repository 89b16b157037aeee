"""The loop of the node thread: iterations, waits, failures, and end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from pi_cam_node.base.schedule import NEVER_S
from pi_cam_node.core.events import Event, FrameTaken, Replied, RingMeasured
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import CommandArrived, HomeAssistantStarted, Input, WorkEnded
from pi_cam_node.imaging.frame import Frame
from pi_cam_node.runtime.run_loop import AFTER_FAILURE_S, STEPS_FAILED_MAX, RunLoop
from tests.support.core_harness import CoreHarness
from tests.support.fakes.clock import FakeClock


class ScriptedInbox:
    """Lets the clock go on by what the loop waits for, and hands over what the test put."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.waits_s: list[float] = []
        self.messages: list[Input] = []
        self.woken = 0

    def take(self, timeout_s: float, *, hold_broker: Callable[[], bool]) -> Input | None:
        if self.messages:
            return self.messages.pop(0)
        self.waits_s.append(timeout_s)
        self._clock.advance(max(0.0, timeout_s))
        return None

    def wake(self) -> None:
        self.woken += 1


class Part:
    """Something that is due at times of the test."""

    def __init__(self, due_s: float = NEVER_S, *, fails: bool = False) -> None:
        self.due_s, self.fails = due_s, fails
        self.done: list[float] = []

    def on_time(self, now_s: float) -> None:
        if self.fails:
            raise RuntimeError("a bug")
        self.done.append(now_s)
        self.due_s = NEVER_S


class Listening:
    """Listener that stores events, or fails."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.heard: list[Event] = []

    def on_event(self, event: Event) -> None:
        if self.fails:
            raise RuntimeError("a bug")
        self.heard.append(event)


class StubCore:
    """Is due when the test says so, and answers each message with an event."""

    def __init__(self) -> None:
        self.due_s = NEVER_S
        self.steps: list[Input | Frame | None] = []

    def step(self, message: Input | Frame | None) -> list[Event]:
        self.steps.append(message)
        return [RingMeasured(1.0)] if message is not None else []


class Bench:
    def __init__(self) -> None:
        self.clock, self.core = FakeClock(), StubCore()
        self.inbox = ScriptedInbox(self.clock)
        self.given_up: list[str] = []
        core, inbox = self.core, self.inbox
        self.loop = RunLoop(core, inbox, self.clock, lambda: False, self.given_up.append)  # type: ignore[arg-type]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_it_sleeps_until_the_first_part_is_due_and_does_that_alone(bench: Bench) -> None:
    now_s = bench.clock.monotonic()
    soon, later = Part(now_s + 3), Part(now_s + 8)
    bench.loop.timed = [later, soon]
    bench.core.due_s = now_s + 5
    bench.loop.turn()
    assert (bench.inbox.waits_s, soon.done, later.done) == ([3.0], [now_s + 3], [])
    bench.loop.turn()
    assert bench.inbox.waits_s == [3.0, 2.0], "the core is next"


def test_what_comes_goes_to_the_core_and_what_follows_to_every_listener(bench: Bench) -> None:
    failing, listening = Listening(fails=True), Listening()
    bench.loop.listeners = [failing, listening]
    bench.loop.timed = [Part()]
    message = HomeAssistantStarted()
    bench.inbox.messages.append(message)
    bench.loop.turn()
    assert bench.core.steps == [message]
    assert listening.heard == [RingMeasured(1.0)], "one that fails stops no other"


def test_a_frame_goes_to_those_that_take_frames_and_nothing_else_does(bench: Bench) -> None:
    showing, listening = Listening(), Listening()
    bench.loop.frame_listeners, bench.loop.listeners = [showing], [listening]
    frame = FrameTaken(CoreHarness().frame())
    for event in (frame, RingMeasured(2.0)):
        bench.loop.publish(event)
    assert (showing.heard, listening.heard) == ([frame], [RingMeasured(2.0)])


def test_a_part_that_fails_again_and_again_is_not_tried_without_a_pause_and_ends_the_node(bench: Bench) -> None:
    bench.loop.timed = [Part(bench.clock.monotonic(), fails=True)]
    for _ in range(STEPS_FAILED_MAX):
        assert bench.given_up == []
        bench.loop.turn()
    assert bench.given_up == ["every step of the node thread fails"]
    assert bench.inbox.waits_s[1:] == pytest.approx([AFTER_FAILURE_S] * (STEPS_FAILED_MAX - 1))


def test_a_stop_keeps_the_first_code_and_wakes_the_thread(bench: Bench) -> None:
    bench.loop.stop(75)
    bench.loop.stop(0)
    assert (bench.loop.exit_code, bench.inbox.woken) == (75, 2)
    bench.loop.run()


def test_an_idle_core_is_due_for_telemetry_alone() -> None:
    harness = CoreHarness()
    harness.step()
    assert harness.core.due_s == harness.clock.monotonic() + harness.core.config.telemetry.interval_s


# ------------------------------------------------------------ what still waits at shutdown


@pytest.fixture
def harness() -> CoreHarness:
    harness = CoreHarness()
    harness.see(10)
    return harness


def asked(name: str, verb: str = "health", asker: Any = "mqtt") -> CommandArrived:
    return CommandArrived(verb, f'{{"id": "{name}"}}'.encode(), 0.0, origin=asker)


def said(harness: CoreHarness, inbox: Inbox, *, behind: bool = False) -> list[tuple[object, object]]:
    """Return the ids and codes that `RunLoop.drain` replies with."""
    loop, listening = RunLoop(harness.core, inbox, harness.clock, lambda: behind, pytest.fail), Listening()
    loop.listeners = [listening]
    loop.drain()
    return [(event.body["id"], event.body["code"]) for event in listening.heard if isinstance(event, Replied)]


def test_each_command_that_waits_is_refused_and_none_is_begun(harness: CoreHarness) -> None:
    inbox = Inbox()
    for number in range(50):
        inbox.put(asked(str(number), "save"))
    inbox.put(asked("page", asker="http"))
    assert said(harness, inbox) == [("page", "busy"), *((str(number), "busy") for number in range(50))]
    assert (harness.jobs, inbox.waiting) == ([], 0)


def test_finished_work_is_told_and_news_and_frames_hold_nothing_up(harness: CoreHarness) -> None:
    inbox = Inbox()
    harness.send("save", '{"id": "done"}')
    harness.see()
    ((number, job),) = harness.jobs
    inbox.put(HomeAssistantStarted())
    inbox.put(WorkEnded(number, result=job(lambda _done, _total: None)))
    inbox.put_frame(harness.frame())
    assert said(harness, inbox) == [("done", "ok")]


def test_an_id_that_was_answered_gets_its_answer_again(harness: CoreHarness) -> None:
    inbox = Inbox()
    harness.send("health", '{"id": "twice"}')
    inbox.put(asked("twice"))
    assert said(harness, inbox) == [("twice", "ok")]


def test_what_a_slow_broker_has_no_room_for_is_counted_in_the_log(
    harness: CoreHarness, caplog: pytest.LogCaptureFixture
) -> None:
    inbox = Inbox()
    for number in range(7):
        inbox.put(asked(str(number)))
    inbox.put(asked("page", asker="http"))
    with caplog.at_level(logging.WARNING):
        assert said(harness, inbox, behind=True) == [("page", "busy")]
    assert "7 messages were not processed and get no reply" in caplog.text
