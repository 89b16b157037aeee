"""Pending requests, and stored final replies for repeated requests."""

from __future__ import annotations

import json
from collections import OrderedDict
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
# A request with the same id counts as repeated for so long after its reply.
REPEAT_S = 600.0
# A request that takes longer is answered with ``accepted`` first.
ACCEPTED_AFTER_S = 0.3


def key_of(envelope: Envelope, command: CommandArrived) -> bytes:
    """Return the data that a repeated request must match besides its id: verb, arguments, origin."""
    return json_bytes([command.origin, envelope.verb, envelope.words, sorted((envelope.fields or {}).items())])


@dataclass(slots=True, eq=False)
class Request:
    """A command that has no final reply yet.

    Attributes:
        command: The input.
        received: Time of arrival, UTC.
        verb: Its verb.
        id: Id from the client or generated; empty before the command is parsed.
        key: Verb, arguments and origin, to recognize repeated requests; empty if the client gave no id.
        repeats: Repeated commands, which get the same reply.
        steps: Generator of a waiting command.
        frame: Frame that it waits for.
        work: Number of the job that it waits for.
        deadline_s: Monotonic time at which it times out.
        accepted: Whether ``accepted`` was sent.
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
        """Time at which ``accepted`` or, after that, the timeout is due."""
        accepted_s = self.deadline_s if self.accepted else self.command.mono_s + ACCEPTED_AFTER_S
        return min(self.deadline_s, accepted_s)


@frozen
class _Reply:
    key: bytes
    json: bytes
    sent_s: float

    @property
    def size_bytes(self) -> int:
        return len(self.key) + len(self.json)


class RememberedReplies:
    """The last final replies by the id of their request; bounded in number and bytes. Used by the node thread.

    They are kept as JSON: the objects of a long reply take five times as much memory.
    """

    def __init__(self) -> None:
        self._replies: OrderedDict[str, _Reply] = OrderedDict()
        self._size_bytes = 0

    def find(self, name: str, now_s: float) -> tuple[bytes, bytes] | None:
        """Return key and final reply (JSON) of a request; ``None`` if there is none or it is too old."""
        reply = self._replies.get(name)
        return None if reply is None or now_s - reply.sent_s > REPEAT_S else (reply.key, reply.json)

    def add(self, request: Request, reply_json: bytes, now_s: float) -> None:
        """Store a reply; the oldest are dropped at the limits, but never the last."""
        self._remove(request.id)
        self._put(request.id, _Reply(request.key, reply_json, now_s))
        while len(self._replies) > (IDS_REMEMBERED if self._size_bytes <= REPLIES_BYTES else 1):
            self._remove(next(iter(self._replies)))

    def forget_pictures(self) -> None:
        """Remove the pictures from the stored replies."""
        for name, reply in list(self._replies.items()):
            body = json.loads(reply.json) if b'"thumbnail"' in reply.json else {}
            if isinstance(data := body.get("data"), dict) and data.pop("thumbnail", None) is not None:
                self._size_bytes -= reply.size_bytes
                self._put(name, _Reply(reply.key, json_bytes(body), reply.sent_s))  # in its place

    def _put(self, name: str, reply: _Reply) -> None:
        self._replies[name] = reply
        self._size_bytes += reply.size_bytes

    def _remove(self, name: str) -> None:
        reply = self._replies.pop(name, None)
        self._size_bytes -= 0 if reply is None else reply.size_bytes
