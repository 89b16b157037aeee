"""Content of a notification: a JSON object that Safari reads itself and the service worker reads elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pi_cam_node.console.push.encryption import MESSAGE_MAX_BYTES

DECLARATIVE = 8030  # the RFC that declarative Web Push names itself by
_TEXT_MAX = 200


def message_of(*, title: str, body: str, navigate: str, image: str = "", tag: str = "") -> bytes:
    """Return the message.

    Args:
        title: First line.
        body: What is below.
        navigate: Where a tap leads; an absolute address.
        image: Of a picture; an absolute address that opens without a login.
        tag: A later message with the same tag replaces it.
    """
    shown: dict[str, object] = {"title": title[:_TEXT_MAX], "body": body[:_TEXT_MAX], "navigate": navigate}
    shown |= {key: value for key, value in (("image", image), ("tag", tag)) if value}
    raw = _json({"web_push": DECLARATIVE, "notification": shown})
    if len(raw) > MESSAGE_MAX_BYTES:
        shown.pop("image", None)
        raw = _json({"web_push": DECLARATIVE, "notification": shown})
    return raw


def _json(body: Mapping[str, object]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
