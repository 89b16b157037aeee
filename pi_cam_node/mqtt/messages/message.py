"""A message for the broker: topic, payload, and the few MQTT 5 properties beside them."""

from __future__ import annotations

import json
from dataclasses import field, replace
from typing import Literal

from pi_cam_node.base.frozen import frozen
from pi_cam_node.base.strict_json import json_bytes

JSON = "application/json"
JPEG = "image/jpeg"

_SHORTENED_CHARACTERS = 200
_TOO_LARGE = "too large for the broker"


@frozen
class Message:
    """One publication.

    Attributes:
        topic: Topic.
        payload: Content; an empty retained message removes the retained one.
        qos: 0 or 1.
        retain: Whether the broker retains it.
        queue_offline: Whether it is queued while the broker is offline; for replies and events only.
        is_event: Whether it is an event, which is also queued on disk and marked as late. Its payload is a JSON object.
        content_type: MQTT 5: MIME type, empty for plain text.
        is_picture: The payload is a picture although its content type does not say so; see `privacy_filter`.
        fallback_topic: The node's own topic for a reply if the client chose ``topic``; empty otherwise.
        expires_s: MQTT 5: message expiry in seconds; 0: none.
        correlation: MQTT 5: correlation data of the request.
        user: MQTT 5: user properties.
    """

    topic: str
    payload: bytes = field(repr=False)
    qos: Literal[0, 1] = 1
    retain: bool = False
    queue_offline: bool = False
    content_type: str = ""
    is_picture: bool = False
    fallback_topic: str = ""
    expires_s: int = 0
    correlation: bytes | None = None
    user: tuple[tuple[str, str], ...] = ()
    is_event: bool = False

    @property
    def size_bytes(self) -> int:
        """An upper bound of the packet's size on the wire."""
        properties = sum(5 + 4 * (len(name) + len(value)) for name, value in self.user)
        properties += len(self.content_type) + len(self.correlation or b"")
        return len(self.payload) + 4 * len(self.topic) + properties + 32


def text(value: str) -> bytes:
    """Return a scalar as a payload: UTF-8, lone surrogates (from odd file names) replaced."""
    return value.encode("utf-8", "replace")


def shortened(message: Message) -> Message | None:
    """Return a reply reduced to its code and the beginning of its message; ``None`` for other messages."""
    if not message.queue_offline or message.content_type != JSON:
        return None
    body = json.loads(message.payload)
    if not isinstance(body.get("data"), dict) or not isinstance(body.get("message"), str):
        return None
    words = f"{body['message'][:_SHORTENED_CHARACTERS]} ({_TOO_LARGE}: the rest is left out)"
    return replace(message, payload=json_bytes({**body, "message": words, "data": {"why": _TOO_LARGE}}))
