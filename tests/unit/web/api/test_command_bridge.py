"""HTTP requests and their replies."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import Busy, DeadlinePassed
from pi_cam_node.core.events import FramesSent, Replied
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import CommandArrived
from pi_cam_node.web.api import command_bridge
from pi_cam_node.web.api.command_bridge import COMMANDS_WAITING_MAX, CommandBridge
from tests.support.fakes.clock import FakeClock

AT = datetime(2026, 11, 20, 19, 45, tzinfo=UTC)


def run(what: Coroutine[Any, Any, None]) -> None:
    asyncio.run(what)


class Full(Inbox):
    def put(self, _message: object) -> bool:
        return False


def taken(inbox: Inbox) -> CommandArrived:
    message = inbox.take(0)
    assert isinstance(message, CommandArrived)
    return message


def reply(to: str | None, stage: str = "final", **more: Any) -> Replied:
    return Replied({"stage": stage, **more}, to, None, more.pop("origin", "http"))


async def turn() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def test_a_reply_goes_to_the_request_that_it_answers() -> None:
    async def scene() -> None:
        inbox = Inbox()
        bridge = CommandBridge(inbox, FakeClock())
        first = asyncio.ensure_future(bridge.run("save", b"jpg"))
        second = asyncio.ensure_future(bridge.run("health", b""))
        await turn()
        one, two = taken(inbox), taken(inbox)
        assert (one.verb, one.payload, one.origin, one.mono_s) == ("save", b"jpg", "http", 1000.0)
        bridge.on_event(reply(two.reply_to, who="second"))
        bridge.on_event(reply(one.reply_to, who="first"))
        assert (await first).body["who"] == "first"
        assert (await second).body["who"] == "second"
        assert bridge.waiting == 0

    run(scene())


def test_only_the_final_reply_ends_the_wait() -> None:
    async def scene() -> None:
        inbox = Inbox()
        bridge = CommandBridge(inbox, FakeClock())
        asked = asyncio.ensure_future(bridge.run("pastStack", b""))
        await turn()
        to = taken(inbox).reply_to
        bridge.on_event(reply(to, "accepted"))
        bridge.on_event(reply(to, "progress"))
        await turn()
        assert not asked.done()
        bridge.on_event(reply(to))
        assert (await asked).body["stage"] == "final"

    run(scene())


def test_frames_come_with_the_reply_they_precede() -> None:
    async def scene() -> None:
        inbox = Inbox()
        bridge = CommandBridge(inbox, FakeClock())
        asked = asyncio.ensure_future(bridge.run("shortstream", b"2"))
        await turn()
        to = taken(inbox).reply_to
        for index in range(2):
            bridge.on_event(FramesSent(index, 2, 40 + index, AT, b"jpeg", "http", to))
        bridge.on_event(reply(to))
        assert [frame.seq for frame in (await asked).frames] == [40, 41]

    run(scene())


def test_what_was_asked_by_another_door_answers_nobody_here() -> None:
    async def scene() -> None:
        inbox = Inbox()
        bridge = CommandBridge(inbox, FakeClock())
        asked = asyncio.ensure_future(bridge.run("health", b""))
        await turn()
        to = taken(inbox).reply_to
        bridge.on_event(Replied({"stage": "final"}, to, None, "mqtt"))
        bridge.on_event(Replied({"stage": "final"}, to, None, "tcp"))
        await turn()
        assert not asked.done()
        asked.cancel()

    run(scene())


def test_a_node_that_does_not_answer_is_given_up(mocker: MockerFixture) -> None:
    mocker.patch.object(command_bridge, "DEADLINE_S", 0.0)

    async def scene() -> None:
        inbox = Inbox()
        bridge = CommandBridge(inbox, FakeClock())
        with pytest.raises(DeadlinePassed):
            await bridge.run("health", b"")
        assert bridge.waiting == 0
        bridge.on_event(reply(taken(inbox).reply_to))
        assert bridge.late == 1

    run(scene())


def test_a_full_inbox_is_said_at_once() -> None:
    async def scene() -> None:
        bridge = CommandBridge(Full(), FakeClock())
        with pytest.raises(Busy):
            await bridge.run("health", b"")
        assert bridge.waiting == 0

    run(scene())


def test_no_more_than_a_bounded_number_wait() -> None:
    async def scene() -> None:
        bridge = CommandBridge(Inbox(), FakeClock())
        waiting = [asyncio.ensure_future(bridge.run("health", b"")) for _ in range(COMMANDS_WAITING_MAX)]
        await turn()
        with pytest.raises(Busy):
            await bridge.run("health", b"")
        for asked in waiting:
            asked.cancel()
        await turn()
        assert bridge.waiting == 0

    run(scene())
