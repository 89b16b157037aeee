"""Words the notification of an event for one device, with a link to its picture where the account may see that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pi_cam_node.console.accounts import rights
from pi_cam_node.console.accounts.registry import Accounts
from pi_cam_node.console.links import NOTIFICATION_S, Links
from pi_cam_node.console.nodes.registry import Nodes
from pi_cam_node.console.push.message import message_of
from pi_cam_node.console.store.devices import Delivery, Device
from pi_cam_node.console.store.events import EventRow


@dataclass(frozen=True, slots=True)
class Composer:
    """Makes messages.

    Attributes:
        accounts: All accounts.
        nodes: All nodes.
        links: Signs links.
        base_url: Returns the address that links begin with, for a device that names none.
    """

    accounts: Accounts
    nodes: Nodes
    links: Links
    base_url: Callable[[], str]

    def __call__(self, delivery: Delivery, device: Device, event: EventRow) -> bytes:
        """Return the message."""
        base = device.keys.get("origin") or self.base_url()
        account = self.accounts.get(device.account)
        node = self.nodes.get(event.camera) if event.camera else None
        may_see = account is not None and event.camera is not None and rights.may(account, "view", event.camera)
        image = ""
        if event.media and may_see and node is not None and not node.is_private:
            image = base + self.links.sign(f"/media/{event.camera}/{event.media}", NOTIFICATION_S)
        said = [node.name] if node is not None and may_see else []
        said += [str(event.data["title"])] if event.data.get("title") else []
        body = " · ".join(said) or (event.rule or "")
        tag, navigate = f"event-{event.rowid}", f"{base}/events/{event.rowid}"
        return message_of(title=delivery.text, body=body, navigate=navigate, image=image, tag=tag)
