"""Parses the payload of a command into id, deadline and arguments. The payload is untrusted."""

from __future__ import annotations

import json
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from pi_cam_node.base.errors import BadRequest, nearest
from pi_cam_node.base.frozen import frozen
from pi_cam_node.config.values import BLANKS, number
from pi_cam_node.core.commands.argument_help import schema_of, values_in_words
from pi_cam_node.core.commands.registry import VERB_SHOWN, Arguments, Command, find
from pi_cam_node.core.inputs import CommandArrived

MAX_PAYLOAD_BYTES = 64 * 1024
MAX_ID_CHARS = 128
MAX_EPOCH_S = 1e11
# Larger numbers are time stamps (from 2001-09-09), not arguments of any command.
FIRST_EPOCH_S = 1_000_000_000
# Unit of the length limit of texts and lists.
_UNITS = {"string_too_long": "characters", "too_long": "items"}
_PRESSES = ("PRESS", "ON", "TRUE")


@frozen
class Envelope:
    """A command before its arguments are validated.

    Attributes:
        verb: Verb from the topic or the first word.
        id: Id given by the client; ``None`` without one.
        expires: Raw expiry, see `expiry`.
        fields: Arguments by name, if given as JSON.
        words: Arguments as plain text otherwise.
    """

    verb: str
    id: str | None
    expires: object
    fields: dict[str, object] | None
    words: str


def open_envelope(received: CommandArrived) -> Envelope:
    """Return verb, id, expiry and raw arguments of a payload.

    Raises:
        BadRequest: Not UTF-8, not JSON where it begins like JSON, or too large.
    """
    text = _unquoted(_text(received.payload))
    verb = received.verb
    if not verb:
        verb, text = (*text.split(None, 1), "", "")[:2]
        text = _unquoted(text)
    if text.startswith("{"):
        fields = _json(text)
        return Envelope(verb, _id(fields.pop("id", None)), fields.pop("expires", None), fields, "")
    return Envelope(verb, None, None, None, text)


def verb_of(payload: bytes) -> str:
    """Return the verb with which a payload begins, as `open_envelope` finds it; empty if there is none."""
    try:
        words = _unquoted(payload.decode("utf-8", "replace")).split(None, 1)
    except BadRequest:  # a quotation that does not end
        return ""
    return words[0] if words else ""


def expiry(envelope: Envelope) -> float | None:
    """Return the expiry of a command in UTC epoch seconds; ``None`` for none.

    Milliseconds, as JavaScript counts them and the node publishes them, are recognized by their size.

    Raises:
        BadRequest: It is neither a number nor ISO 8601 (UTC if it has no zone).
    """
    raw = envelope.expires
    if isinstance(raw, str):
        seconds = number(raw.strip(BLANKS), "")
        if isinstance(seconds, str) or seconds < FIRST_EPOCH_S:  # 20261120 is a day
            return parse_time(raw.strip(BLANKS), "expires", "seconds since 1970 or ").timestamp()
        raw = seconds
    if raw is None:
        return None
    if isinstance(raw, int | float) and not isinstance(raw, bool) and abs(raw) < MAX_EPOCH_S * 1000:
        return raw / 1000 if raw >= MAX_EPOCH_S else float(raw)
    raise BadRequest("ERROR: expires must be ISO 8601 or seconds since the epoch")


def validate(envelope: Envelope) -> tuple[Command, Arguments]:
    """Return the command and its arguments.

    Raises:
        UnknownVerb: There is no such command.
        BadRequest: The arguments do not fit it.
    """
    command = find(envelope.verb)
    fields = envelope.fields
    if fields is None:
        words = "" if is_press(envelope.words) and not _is_needed(command.arguments) else envelope.words
        fields = command.arguments.from_words(words)
    try:
        return command, command.arguments.model_validate(fields)
    except ValidationError as error:
        schema = schema_of(command.arguments).get("properties", {})
        typed = envelope.fields is None
        why = "; ".join(dict.fromkeys(_fault(fault, schema, typed=typed) for fault in error.errors()))
        raise BadRequest(f"ERROR: {why}; usage {command.usage}", data={"usage": command.usage}) from None


