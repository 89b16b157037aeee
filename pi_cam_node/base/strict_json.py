"""Strict JSON for every parser: UTF-8, compact, no NaN, no lone surrogates."""

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


# Made once: `json.dumps` would make one for each value.
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain)
