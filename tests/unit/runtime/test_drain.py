"""Who still waits when the node stops gets an answer, or is counted."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from pi_cam_node.core.events import Replied
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import CommandArrived, HomeAssistantStarted, WorkEnded
from pi_cam_node.runtime.drain import drain_inbox
from tests.support.core_harness import CoreHarness


@pytest.fixture
def world() -> CoreHarness:
    world = CoreHarness()
    world.see(10)
    return world


def asked(name: str, verb: str = "health", asker: Any = "mqtt") -> CommandArrived:
    return CommandArrived(verb, f'{{"id": "{name}"}}'.encode(), 0.0, origin=asker)


def said(world: CoreHarness, inbox: Inbox, *, behind: bool = False) -> list[tuple[object, object]]:
    facts = drain_inbox(inbox, world.core, lambda: behind, world.clock)
    return [(fact.body["id"], fact.body["code"]) for fact in facts if isinstance(fact, Replied)]


def test_each_command_that_waits_is_refused_and_none_is_begun(world: CoreHarness) -> None:
    inbox = Inbox()
    for number in range(50):
        inbox.put(asked(str(number), "save"))
    inbox.put(asked("page", asker="http"))
    assert said(world, inbox) == [("page", "busy"), *((str(number), "busy") for number in range(50))]
    assert (world.jobs, inbox.waiting) == ([], 0)


def test_finished_work_is_told_and_news_and_frames_hold_nothing_up(world: CoreHarness) -> None:
    inbox = Inbox()
    world.send("save", '{"id": "done"}')
    world.see()
    ((number, job),) = world.jobs
    inbox.put(HomeAssistantStarted())
    inbox.put(WorkEnded(number, result=job(lambda _done, _total: None)))
    inbox.put_frame(world.frame())
    assert said(world, inbox) == [("done", "ok")]


def test_an_id_that_was_answered_gets_its_answer_again(world: CoreHarness) -> None:
    inbox = Inbox()
    world.send("health", '{"id": "twice"}')
    inbox.put(asked("twice"))
    assert said(world, inbox) == [("twice", "ok")]


def test_what_a_slow_broker_has_no_room_for_is_counted_in_the_log(
    world: CoreHarness, caplog: pytest.LogCaptureFixture
) -> None:
    inbox = Inbox()
    for number in range(7):
        inbox.put(asked(str(number)))
    inbox.put(asked("page", asker="http"))
    with caplog.at_level(logging.WARNING):
        assert said(world, inbox, behind=True) == [("page", "busy")]
    assert "7 messages were not looked at any more, and get no reply" in caplog.text
