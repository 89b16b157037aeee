"""A command's arguments in words, from the JSON schema of their model; for ``help`` and the reference."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from pi_cam_node.base.frozen import frozen
from pi_cam_node.core.commands.registry import Arguments

_TYPES = {"integer": "a whole number", "number": "a number", "string": "text", "boolean": "true or false"}
_LIMITS = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to"}


@frozen
class ArgumentHelp:
    """One argument in words.

    Attributes:
        name: Its name in the JSON form.
        values: The values that it takes; empty where it takes any.
        meaning: Its description.
    """

    name: str
    values: str
    meaning: str


@cache
def schema_of(arguments: type[Arguments]) -> dict[str, Any]:
    """Return the JSON schema of a command's arguments; cached, since making it is the slowest part of ``help``."""
    return arguments.model_json_schema()


def argument_help(arguments: type[Arguments]) -> Iterator[ArgumentHelp]:
    """Yield the arguments of a command in the order of their declaration."""
    for name, schema in schema_of(arguments).get("properties", {}).items():
        yield ArgumentHelp(name, values_in_words(schema), schema.get("description", ""))


def values_in_words(schema: dict[str, Any]) -> str:
    """Return the values that a schema allows, with Markdown's code marks around literals."""
    if "anyOf" in schema:
        return ", or ".join(values_in_words(choice) for choice in schema["anyOf"] if choice.get("type") != "null")
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"a list of {values_in_words(schema['items'])}"
    limits = [f"{word} {schema[key]}" for key, word in _LIMITS.items() if key in schema]
    return " ".join([_TYPES.get(schema.get("type", ""), ""), *limits]).strip()


def types_of(schema: dict[str, Any]) -> set[str]:
    """Return the JSON types that a schema allows."""
    return {choice.get("type", "string") for choice in schema.get("anyOf", [schema])}
