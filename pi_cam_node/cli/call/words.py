"""The arguments of a command as typed in a shell: plain words, ``name=value`` words, or both."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Sequence
from typing import Any

from pi_cam_node.base.errors import BadRequest
from pi_cam_node.core.commands.argument_help import schema_of, types_of
from pi_cam_node.core.commands.registry import Arguments

# A word that is meant as an argument's name and its value.
NAMED = re.compile(r"[a-z_]+=")


def fields_of(arguments: type[Arguments], words: Sequence[str], usage: str = "") -> dict[str, object]:
    """Return the JSON fields that words stand for.

    A word ``name=value`` whose name is an argument of the command sets that argument; the other words are the command's
    plain-text form. A command whose plain text ends in free text (``set``) takes names only where every word has one,
    since the text may contain ``=`` itself. ``n=3`` is the plain word ``3`` where the usage is ``[n=20]``.

    Args:
        arguments: The model of the command's arguments.
        words: What was typed after the command.
        usage: The command's usage.

    Raises:
        BadRequest: The words are not those of the command, or an argument occurs twice.
    """
    schemas: dict[str, dict[str, Any]] = schema_of(arguments).get("properties", {})
    words = [_without_usage_name(word, usage, schemas) for word in words]
    named = [word for word in words if word.partition("=")[0] in schemas and "=" in word]
    plain = [word for word in words if word not in named]
    if plain and arguments.ends_in_free_text:
        named, plain = [], list(words)
        if plain[1:] == [""]:  # an empty word empties a text
            plain = [words[0], '""']
    elif unknown := next((word.partition("=")[0] for word in plain if NAMED.match(word)), None):
        known = f"it has {', '.join(schemas)}" if schemas else "it has none"
        raise BadRequest(f"ERROR: the command has no argument {unknown}: {known}")
    fields = {} if named and not plain else arguments.from_words(" ".join(plain))
    for word in named:
        name, _, value = word.partition("=")
        if name in fields:
            raise BadRequest(f"ERROR: {name} occurs twice")
        fields[name] = _value(schemas[name], value)
    return fields


def _without_usage_name(word: str, usage: str, names: Container[str]) -> str:
    """Return the value of a word whose name only stands in the usage, such as ``n``; any other word as it is."""
    name, _, value = word.partition("=")
    return value if f"[{name}=" in usage and name not in names else word


def _value(schema: dict[str, Any], text: str) -> object:
    """Return the JSON value that a text stands for: a number or a list where the argument takes one, else text."""
    types = types_of(schema)
    if "array" in types and not text.startswith("["):
        return text.replace(",", " ").split()
    if types & {"number", "integer", "array"}:
        try:
            value: object = json.loads(text)
        except (ValueError, RecursionError):
            return text
        return value
    return text
