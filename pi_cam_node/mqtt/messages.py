"""What goes to the broker: a topic, bytes, and the few properties that MQTT 5 carries beside them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pi_cam_node.clock import iso

JSON = "application/json"
JPEG = "image/jpeg"


@dataclass(frozen=True, slots=True)
class Message:
    """One publication.

    Attributes:
        topic: Where to.
        payload: What; an empty retained one takes away what was retained before.
        qos: 0 or 1.
        retain: The broker keeps it for those who subscribe later.
        keep: Where the broker is away it waits for it, among the last few; a reply or an event, never a state.
        content_type: MQTT 5: MIME type, empty for plain text.
        correlation: MQTT 5: returned to the asker unchanged.
        user: MQTT 5: names and values.
    """

    topic: str
    payload: bytes = field(repr=False)
    qos: Literal[0, 1] = 1
    retain: bool = False
    keep: bool = False
    content_type: str = ""
    correlation: bytes | None = None
    user: tuple[tuple[str, str], ...] = ()

    @property
    def size_bytes(self) -> int:
        """An upper bound of the packet's size on the wire."""
        properties = sum(5 + 4 * (len(name) + len(value)) for name, value in self.user)
        properties += len(self.content_type) + len(self.correlation or b"")
        return len(self.payload) + 4 * len(self.topic) + properties + 32


def text(value: str) -> bytes:
    """Return a scalar as a payload: UTF-8, lone surrogates (from odd file names) replaced."""
    return value.encode("utf-8", "replace")


def json_bytes(body: Mapping[str, object]) -> bytes:
    """Return an object as JSON that every reader takes: UTF-8, compact, no NaN, no lone surrogates."""
    return text(json.dumps(_plain(body), ensure_ascii=False, separators=(",", ":"), allow_nan=False))


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
