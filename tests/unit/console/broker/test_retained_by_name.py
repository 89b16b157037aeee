"""Retained messages are subscribed to by exact topic where wildcards do not deliver them."""

from __future__ import annotations

import asyncio

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.console.broker import retained_by_name as module
from pi_cam_node.console.broker.retained_by_name import RetainedByName
from pi_cam_node.console.broker.topics import ConsoleTopics


class Broker:
    def __init__(self) -> None:
        self.subscribed: list[str] = []
        self.published: list[str] = []
        self.by_name = RetainedByName(ConsoleTopics("pi_cam_node", "house", "homeassistant"), lambda: self)

    def subscribe(self, topic: str, _qos: int = 1) -> None:
        self.subscribed.append(topic)

    def publish(self, topic: str, _payload: bytes) -> bool:
        self.published.append(topic)
        return True


@pytest.fixture
def broker(mocker: MockerFixture) -> Broker:
    mocker.patch.object(module, "WAIT_S", 0.01)
    return Broker()


def test_known_nodes_and_those_that_answer_are_asked_for_once(broker: Broker) -> None:
    async def live() -> None:
        broker.by_name.restore(["shed"])
        broker.by_name.connected()
        broker.by_name.saw("porch")
        assert broker.subscribed == []
        await asyncio.sleep(0.1)
        assert broker.published == ["pi_cam_node/all/cmd/health"]
        for name in ("porch", "hall", "hall", "No/Node"):
            broker.by_name.saw(name)
        broker.by_name.connected()
        broker.by_name.saw("hall", retained=True)
        await asyncio.sleep(0.1)

    asyncio.run(live())
    assert [topic for topic in broker.subscribed if topic.endswith("/info")] == [
        f"pi_cam_node/{name}/info" for name in ("porch", "shed", "hall")
    ]
    assert {"pi_cam_node/hall/state/privacy", "pi_cam_node/hall/availability"} < set(broker.subscribed)
    assert len(set(broker.subscribed)) == len(broker.subscribed)
    assert len(broker.published) == 2, "nodes that came while it was away are found after each reconnect"


def test_a_broker_that_sends_what_it_keeps_is_not_asked(broker: Broker) -> None:
    async def live() -> None:
        broker.by_name.connected()
        broker.by_name.saw("porch", retained=True)
        await asyncio.sleep(0.1)

    asyncio.run(live())
    assert (broker.subscribed, broker.published) == ([], [])
