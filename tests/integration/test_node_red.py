"""The flow of `examples/node-red` in the real Node-RED, with a real broker and a real node."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pi_cam_node.imaging import jpeg
from tests.support.broker import Mosquitto, wait_until
from tests.support.node_red import NodeRed, running_node_red
from tests.support.running_node import BASE, REPOSITORY, CommandClient, RunningNode

FLOW = REPOSITORY / "examples" / "node-red" / "flow.json"


@pytest.fixture
def node_red(tmp_path: Path) -> Iterator[NodeRed]:
    (tmp_path / "node-red").mkdir()
    with running_node_red(tmp_path / "node-red") as running:
        yield running


def flow_for(port: int) -> list[dict[str, Any]]:
    """Return the flow with the broker's port in it, the only change."""
    nodes: list[dict[str, Any]] = json.loads(FLOW.read_text())
    for node in nodes:
        if node["type"] == "mqtt-broker":
            node["port"] = str(port)
    return nodes


def test_every_wire_leads_to_a_node_and_only_node_red_s_own_nodes_are_used() -> None:
    nodes = json.loads(FLOW.read_text())
    ids = {node["id"] for node in nodes}
    assert {wire for node in nodes for output in node.get("wires", []) for wire in output} <= ids
    own = {"tab", "comment", "inject", "change", "switch", "function", "debug"}
    assert {node["type"] for node in nodes} <= own | {"mqtt-broker", "mqtt in", "mqtt out", "http in", "http response"}


def test_the_flow_gives_commands_shows_replies_and_serves_the_picture(
    broker: Mosquitto, tmp_path: Path, node_red: NodeRed
) -> None:
    with RunningNode(tmp_path, broker.port) as node, broker.client() as client:
        commands = CommandClient(client)
        commands.wait_online()
        node_red.import_flows(flow_for(broker.port))
        wait_until(lambda: node_red.flow_value("camera.tab", "camera"), "the states in the flow", 20)
        wait_until(lambda: float(commands.state("ring_seconds") or 0) > 3, "pictures in the ring", 20)
        node_red.press("camera.past")
        client.wait_for(f"{BASE}/reply/pastStack", lambda reply: json.loads(reply.payload)["stage"] == "final", 20)
        wait_until(lambda: node_red.get("/porch.jpg"), "the picture", 20)
        assert jpeg.decode(node_red.get("/porch.jpg")).shape == (240, 320, 3)
        client.clear()
        client.publish("zigbee2mqtt/door", '{"contact":false}')
        client.wait_for(f"{BASE}/reply/pastStack", lambda reply: json.loads(reply.payload)["ok"], 20)
        node_red.press("camera.private")
        client.wait_for(f"{BASE}/state/privacy", "ON", 20)
        wait_until(lambda: node_red.get("/porch.jpg") == b"", "no picture while privacy is on", 20)
        node_red.press("camera.gain")
        client.wait_for(f"{BASE}/config/night.gain", "8", 20)
        assert node.running
    assert "[error]" not in node_red.log.read_text()
