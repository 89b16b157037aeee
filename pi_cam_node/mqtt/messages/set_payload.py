"""The payload of ``set/<key>``, as hubs, flows and shells send it. Pure: forgiving where there is one meaning."""

from __future__ import annotations

import json
from typing import Any

from pi_cam_node.base.strict_json import json_bytes
from pi_cam_node.config.values import BLANKS, unquoted


def command_of(key: str, payload: bytes) -> bytes:
    """Return the arguments of the command ``set`` for a payload: plain text, or JSON where the payload is an object.

    A word in quotes is the word; an object with ``value`` may have ``id`` and ``expires`` beside it, as in the JSON
    form of the command. What is none of these is left as it came, for the command to judge.

    Args:
        key: The setting.
        payload: As it came.
    """
    try:
        text = unquoted(payload.decode().strip(BLANKS))
    except UnicodeDecodeError:
        return key.encode() + b" " + payload
    value = _json(text) if text.startswith("{") else None
    if isinstance(value, dict) and "value" in value and "key" not in value:
        return json_bytes({**value, "key": key})
    if not text:  # a text is emptied so; every other kind of setting is refused by name
        return json_bytes({"key": key, "value": ""})
    return f"{key} {text}".encode()


def _json(text: str) -> Any:
    """Return the value of a JSON text, ``None`` where it is no JSON or has a key twice."""
    try:
        return json.loads(text, object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        return None


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a name is given twice")
    return dict(pairs)
