"""Strict JSON, for writing and for reading untrusted input: UTF-8, no NaN, no lone surrogates."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pi_cam_node.base.clock import iso
from pi_cam_node.base.secret_file import open_plain

# Larger than any JSON file of the node.
FILE_MAX_BYTES = 1 << 20


def json_bytes(body: object) -> bytes:
    """Return a value as JSON: times in ISO 8601, paths as text, null for NaN and infinity."""
    try:
        text = _JSON.encode(body)
    except ValueError:  # NaN or infinity; rare, and checking every number beforehand would be slow
        text = _JSON.encode(_finite(body))
    return text.encode("utf-8", "replace")  # lone surrogates come from odd file names


def read_json(text: bytes | str) -> Any:
    """Parse untrusted JSON; its values can be stored, compared and shown.

    Python's parser accepts NaN, infinity and lone surrogates, which databases, browsers and other parsers reject. Here
    the former become null, the latter U+FFFD.

    Raises:
        ValueError: The text is not JSON or not UTF-8, or nested too deeply.
    """
    try:
        value = _DECODER.decode(text if isinstance(text, str) else text.decode())
        # Lone surrogates come from escapes only; valid pairs occur in any text beyond ASCII.
        has_surrogates = ("\\ud" if isinstance(text, str) else b"\\ud") in text.lower()  # type: ignore[operator]
        return _with_characters(value) if has_surrogates else value
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def json_object(text: bytes | str) -> dict[str, Any]:
    """Parse untrusted JSON, see `read_json`; return an empty dict if it is no object."""
    try:
        value = read_json(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def read_object(path: str | Path) -> dict[str, Any] | None:
    """Return the object in a JSON file that a person or another program may have changed, see `read_json`.

    Never waits: pipes and devices are not read.

    Returns:
        ``None`` if the file holds no object, is too large, or is no regular file.

    Raises:
        OSError: The file is missing or cannot be read.
    """
    try:
        with open_plain(path) as file:
            facts = read_json(file.read(FILE_MAX_BYTES).removeprefix(b"\xef\xbb\xbf"))
    except ValueError:
        return None
    return facts if isinstance(facts, dict) else None


def _with_characters(value: Any) -> Any:
    """Replace lone surrogates in a value by U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_with_characters(key): _with_characters(item) for key, item in value.items()}
    return [_with_characters(item) for item in value] if isinstance(value, list) else value


def _number(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _whole_number(text: str) -> int | float | None:
    """Parse an integer; as a float from 19 characters on, of which 64 bits do not hold every one."""
    return int(text) if len(text) <= _INT_CHARS else _number(text)


def _finite(value: Any) -> Any:
    """Replace NaN and infinity in a value by ``None``."""
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: object) -> object:
    """Convert a value to a type that JSON has."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be converted to JSON")


_INT_CHARS = 18
_DECODER = json.JSONDecoder(parse_constant=lambda _name: None, parse_float=_number, parse_int=_whole_number)
# Created once, as `json.dumps` would create an encoder for each value.
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain)
