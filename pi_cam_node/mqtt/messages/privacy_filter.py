"""Filter for outgoing messages: no pictures in privacy, and no retained messages during `erase`."""

from __future__ import annotations

import json
from dataclasses import replace

from pi_cam_node.base.strict_json import json_bytes
from pi_cam_node.core.privacy_gate import PrivacyGate
from pi_cam_node.mqtt.messages.message import JPEG, JSON, Message

_THUMBNAIL = "thumbnail"


class PrivacyFilter:
    """Decides which messages may be published, and in which form.

    Thread: any.

    Args:
        privacy_gate: The privacy gate; while privacy is on no picture is published.
    """

    def __init__(self, privacy_gate: PrivacyGate) -> None:
        self._gate = privacy_gate
        self._stopped = False

    @property
    def hides_pictures(self) -> bool:
        """Whether no picture may leave."""
        return self._gate.closed

    def stop_retaining(self) -> None:
        """Pass no retained message any more: those at the broker are being removed."""
        self._stopped = True

    def apply(self, message: Message | None) -> Message | None:
        """Return the message as it may leave, ``None`` for nothing."""
        if message is None or (self._stopped and message.retain):
            return None
        if not self._gate.closed:
            return message
        # An empty retained message takes a picture away; any other would be a picture of nothing.
        return without_picture(message) if message.retain or message.content_type != JPEG else None


def without_picture(message: Message) -> Message:
    """Return the message itself where it holds no picture; else the same message without the picture."""
    if message.payload and (message.is_picture or message.content_type == JPEG):
        return replace(message, payload=b"")
    if message.content_type != JSON or _THUMBNAIL.encode() not in message.payload:
        return message
    body = json.loads(message.payload)
    for facts in (body, body.get("data")):
        if isinstance(facts, dict) and isinstance(facts.get(_THUMBNAIL), str):
            del facts[_THUMBNAIL]
    return replace(message, payload=json_bytes(body))
