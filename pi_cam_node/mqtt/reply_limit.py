"""A reply that is larger than the broker takes, without its facts: its asker waits for one."""

from __future__ import annotations

import json
from dataclasses import replace

from pi_cam_node.base.strict_json import json_bytes
from pi_cam_node.mqtt.message import JSON, Message

_LONGEST = 200
_WHY = "too large for the broker"


def shortened(message: Message) -> Message | None:
    """Return a reply with its code and the beginning of its words only; ``None`` for what is no reply."""
    if not message.keep or message.content_type != JSON:
        return None
    body = json.loads(message.payload)
    if not isinstance(body.get("data"), dict) or not isinstance(body.get("message"), str):
        return None
    words = f"{body['message'][:_LONGEST]} ({_WHY}: the rest is left out)"
    return replace(message, payload=json_bytes({**body, "message": words, "data": {"why": _WHY}}))
