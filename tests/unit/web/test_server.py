"""The event queue between the node thread and the web server."""

from __future__ import annotations

import asyncio

from pi_cam_node.core.events import Event, ModeWanted
from pi_cam_node.web.server import EVENTS_WAITING_MAX, LoopQueue

EVENTS = [ModeWanted("day") for _ in range(EVENTS_WAITING_MAX + 3)]


def test_events_are_taken_in_order_and_what_is_too_much_is_dropped_and_counted() -> None:
    async def scene() -> None:
        taken: list[Event] = []
        queue = LoopQueue(asyncio.get_running_loop(), taken.append)
        for event in EVENTS:
            queue.put(event)
        await asyncio.sleep(0)
        assert [id(one) for one in taken] == [id(one) for one in EVENTS[:EVENTS_WAITING_MAX]]
        assert queue.dropped == 3

    asyncio.run(scene())


def test_events_for_a_server_that_has_ended_are_dropped() -> None:
    loop = asyncio.new_event_loop()
    taken: list[Event] = []
    queue = LoopQueue(loop, taken.append)
    loop.close()
    for event in EVENTS:
        queue.put(event)
    assert taken == []
    assert queue.dropped == 0
