"""Sends a delivery by the kind of its device: Web Push, or an Apprise channel with the picture attached."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from pi_cam_node.base.frozen import frozen
from pi_cam_node.console.nodes.registry import Nodes
from pi_cam_node.console.pictures.client import NodeClient, Unreachable, body_of
from pi_cam_node.console.push.composer import Composer
from pi_cam_node.console.push.notify import Notice, NotifySender
from pi_cam_node.console.push.sender import Outcome, PushSender
from pi_cam_node.console.store.devices import Delivery, Device
from pi_cam_node.console.store.events import EventRow

PICTURE_MAX_BYTES = 5 << 20

Send = Callable[[Delivery, Device, EventRow], Awaitable[Outcome]]


@frozen
class Channels:
    """Sends messages. Thread: the loop's.

    Attributes:
        composer: Composes messages.
        web_push: Sends to browsers.
        notify: Sends to other channels.
        nodes: All nodes.
        client: Fetches pictures from them.
    """

    composer: Composer
    web_push: PushSender
    notify: NotifySender
    nodes: Nodes
    client: NodeClient

    async def send(self, delivery: Delivery, device: Device, event: EventRow) -> Outcome:
        """Send the message of a delivery."""
        message = self.composer.compose(delivery, device, event)
        if device.kind == "webpush":
            return await self.web_push.send(device.endpoint, device.keys, message, f"event-{event.rowid}")
        shown = json.loads(message)["notification"]
        # Attached only if the composer allows it: it checks the account's rights and privacy.
        picture = await self._picture(event) if shown.get("image") else b""
        return await self.notify.send(
            device.endpoint, Notice(shown["title"], shown["body"], shown["navigate"], picture)
        )

    async def _picture(self, event: EventRow) -> bytes:
        """Return an event's picture from its node, else its thumbnail from the broker, else nothing."""
        node = self.nodes.get(event.camera or "")
        if node is None or not event.media:
            return b""
        try:
            async with self.client.get(node, f"/media/{event.media}") as answer:
                is_picture = answer.status == 200 and answer.content_type == "image/jpeg"
                body = await body_of(answer, PICTURE_MAX_BYTES) if is_picture else b""
                return b"" if node.is_private else body  # privacy may have been switched on meanwhile
        except Unreachable:
            return self.nodes.thumbnail(node.id, event.media)
