"""Strict JSON: UTF-8, no NaN, no lone surrogates; written so that every parser takes it, and read so from strangers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pi_cam_node.base.clock import iso


def json_bytes(body: object) -> bytes:
    """Return a value as JSON: times in ISO 8601, paths as text, and null for numbers that are none."""
    try:
        text = _JSON.encode(body)
    except ValueError:  # a number is none, which is rare: to look at each beforehand takes longer than the rest
        text = _JSON.encode(_finite(body))
    return text.encode("utf-8", "replace")  # lone surrogates come from odd file names


def read_json(text: bytes | str) -> Any:
    """Return the value of a JSON text that others wrote: what it holds can be stored, compared and shown.

    Python's own parser lets NaN, infinite numbers and halves of UTF-16 pairs through, which no database, no page and no
    other parser takes. Here the former are null, and the latter U+FFFD.

    Raises:
        ValueError: It is no JSON, no UTF-8, or nested too deeply.
    """
    try:
        value = _DECODER.decode(text if isinstance(text, str) else text.decode())
        # Only an escape brings one in, and texts beyond ASCII are full of whole pairs of them.
        has_surrogates = ("\\ud" if isinstance(text, str) else b"\\ud") in text.lower()  # type: ignore[operator]
        return _with_characters(value) if has_surrogates else value
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def json_object(text: bytes | str) -> dict[str, Any]:
    """Return the object of a JSON text that others wrote, see `read_json`; an empty one where it is none."""
    try:
        value = read_json(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _with_characters(value: Any) -> Any:
    """Return a value with U+FFFD in place of each half of a UTF-16 pair."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_with_characters(key): _with_characters(item) for key, item in value.items()}
    return [_with_characters(item) for item in value] if isinstance(value, list) else value


def _number(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _whole_number(text: str) -> int | float | None:
    """Return a whole number; one of more digits than 64 bits hold as a float."""
    return int(text) if len(text) <= _INT_DIGITS else _number(text)


def _finite(value: Any) -> Any:
    """Return a value with ``None`` in place of each number that is none."""
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: object) -> object:
    """Return a value that JSON does not know as one that it does."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is nothing that JSON knows")


_INT_DIGITS = 18
_DECODER = json.JSONDecoder(parse_constant=lambda _name: None, parse_float=_number, parse_int=_whole_number)
# Made once: `json.dumps` would make one for each value.
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain)
