"""Messages after a lost connection: sensors of before it, and nodes that died meanwhile."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from pi_cam_node.console.broker.link import Arrival, BrokerState
from pi_cam_node.console.broker.topics import ConsoleTopics
from pi_cam_node.console.changes import Changes
from pi_cam_node.console.message_dispatcher import AWAY_S, CATCH_UP_S, MessageDispatcher
from pi_cam_node.console.nodes.node import Node
from pi_cam_node.console.nodes.registry import Nodes
from pi_cam_node.console.rules.engine import Occurrence
from pi_cam_node.console.sensors.by_hand import spec_of
from pi_cam_node.console.sensors.registry import Sensors
from tests.support.fakes.clock import FakeClock

UP, DOWN = BrokerState(connected=True), BrokerState(connected=False)


class House:
    """A dispatcher with a door."""

    def __init__(self) -> None:
        self.clock, self.fired = FakeClock(), list[Occurrence]()
        self.nodes, sensors = Nodes(self.clock), Sensors("homeassistant", "pi_cam_node")
        sensors.add_by_hand([spec_of("shed", "Shed", "shed/door", "{}")])
        nothing: Any = SimpleNamespace(
            put=lambda _entry: None,
            connected=lambda: None,
            disconnected=lambda: None,
            saw=lambda _node, **_more: None,
            is_needed=False,
        )
        self.dispatcher = MessageDispatcher(
            ConsoleTopics("pi_cam_node", "house", "homeassistant"),
            self.nodes,
            sensors,
            nothing,
            nothing,
            Changes(),
            self.clock,
            self.fired.append,
            nothing,
        )

    def reconnects(self, after_s: float) -> float:
        """Lose the connection for so long; return when it was back."""
        self.dispatcher.on_state(DOWN)
        self.clock.advance(after_s)
        self.dispatcher.on_state(UP)
        return self.clock.monotonic()

    def opens_and_closes(self) -> int:
        """Return how often that could have triggered rules."""
        before = len(self.fired)
        for payload in (b"ON", b"OFF"):
            self.dispatcher.on_message(Arrival("shed/door", payload, retained=False))
        return len(self.fired) - before


def test_what_waited_at_the_broker_for_long_fires_nothing() -> None:
    async def run() -> None:
        house = House()
        house.reconnects(AWAY_S + 1)
        assert house.opens_and_closes() == 0
        house.clock.advance(CATCH_UP_S)
        assert house.opens_and_closes() == 2
        house.reconnects(AWAY_S - 1)
        assert house.opens_and_closes() == 2

    asyncio.run(run())


def test_nodes_are_missed_by_the_present_connection_alone() -> None:
    async def run() -> None:
        house = House()
        node = house.nodes._nodes["porch"] = Node("porch", online=True)
        first_s, second_s = house.reconnects(0.0), house.reconnects(10.0)
        house.dispatcher._miss_nodes(first_s)
        assert node.online
        house.dispatcher._miss_nodes(second_s)
        assert not node.online

    asyncio.run(run())
