"""A request over MQTT: made from what was typed, sent, and matched with its replies by id."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pi_cam_node.base.errors import BadRequest
from pi_cam_node.base.frozen import frozen
from pi_cam_node.base.strict_json import json_object
from pi_cam_node.cli.call.words import fields_of
from pi_cam_node.core.commands.all import registry
from pi_cam_node.core.commands.parsing import open_envelope, place_of
from pi_cam_node.core.inputs import CommandArrived
from pi_cam_node.mqtt.blocking_client import BlockingClient, Received
from pi_cam_node.mqtt.messages.topics import VERB, Topics

# A node says within 0.3 s that it works on a command; a small board that swaps takes longer.
SILENCE_S = 10.0

Reply = Mapping[str, Any]


@frozen
class Request:
    """Request of a command: verb, id and payload.

    Attributes:
        verb: The command; part of the topic.
        id: Matches replies with this request.
        payload: The arguments and the id as JSON.
    """

    verb: str
    id: str
    payload: bytes


def request_of(verb: str, words: Sequence[str] = ()) -> Request:
    """Return the request to send; input that a node could not read, and so not answer with the id, is refused here.

    The plain-text form cannot carry an id, so it is turned into the JSON form as the node itself would.

    Args:
        verb: The command; an unknown one is sent as it is, since a newer node may know it.
        words: The arguments as words, see `fields_of`, or one JSON object.

    Raises:
        BadRequest: The arguments are not those of the command.
    """
    if not VERB.fullmatch(verb):
        raise BadRequest(f"ERROR: {verb!a} cannot be a command: expected 1 to 32 letters, digits and _")
    text = " ".join(words)
    if text.startswith("{"):
        fields = _object(text)
    else:
        known = registry().get(verb)
        fields = fields_of(known.arguments, words, known.usage) if known else {"words": text} if words else {}
    try:
        payload = json.dumps({"id": uuid.uuid4().hex, **fields}, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise BadRequest("ERROR: the arguments are not UTF-8") from None
    envelope = open_envelope(CommandArrived(verb, payload, time.monotonic()))
    if envelope.id is None:
        raise BadRequest("ERROR: without an id no reply could be told from others: leave it out, or give one")
    return Request(verb, envelope.id, payload)


def _object(text: str) -> dict[str, object]:
    try:
        fields: dict[str, object] = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadRequest(f"ERROR: begins like JSON but is none: look at {place_of(error)}") from None
    except (ValueError, RecursionError):
        raise BadRequest("ERROR: begins like JSON but is too deep, or a number in it too long") from None
    return fields


def ask(
    connection: BlockingClient,
    topics: Topics,
    request: Request,
    *,
    timeout_s: float,
    on_stage: Callable[[Reply], None],
    is_hopeless: Callable[[], bool] = lambda: False,
) -> Reply | None:
    """Send a command and return its final reply.

    With MQTT 5 the replies come on a response topic of this request's own, which a command that answers only its
    asker needs. A node whose broker loses that property, or that MQTT 3.1.1 reaches, replies on ``reply/<verb>``.

    Without a final reply in time, the last ``accepted`` or ``progress`` is returned, or ``None`` if no reply came.

    Args:
        connection: The connection to the broker.
        topics: The topics of the node.
        request: The command.
        timeout_s: Deadline for the final reply.
        on_stage: Called with each reply before the final one.
        is_hopeless: Asked once, where nothing has come within `SILENCE_S`: whether to wait no longer.

    Raises:
        NoBroker: The connection broke.
        PermissionError: The broker does not give this login the right to do so.
    """
    replies_topic = f"{topics.root}/reply/+"
    if connection.subscribe([replies_topic]):
        raise PermissionError(f"the broker does not let this login read {replies_topic}")
    reply_topic = topics.reply_to(f"call-{uuid.uuid4().hex}")
    refusal = connection.publish(topics.cmd(request.verb), request.payload, reply_topic=reply_topic)
    if refusal:
        raise PermissionError(f"the broker does not let this login publish on {topics.cmd(request.verb)}: {refusal}")
    earlier: list[Reply] = []
    deadline_s = time.monotonic() + timeout_s

    def next_reply(received: Sequence[Received]) -> Reply | None:
        replies = [reply for reply in _replies(received) if reply.get("id") == request.id]
        return replies[len(earlier)] if len(replies) > len(earlier) else None

    if connection.wait_for(next_reply, min(timeout_s, SILENCE_S)) is None and is_hopeless():
        return None
    while (reply := connection.wait_for(next_reply, deadline_s - time.monotonic())) is not None:
        if is_final(reply):
            return reply
        earlier.append(reply)
        on_stage(reply)
    return earlier[-1] if earlier else None


def is_final(reply: Reply | None) -> bool:
    """Return whether a reply is the final one."""
    return reply is not None and reply.get("stage") == "final"


def final_replies(received: Sequence[Received]) -> Iterator[Reply]:
    """Yield the final replies among messages, whatever their request."""
    return filter(is_final, _replies(received))


def _replies(received: Sequence[Received]) -> Iterator[Reply]:
    for message in received:
        if body := json_object(message.payload):
            yield body if isinstance(body.get("data"), dict) else {**body, "data": {}}
