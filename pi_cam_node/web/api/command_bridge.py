"""Passes commands of HTTP clients to the node thread, and matches replies to pending requests."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.errors import Busy, DeadlinePassed
from pi_cam_node.core.commands.reply_deadlines import reply_deadline_s
from pi_cam_node.core.events import Event, FramesSent, Replied
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import CommandArrived
from pi_cam_node.web.context import Answered

COMMANDS_WAITING_MAX = 64
DEADLINE_S = 30.0


@dataclass(slots=True)
class _Pending:
    """A request that waits for its final reply."""

    reply: asyncio.Future[Answered]
    frames: list[FramesSent] = field(default_factory=list)


class CommandBridge:
    """Pending HTTP requests by the id of their command. Thread: the web server's.

    Attributes:
        late: Replies and frames whose request had ended.
    """

    def __init__(self, inbox: Inbox, clock: Clock) -> None:
        self._inbox = inbox
        self._clock = clock
        self._numbers = itertools.count(1)
        self._waiting: dict[str, _Pending] = {}
        self.late = 0

    @property
    def waiting(self) -> int:
        """Number of pending requests."""
        return len(self._waiting)

    async def run(self, verb: str, payload: bytes) -> Answered:
        """Send a command; return its final reply and the frames before it.

        Raises:
            DeadlinePassed: The node did not answer in time.
            Busy: Too many requests are pending, or the node's inbox is full.
        """
        if len(self._waiting) >= COMMANDS_WAITING_MAX:
            raise Busy("ERROR: too many requests are waiting")
        name, pending = str(next(self._numbers)), _Pending(asyncio.get_running_loop().create_future())
        self._waiting[name] = pending
        try:
            command = CommandArrived(verb, payload, self._clock.monotonic(), reply_to=name, origin="http")
            if not self._inbox.put(command):
                raise Busy("ERROR: too many commands are waiting")
            return await asyncio.wait_for(pending.reply, reply_deadline_s(verb, DEADLINE_S))
        except TimeoutError:
            raise DeadlinePassed(f"ERROR: {verb}: the node did not answer in time") from None
        finally:
            del self._waiting[name]

    def on_event(self, event: Event) -> None:
        """Pass a reply or frame to its pending request; late ones are counted."""
        if not isinstance(event, Replied | FramesSent) or event.origin != "http":
            return
        pending = self._waiting.get(event.reply_to or "")
        if pending is None:
            self.late += 1
        elif isinstance(event, FramesSent):
            pending.frames.append(event)
        elif event.body.get("stage") == "final" and not pending.reply.done():
            pending.reply.set_result(Answered(event.body, tuple(pending.frames)))
