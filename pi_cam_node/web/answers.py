"""Answers in JSON that every reader takes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from pi_cam_node.clock import iso
from pi_cam_node.web.statuses import RETRY_AFTER_S


def answer(body: Mapping[str, object], status: int = 200) -> web.Response:
    """Return a response of this object: UTF-8, compact, no NaN, no lone surrogates."""
    text = json.dumps(_plain(body), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    headers = {"Retry-After": str(RETRY_AFTER_S[status])} if status in RETRY_AFTER_S else {}
    raw = text.encode("utf-8", "replace")
    return web.Response(body=raw, status=status, content_type="application/json", charset="utf-8", headers=headers)


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: times in ISO 8601, paths as text, and null for numbers that are none."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return iso(value)
    return str(value) if isinstance(value, Path) else value
