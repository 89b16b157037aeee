"""What goes to the broker: a topic, bytes, and the few properties that MQTT 5 carries beside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

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
        shows: The payload is a picture although its type does not say so; see `veil`.
        correlation: MQTT 5: returned to the asker unchanged.
        user: MQTT 5: names and values.
    """

    topic: str
    payload: bytes = field(repr=False)
    qos: Literal[0, 1] = 1
    retain: bool = False
    keep: bool = False
    content_type: str = ""
    shows: bool = False
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
