"""From the bytes of a command to its id, its deadline and its arguments. Nothing about the bytes is trusted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from pi_cam_node.base.errors import BadRequest
from pi_cam_node.core.commands.registry import Arguments, Command, find
from pi_cam_node.core.inputs import CommandArrived

MAX_PAYLOAD_BYTES = 64 * 1024
MAX_ID_CHARS = 128
MAX_EPOCH_S = 1e11
# A number from here on is a time stamp (2001-09-09) and no argument of any command.
FIRST_EPOCH_S = 1_000_000_000
_PRESSES = ("PRESS", "ON", "TRUE")


@dataclass(frozen=True, slots=True)
class Envelope:
    """A command before its arguments are judged.

    Attributes:
        verb: The first word, or what the topic said.
        id: What the client calls the request; ``None`` where it has no name.
        expires: Until when it may be carried out, as it was given: see `expiry`.
        fields: The arguments by name, where they came as JSON.
        words: The arguments as text otherwise.
    """

    verb: str
    id: str | None
    expires: object
    fields: dict[str, object] | None
    words: str


def open_envelope(received: CommandArrived) -> Envelope:
    """Return who asks for what, and until when.

    Raises:
        BadRequest: Not UTF-8, not JSON where it begins like JSON, or too large.
    """
    text = _text(received.payload).strip()
    verb = received.verb
    if not verb:
        verb, _, text = text.partition(" ")
        text = text.strip()
    if text.startswith("{"):
        fields = _json(text)
        return Envelope(verb, _id(fields.pop("id", None)), fields.pop("expires", None), fields, "")
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        text = _json(text)  # what a JSON editor makes of a word
    return Envelope(verb, None, None, None, text)


def expiry(envelope: Envelope) -> float | None:
    """Return until when a command may be carried out, in seconds since the epoch; ``None`` for ever.

    Raises:
        BadRequest: It is neither such a number nor ISO 8601; without a zone it is UTC.
    """
    raw = envelope.expires
    if raw is None:
        return None
    if isinstance(raw, int | float) and not isinstance(raw, bool) and abs(raw) < MAX_EPOCH_S:
        return float(raw)
    if isinstance(raw, str):
        return parse_time(raw, "expires").timestamp()
    raise BadRequest("ERROR: expires must be ISO 8601 or seconds since the epoch")


def validate(envelope: Envelope) -> tuple[Command, Arguments]:
    """Return the command and its arguments.

    Raises:
        UnknownVerb: There is no such command.
        BadRequest: The arguments do not fit it.
    """
    command = find(envelope.verb)
    words = "" if is_press(envelope.words) and not _is_needed(command.arguments) else envelope.words
    fields = envelope.fields if envelope.fields is not None else command.arguments.from_words(words)
    try:
        return command, command.arguments.model_validate(fields)
    except ValidationError as error:
        why = "; ".join(_fault(fault) for fault in error.errors())
        raise BadRequest(f"ERROR: {why}; usage {command.usage}", data={"usage": command.usage}) from None


def is_press(words: str) -> bool:
    """Return whether words are what buttons and dashboards send for a press: PRESS, ON, true, 1, or a time stamp.

    Source: Home Assistant's button (``PRESS``) and switch (``ON``), openHAB (``ON``), Node-RED's inject (milliseconds
    since the epoch).
    """
    if words.upper() in _PRESSES:
        return True
    if words.isdecimal():
        return words.isascii() and FIRST_EPOCH_S <= int(words[:20]) < MAX_EPOCH_S * 1000
    try:
        datetime.fromisoformat(words)
    except ValueError:
        return False
    return True


def _is_needed(arguments: type[Arguments]) -> bool:
    """Return whether a command cannot be given without arguments."""
    return any(field.is_required() for field in arguments.model_fields.values())


def _fault(fault: Any) -> str:
    where = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"{where}: unknown argument"
    shown = str(fault["input"])
    return f"{where}: {fault['msg'].removeprefix('Value error, ')} (found {shown[:40]!r})"


def _text(payload: bytes) -> str:
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise BadRequest(f"ERROR: the payload is larger than {MAX_PAYLOAD_BYTES} bytes")
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        raise BadRequest(f"ERROR: the payload is not UTF-8: {error.reason} at byte {error.start}") from None


def _json(text: str) -> Any:
    """Parse JSON and refuse what Python's parser lets through: doubles, NaN, endless depth, lone surrogates."""
    try:
        value = json.loads(text, object_pairs_hook=_each_once, parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise BadRequest("ERROR: the JSON is nested too deeply") from None
    except ValueError as error:
        raise BadRequest(f"ERROR: the payload is not JSON: {str(error)[:120]}") from None
    return value


def _each_once(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key occurs twice")
    return fields


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def _id(raw: object) -> str | None:
    if raw is None:
        return None
    if isinstance(raw, bool) or not isinstance(raw, str | int) or not 0 < len(str(raw)) <= MAX_ID_CHARS:
        raise BadRequest(f"ERROR: id must be a text of 1 to {MAX_ID_CHARS} characters")
    return str(raw)


def parse_time(text: str, name: str) -> datetime:
    """Return an ISO 8601 time, aware; without a zone it is UTC.

    Raises:
        BadRequest: It is not one.
    """
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"ERROR: {name} must be a time such as 2026-11-20T19:45:01Z") from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
