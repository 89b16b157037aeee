"""JSON schemas of commands and of their replies, from the registry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pi_cam_node.base.errors import CODES
from pi_cam_node.cli.reference.asyncapi.schemas import Schemas
from pi_cam_node.core.commands.all import registry
from pi_cam_node.core.commands.parsing import MAX_ID_CHARS
from pi_cam_node.core.commands.registry import VERB_SHOWN, Command
from pi_cam_node.core.commands.reply_data import NoData, Progress, Shortened
from pi_cam_node.web.api.openapi import arguments_schema

_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"
# What some refusals tell beside `why`; see where the errors are raised.
_REFUSED = {
    "type": "object",
    "description": "Facts about the refusal: `why` in words, and for some codes more.",
    "properties": {
        "why": {"type": "string", "examples": ["no frame arrived within 6.5 s"]},
        "key": {"type": "string", "description": "The setting."},
        "nearest": {"type": "string", "description": "What may have been meant."},
        "expected": {"type": "string", "description": "What a value must be."},
        "minimum": {"type": "number"},
        "maximum": {"type": "number"},
        "usage": {"type": "string"},
        "known": {"type": "array", "items": {"type": "string"}, "description": "Every command."},
    },
    "required": ["why"],
    "additionalProperties": True,
}


def command_messages(command: Command, schemas: Schemas) -> Iterator[tuple[str, Mapping[str, Any], str, Any]]:
    """Yield name, schema, content type and example of the forms of a command: JSON, and plain text or nothing."""
    name = f"{command.verb}Arguments"
    found: dict[str, Any] = {}
    schema = arguments_schema(command, found)
    for other, model in found.items():
        schemas.add(other, model)
    reference = schemas.add(name, schema)
    example = {key: schemas.example(schema["properties"][key]) for key in schema.get("required", [])}
    yield f"{command.verb}Json", reference, "application/json", {"id": "a1", **example}
    words = {"type": "string", "description": f"`{command.usage}`, without the verb; nothing where nothing is needed."}
    yield f"{command.verb}Text", words, "text/plain", ""


def reply_messages(verb: str, schemas: Schemas) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield name and schema of each reply to a command: the final ones, and those before.

    What is done has a form for each command; the others are the same for all.
    """
    command = registry().get(verb)
    if command is not None:
        data = {"anyOf": [schemas.of(command.data), schemas.of(Shortened)]}
        yield f"{verb}Done", schemas.add(f"{verb}Done", _reply("final", data, code="ok", verb=verb))
        yield "accepted", schemas.add("Accepted", _reply("accepted", schemas.of(NoData), code="ok"))
        yield "progress", schemas.add("Progressed", _reply("progress", schemas.of(Progress), code="ok"))
    yield "refused", schemas.add("Refused", _reply("final", schemas.add("RefusedData", _REFUSED), code=""))


def _reply(stage: str, data: Mapping[str, Any], *, code: str, verb: str = "") -> dict[str, Any]:
    """Return the schema of a reply; without a code, of a refusal; without a verb, for any."""
    properties: dict[str, Any] = {
        "id": {"type": "string", "maxLength": MAX_ID_CHARS, "description": "Of the request.", "examples": ["a1"]},
        "verb": {"const": verb} if verb else {"type": "string", "maxLength": VERB_SHOWN, "examples": ["save"]},
        "ok": {"const": bool(code)},
        "code": {"const": code} if code else {"enum": [one for one in CODES if one != "ok"]},
        "message": {"type": "string", "description": "For people, and for scripts that match it."},
        "data": data,
        "stage": {"const": stage},
        "received": {"type": "string", "pattern": _TIME, "examples": ["2026-11-20T19:45:01.123Z"]},
        "took_ms": {"type": "number", "minimum": 0, "examples": [84.2]},
        "node": {"type": "string", "examples": ["porch"]},
        "boot": {"type": "string", "examples": ["3f2a91c0"]},
    }
    return {"type": "object", "properties": properties, "required": list(properties)}