def is_press(words: str) -> bool:
    """Return whether words are the payload of a pressed button: PRESS, ON, true, or a time stamp.

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
    """Return whether a command has required arguments."""
    return any(field.is_required() for field in arguments.model_fields.values())


def _fault(fault: Any, schema: Mapping[str, Any], *, typed: bool) -> str:
    """Return the message for an invalid argument, independent of pydantic's texts.

    Args:
        fault: Error of pydantic.
        schema: Schema of the arguments by name.
        typed: Whether it was given as plain text instead of JSON.
    """
    name, limits = str(next(iter(fault["loc"]), "")), fault.get("ctx", {})
    where = f"{name}: " if name else ""
    match fault["type"]:
        case "extra_forbidden":
            return "no arguments are taken" if typed else _unknown(name, schema)
        case "missing":
            return f"{where}is missing"
        case "value_error":
            why = str(limits["error"])
        case "string_too_long" | "too_long":
            why = f"at most {limits['max_length']} {_UNITS[fault['type']]} are taken"
        case "string_too_short" | "too_short":
            why = "is empty"
        case "bool_parsing" if typed:
            why = "expected on or off"
        case _:
            why = f"expected {values_in_words(schema.get(name, {})).replace('`', '')}"
    return f"{where}{why} (found {str(fault['input'])[:40]!r})"


def _unknown(name: str, schema: Mapping[str, Any]) -> str:
    """Return the message for an argument that the command does not have."""
    shown = name[:VERB_SHOWN]
    alike = nearest(shown.lower(), schema)
    return f"{shown}: unknown argument" + (f", did you mean {alike}?" if alike else "")


def _text(payload: bytes) -> str:
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise BadRequest(f"ERROR: the payload is larger than {MAX_PAYLOAD_BYTES} bytes")
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        hint = "; it is UTF-16" if payload.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else ""
        raise BadRequest(f"ERROR: the payload is not UTF-8 at byte {error.start}{hint}") from None


def _unquoted(text: str) -> str:
    """Return a text without blanks around it; of a JSON string, as sent by JSON editors, its content."""
    text = text.strip(BLANKS)
    return _json(text).strip(BLANKS) if text.startswith('"') and text.endswith('"') and len(text) > 1 else text


def _json(text: str) -> Any:
    """Parse JSON strictly: refuse duplicate keys, NaN, deep nesting and lone surrogates."""
    try:
        value = _DECODER.decode(text)
        if "\\u" in text:  # valid UTF-8 has lone surrogates only by escapes
            _ENCODER.encode(value).encode()
    except BadRequest:  # also a ValueError; raised by the two hooks
        raise
    except RecursionError:
        raise BadRequest("ERROR: the JSON is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise BadRequest(f"ERROR: the payload is not JSON: look at {place_of(error)}") from None
    except UnicodeEncodeError:
        raise BadRequest("ERROR: the payload is not JSON: half of a UTF-16 pair is no character") from None
    except ValueError:  # Python's limit of digits
        raise BadRequest("ERROR: the payload is not JSON: a number has too many digits") from None
    return value


def _each_once(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise BadRequest("ERROR: the payload is not JSON: a key occurs twice")
    return fields


def _no_constant(name: str) -> float:
    raise BadRequest(f"ERROR: the payload is not JSON: {name} is not a number")


# Made once: `json.loads` and `json.dumps` would make one for each payload.
_DECODER = json.JSONDecoder(object_pairs_hook=_each_once, parse_constant=_no_constant)
_ENCODER = json.JSONEncoder(ensure_ascii=False)


def place_of(error: json.JSONDecodeError) -> str:
    """Return the place of a JSON syntax error as text."""
    return f"line {error.lineno}, column {error.colno}"


def _id(raw: object) -> str | None:
    if raw is None:
        return None
    if isinstance(raw, bool) or not isinstance(raw, str | int) or not 0 < len(str(raw)) <= MAX_ID_CHARS:
        raise BadRequest(f"ERROR: id must be a text of 1 to {MAX_ID_CHARS} characters")
    return str(raw)


def parse_time(text: str, name: str, otherwise: str = "") -> datetime:
    """Return an ISO 8601 time, aware; without a zone it is UTC.

    Args:
        text: The time.
        name: The argument's name.
        otherwise: Other allowed kind of the argument, for the message.

    Raises:
        BadRequest: The text is no ISO 8601 time.
    """
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"ERROR: {name} must be {otherwise}a time such as 2026-11-20T19:45:01Z") from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
