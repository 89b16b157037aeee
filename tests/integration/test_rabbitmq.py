"""The node with a real RabbitMQ, which turns dots in topics into slashes and finds retained messages by exact topic."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.broker import Client, wait_until
from tests.support.rabbitmq import RabbitMq, find_rabbitmq
from tests.support.running_console import Browser, RunningConsole
from tests.support.running_node import BASE, RunningNode

DISCOVERY = "homeassistant/device/pi_cam_node_porch/config"

pytestmark = pytest.mark.skipif(
    find_rabbitmq() is None, reason="rabbitmq-server is not installed (apt-get install rabbitmq-server)"
)


def test_home_assistant_gets_the_values_of_the_settings_and_changes_them(tmp_path: Path) -> None:
    with RabbitMq(tmp_path / "rabbitmq") as broker:
        with Client(broker.port, protocol="3.1.1") as client, RunningNode(tmp_path, broker.port) as node:
            # Home Assistant knows only topics that the discovery names.
            client.subscribe(DISCOVERY)

            def night_gain() -> dict[str, str]:
                body = json.loads(client.latest(DISCOVERY) or b"{}")
                return dict(body.get("components", {}).get("night_gain", {}))

            wait_until(lambda: night_gain().get("state_topic") == f"{BASE}/config/night/gain", "its topic", 60)
            client.subscribe(night_gain()["state_topic"])
            client.wait_for(f"{BASE}/config/night/gain", "6", 60)
            client.publish(night_gain()["command_topic"], "8")
            client.wait_for(f"{BASE}/config/night/gain", "8", 60)
            assert "invalid key" not in node.log()
        with Client(broker.port, protocol="3.1.1") as later:
            later.subscribe(f"{BASE}/config/night/gain", f"{BASE}/config/night.gain")
            later.wait_for(f"{BASE}/config/night/gain", lambda m: m.retain and m.payload == b"8", 60)
            assert later.latest(f"{BASE}/config/night.gain") is None, "nothing stale"


def test_a_renamed_node_leaves_nothing_under_its_old_name(tmp_path: Path) -> None:
    zones = {"zones": ["door=0.1,0.2 0.5,0.2 0.5,0.9"], "enable": True}
    old = [f"{BASE}/{topic}" for topic in ("info", "config/night/gain", "config/camera/width", "state/motion/door")]
    with RabbitMq(tmp_path / "rabbitmq") as broker:

        def held() -> set[str]:
            """Return which of the old topics hold a message, asked for one by one."""
            with Client(broker.port, protocol="3.1.1") as client:
                client.subscribe(*old, "pi_cam_node/gate/info")
                client.wait_for("pi_cam_node/gate/info", lambda m: m.retain, 60)
                return {topic for topic in old if client.latest(topic)}

        with RunningNode(tmp_path, broker.port, motion=zones) as node, Client(broker.port, protocol="3.1.1") as client:
            client.subscribe(*old)
            for topic in old:
                client.wait_for(topic, lambda m: m.payload, 60)
            node.stop()
        with RunningNode(tmp_path, broker.port, node={"id": "gate"}, motion=zones) as renamed:
            wait_until(lambda: "retained topics emptied" in renamed.log(), "the old name to be cleared", 60)
            assert held() == set(), renamed.log()[-2000:]


def test_a_console_that_starts_later_knows_the_nodes_that_are_there_and_those_that_left(tmp_path: Path) -> None:
    def shown(body: dict[str, Any]) -> list[tuple[object, ...]]:
        return [(node["id"], node["online"], node["private"]) for node in body["nodes"]]

    with RabbitMq(tmp_path / "rabbitmq") as broker:
        with RunningNode(tmp_path, broker.port), RunningConsole(tmp_path / "console", broker.port) as console:

            async def meet(browser: Browser) -> None:
                await browser.until("/api/nodes", lambda body: shown(body) == [("porch", True, False)], "porch")

            console.visit(meet)
            console.stop()
        with Client(broker.port, protocol="3.1.1") as client:
            client.subscribe(f"{BASE}/availability")
            client.wait_for(f"{BASE}/availability", "offline", 60)
        with RunningConsole(tmp_path / "console", broker.port) as console:

            async def miss(browser: Browser) -> None:
                await browser.until("/api/nodes", lambda body: shown(body) == [("porch", False, False)], "porch")

            console.visit(miss)
