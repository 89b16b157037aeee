"""Deliveries to channels: the picture that goes with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.console.nodes.node import Node
from pi_cam_node.console.nodes.registry import Nodes
from pi_cam_node.console.push.channels import Channels
from pi_cam_node.console.push.composer import message_of
from pi_cam_node.console.push.notify import Notice
from pi_cam_node.console.push.sender import Outcome
from pi_cam_node.console.store.devices import Delivery, Device
from pi_cam_node.console.store.events import EventRow

JPEG = b"\xff\xd8 a picture"


class Client:
    """Fetches a picture, during which a node's privacy may be switched on."""

    def __init__(self, node: Node, privacy: str) -> None:
        self._node, self._privacy = node, privacy

    @asynccontextmanager
    async def get(self, _node: Node, _path: str) -> AsyncIterator[Any]:
        async def chunks() -> AsyncIterator[bytes]:
            yield JPEG
            self._node.states["privacy"] = self._privacy

        yield SimpleNamespace(status=200, content_type="image/jpeg", content=SimpleNamespace(iter_any=chunks))


@pytest.mark.parametrize(("privacy", "attached"), [("OFF", JPEG), ("ON", b"")])
def test_a_picture_that_is_fetched_as_privacy_begins_is_not_attached(privacy: str, attached: bytes) -> None:
    nodes, sent = Nodes(SystemClock()), list[Notice]()
    node = nodes._nodes["porch"] = Node("porch", states={"privacy": "OFF"})
    message = message_of(title="Door", body="", navigate="http://house/events/1", image="http://house/media/porch/1")

    async def send(_url: str, notice: Notice) -> Outcome:
        sent.append(notice)
        return Outcome("sent")

    notify: Any = SimpleNamespace(send=send)
    client: Any = Client(node, privacy)
    composer: Any = SimpleNamespace(compose=lambda _delivery, _device, _event: message)
    channels = Channels(composer, None, notify, nodes, client)  # type: ignore[arg-type]
    device = Device("d1", "a1", "apprise", "ntfy://somewhere/topic", {}, "Phone", 0)
    event = EventRow("porch", "event-1", 0, "motion", "porch", media="picture-1")
    asyncio.run(channels.send(Delivery(1, "d1", "waiting", 0, 0, None, 0, "Door"), device, event))
    assert [notice.picture for notice in sent] == [attached]
