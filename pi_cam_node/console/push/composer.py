"""Composes the notification of an event for one device, with a link to its picture if the account may see it.

A notification is JSON of Declarative Web Push, which Safari shows itself; elsewhere the service worker does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from pi_cam_node.base.frozen import frozen
from pi_cam_node.console.accounts import rights
from pi_cam_node.console.accounts.registry import Accounts
from pi_cam_node.console.links import NOTIFICATION_S, Links
from pi_cam_node.console.nodes.registry import Nodes
from pi_cam_node.console.push.encryption import MESSAGE_MAX_BYTES
from pi_cam_node.console.store.devices import Delivery, Device
from pi_cam_node.console.store.events import EventRow

DECLARATIVE = 8030  # marks a message as Declarative Web Push
_TEXT_MAX = 200


@frozen
class Composer:
    """Composes push messages.

    Attributes:
        accounts: All accounts.
        nodes: All nodes.
        links: Signs links.
        base_url: Returns the base address of links for devices without one.
    """

    accounts: Accounts
    nodes: Nodes
    links: Links
    base_url: Callable[[], str]

    def compose(self, delivery: Delivery, device: Device, event: EventRow) -> bytes:
        """Return the message of a delivery."""
        base = device.keys.get("origin") or self.base_url()
        account = self.accounts.get(device.account)
        node = self.nodes.get(event.camera) if event.camera else None
        may_see = account is not None and event.camera is not None and rights.may(account, "view", event.camera)
        image = ""
        if event.media and may_see and node is not None and not node.is_private:
            image = base + self.links.sign(f"/media/{event.camera}/{event.media}", NOTIFICATION_S, device.account)
        said = [node.name] if node is not None and may_see else []
        said += [str(event.data["title"])] if event.data.get("title") else []
        body = " · ".join(said) or (event.rule or "")
        tag, navigate = f"event-{event.rowid}", f"{base}/events/{event.rowid}"
        return message_of(title=delivery.text, body=body, navigate=navigate, image=image, tag=tag)


def message_of(*, title: str, body: str, navigate: str, image: str = "", tag: str = "") -> bytes:
    """Return a notification as JSON.

    Args:
        title: First line.
        body: Second line.
        navigate: Absolute address that a tap opens.
        image: Absolute address of a picture that opens without a login.
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
