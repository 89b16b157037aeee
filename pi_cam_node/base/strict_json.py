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
    text = json.dumps(_plain(body), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace")  # lone surrogates come from odd file names


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return iso(value)
    return str(value) if isinstance(value, Path) else value
