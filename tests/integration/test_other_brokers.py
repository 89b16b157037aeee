"""The node with simpler brokers than mosquitto: online, discovered, configured, and reconnected."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import get_args

import pytest

from tests.support.bars import bar
from tests.support.broker import Client, wait_until
from tests.support.other_brokers import Kind, OtherBroker
from tests.support.running_node import BASE, CommandClient, RunningNode

DISCOVERY = "homeassistant/device/pi_cam_node_porch/config"
# What a user may expect of any broker.
ONLINE_S = 15.0


@pytest.mark.parametrize("kind", get_args(Kind))
def test_a_node_is_online_found_and_obeys_and_comes_back_with_the_broker(kind: Kind, tmp_path: Path) -> None:
    with OtherBroker(kind, tmp_path) as broker:
        began_s = time.monotonic()
        with RunningNode(tmp_path, broker.port, mqtt={"keepalive_s": 5}) as node:
            with Client(broker.port, protocol="3.1.1") as client:
                commands = CommandClient(client)
                commands.wait_online()
                assert time.monotonic() - began_s < bar(ONLINE_S)
                obeys(commands)
            broker.stop()
            wait_until(lambda: "no broker" in node.log(), "the node to notice", 60)
            broker.start()
            with Client(broker.port, protocol="3.1.1") as client:
                commands = CommandClient(client)
                commands.wait_online()
                wait_until(lambda: client.latest(f"{BASE}/config/night.gain") == b"8", "what was set before", 60)
                obeys(commands)


def obeys(commands: CommandClient) -> None:
    """Hold the node to what is the same on every broker."""
    client = commands.client
    wait_until(lambda: client.latest(DISCOVERY), "the discovery message", 60)
    assert "camera" in json.loads(client.latest(DISCOVERY) or b"")["components"]
    client.publish(f"{BASE}/set/night.gain", "8")
    wait_until(lambda: client.latest(f"{BASE}/config/night.gain") == b"8", "the setting", 60)
    saved = commands.ask("save", formats=["jpg"])
    assert saved["ok"], saved
    wait_until(lambda: json.loads(client.latest(f"{BASE}/media/last") or b"{}").get("id") == saved["data"]["id"], "it")
    wait_until(lambda: (client.latest(f"{BASE}/media/last/image") or b"")[:2] == b"\xff\xd8", "its picture", 60)
