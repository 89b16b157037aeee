"""Pending requests, and the final replies that are kept for repeated requests."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pi_cam_node.base.frozen import frozen
from pi_cam_node.base.strict_json import json_bytes
from pi_cam_node.base.units import MIB
from pi_cam_node.core.commands.parsing import Envelope
from pi_cam_node.core.commands.registry import FreshFrame, Steps
from pi_cam_node.core.inputs import CommandArrived

IDS_REMEMBERED = 256
REPLIES_BYTES = 1 * MIB
# So long after its reply the same request counts as a repeat; later it is a new one.
REPEAT_S = 600.0
# Work that takes longer than this is announced before it is done.
ACCEPTED_AFTER_S = 0.3


def key_of(envelope: Envelope, command: CommandArrived) -> bytes:
    """Return what identifies a repeated request beside its id: verb, arguments, origin."""
    return json_bytes([command.origin, envelope.verb, envelope.words, sorted((envelope.fields or {}).items())])


@dataclass(slots=True, eq=False)
class Request:
    """A command between its arrival and its final reply.

    Attributes:
        command: What came in.
        received: When, in UTC.
        verb: What is asked for.
        id: Its name; made up where the client gave none; empty until the command has been read.
        key: Verb, arguments and origin where the client gave an id, so that a repeat is known as such; else empty.
        repeats: Later commands of the same id, which get the same reply.
        steps: The command, where it waits.
        frame: The frame it waits for.
        work: The number of the work it waits for.
        deadline_s: Monotonic time at which waiting ends.
        accepted: The client has been told that it takes a while.
    """

    command: CommandArrived
    received: datetime
    verb: str = ""
    id: str = ""
    key: bytes = b""
    repeats: list[CommandArrived] = field(default_factory=list)
    steps: Steps | None = None
    frame: FreshFrame | None = None
    work: int | None = None
    deadline_s: float = 0.0
    accepted: bool = False

    @property
    def due_s(self) -> float:
        """Time at which ``accepted`` is due, and after that, at which the request expires."""
        accepted_s = self.deadline_s if self.accepted else self.command.mono_s + ACCEPTED_AFTER_S
        return min(self.deadline_s, accepted_s)


@frozen
class _Reply:
    key: bytes
    body: Mapping[str, object]
    size_bytes: int
    sent_s: float


class RememberedReplies:
    """The last final replies by the id of their request; bounded in number and bytes. Used by the node thread."""

    def __init__(self) -> None:
        self._replies: OrderedDict[str, _Reply] = OrderedDict()
        self._size_bytes = 0

    def find(self, name: str, now_s: float) -> tuple[bytes, Mapping[str, object]] | None:
        """Return the key of a request and its final reply; ``None`` where there is none, or it is too old."""
        reply = self._replies.get(name)
        return None if reply is None or now_s - reply.sent_s > REPEAT_S else (reply.key, reply.body)

    def add(self, request: Request, body: Mapping[str, object], size_bytes: int, now_s: float) -> None:
        """Keep a reply, of so many bytes as JSON, for repeated requests; the oldest make room, but for the last."""
        earlier = self._replies.pop(request.id, None)
        reply = self._replies[request.id] = _Reply(request.key, body, size_bytes, now_s)
        self._size_bytes += reply.size_bytes - (0 if earlier is None else earlier.size_bytes)
        while len(self._replies) > (IDS_REMEMBERED if self._size_bytes <= REPLIES_BYTES else 1):
            _, oldest = self._replies.popitem(last=False)
            self._size_bytes -= oldest.size_bytes

    def forget_pictures(self) -> None:
        """Remove the pictures from the kept replies."""
        for reply in self._replies.values():
            facts = reply.body["data"]
            if isinstance(facts, dict):
                facts.pop("thumbnail", None)
