"""Drains the inbox at shutdown: answers finished work, and refuses commands that came too late."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace

from pi_cam_node.base.clock import Clock
from pi_cam_node.core.core import Core
from pi_cam_node.core.events import Event
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import CommandArrived, WorkEnded

_log = logging.getLogger(__name__)

# Time for ten thousand refusals on a quick board; a stop ends within five seconds whatever waits.
REFUSING_S = 0.5
# A slow broker gets so many pauses to make room for more replies.
PAUSES, PAUSE_S = 5, 0.05


def drain_inbox(inbox: Inbox, core: Core, is_backlogged: Callable[[], bool], clock: Clock) -> Iterator[Event]:
    """Yield what the core says to all that waits, one after the other; log how much finds no answer.

    Args:
        inbox: Whose adapters go on while this runs.
        core: What has still to be told is told by it.
        is_backlogged: Whether the broker has no room for a reply now.
        clock: Tells the time.

    Thread: the node thread.
    """
    until_s, pauses = clock.monotonic() + REFUSING_S, PAUSES
    while inbox.waiting and pauses and clock.monotonic() < until_s:
        match inbox.take(PAUSE_S, hold_broker=is_backlogged):
            case CommandArrived() as command:
                yield from core.step(replace(command, during_shutdown=True))
            case WorkEnded() as ended:
                yield from core.step(ended)
            case None:
                pauses -= 1
    if inbox.waiting:
        _log.warning("stopping: %d messages were not looked at any more, and get no reply", inbox.waiting)
    yield from core.close()
