"""Configuration and ACL of docker-compose.broker.yml with the installed mosquitto."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pi_cam_node.config import Config, MqttConfig
from pi_cam_node.core.inputs import BrokerRefused, CommandArrived, HomeAssistantStarted, TopicsForbidden
from pi_cam_node.mqtt.messages.event_messages import EventMessages
from pi_cam_node.mqtt.messages.message import Message
from pi_cam_node.mqtt.messages.retained_state import RetainedState
from tests.support.broker import Mosquitto, StartBroker, free_port
from tests.support.link_harness import TOPICS, LinkHarness

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "docker" / "broker" / "config"
USERS = {"porch": "one", "garden": "two", "homeassistant": "three", "dashboard": "four"}


@pytest.fixture
def broker(start_broker: StartBroker) -> Mosquitto:
    return start_broker(users=USERS, acl=(CONFIG / "acl").read_text())


def service() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.broker.yml").read_text())["services"]["broker"]
    return found


def test_the_acl_lets_a_node_do_all_that_it_does(broker: Mosquitto) -> None:
    words, board = EventMessages(TOPICS), RetainedState(TOPICS)
    birth = [
        *words.config(Config()),
        *words.beginning(private=True),
        words.info({}),
        words.discovery({}),
        Message(TOPICS.media_image, b"x", retain=True),
    ]
    for message in birth:
        board.put(message)
    with (
        broker.client(username="homeassistant", password="three") as home,
        LinkHarness(broker.port, username="porch", password="one") as node,
    ):
        home.subscribe("pi_cam_node/#", "homeassistant/#")
        node.up(home)
        node.announce(*board.birth())
        for message in (
            Message(TOPICS.telemetry, b"{}", qos=0),
            Message(TOPICS.event("mode_changed"), b"{}"),
            Message(TOPICS.reply("save"), b"{}"),
            Message("replies/asker", b"{}"),
            Message(TOPICS.shortstream, b"x"),
            Message(TOPICS.frame, b"x", qos=0, retain=True),
        ):
            assert node.link.publish(message)
            if not message.topic.startswith("replies/"):
                home.wait_for(message.topic)
        assert {m.topic for m in board.birth() if m.payload} <= set(home.table())
        home.publish("homeassistant/status", "online")
        node.expect(HomeAssistantStarted)
        for topic in (TOPICS.cmd("save"), TOPICS.cmd_line, TOPICS.set("night.gain"), "pi_cam_node/all/cmd/health"):
            home.publish(topic, "x")
            node.expect(CommandArrived)
        assert [arrival for arrival in node.seen if isinstance(arrival, BrokerRefused | TopicsForbidden)] == []


def test_the_dashboard_commands_and_sees_but_sets_nothing(broker: Mosquitto) -> None:
    with (
        broker.client(username="dashboard", password="four") as dashboard,
        LinkHarness(broker.port, username="porch", password="one") as node,
    ):
        node.up(dashboard)
        dashboard.publish(TOPICS.set("night.gain"), "2")
        dashboard.publish(TOPICS.state("mode"), "night", retain=True)
        dashboard.publish(TOPICS.cmd("save"))
        assert node.expect(CommandArrived).verb == "save"
        dashboard.subscribe(f"{TOPICS.root}/#")
        assert node.drain() == []
        assert dashboard.latest(TOPICS.state("mode")) is None


def test_a_node_has_no_hold_on_another(broker: Mosquitto) -> None:
    with (
        broker.client(username="garden", password="two") as garden,
        broker.client(username="homeassistant", password="three") as home,
        LinkHarness(broker.port, username="porch", password="one") as node,
    ):
        node.up(home)
        home.subscribe("#")
        garden.subscribe(f"{TOPICS.root}/#")
        for topic in (TOPICS.cmd("restart"), TOPICS.availability, TOPICS.own_discovery, "pi_cam_node/all/cmd/restart"):
            garden.publish(topic, "offline")
        garden.publish("pi_cam_node/garden/state/mode", "day")
        home.wait_for("pi_cam_node/garden/state/mode")
        assert node.drain() == []
        assert garden.received == []


def test_nobody_enters_without_a_password_but_the_health_check(start_broker: StartBroker, tmp_path: Path) -> None:
    if shutil.which("mosquitto_sub") is None:
        pytest.skip("mosquitto_sub is not installed")
    broker = start_broker(users=USERS, start=False)
    health_port = free_port()
    text = (CONFIG / "mosquitto.conf").read_text()
    for old, new in {
        "/mosquitto/config": str(CONFIG),
        "/mosquitto/secrets": str(broker.folder),
        "/mosquitto/data": str(tmp_path),
        "listener 1880 127.0.0.1": f"listener {health_port} 127.0.0.1",
        "listener 1883": f"listener {broker.port} 127.0.0.1",
    }.items():
        assert old in text
        text = text.replace(old, new)
    broker.write(text)
    broker.start()
    with pytest.raises(ConnectionRefusedError), broker.client():
        pass
    with broker.client(username="porch", password="one"):
        pass
    shell = service()["healthcheck"]["test"][1].replace("$$", "$").replace("1880", str(health_port))
    assert subprocess.run(["sh", "-c", shell], check=True, capture_output=True, text=True, timeout=60).stdout
    refused = shell.replace("$SYS/broker/uptime", "#").replace("-W 5", "-W 1")
    with broker.client(username="porch", password="one") as client:
        client.publish("pi_cam_node/porch/info", "private", retain=True)
        answer = subprocess.run(["sh", "-c", refused], check=False, capture_output=True, text=True, timeout=60)
        assert answer.stdout == ""


def test_no_password_is_shipped_and_the_port_is_closed_to_others() -> None:
    secrets = [path for path in (ROOT / "docker").rglob("*") if path.name == "passwords"]
    tracked = (ROOT / "docker" / "broker" / "secrets" / ".gitignore").read_text().splitlines()
    assert "*" in tracked
    assert all(path.parent.name == "secrets" for path in secrets)
    assert service()["ports"] == ["127.0.0.1:1883:1883"]


def test_the_broker_takes_the_largest_picture_that_a_node_may_send() -> None:
    limit = int(re.findall(r"(?m)^max_packet_size (\d+)", (CONFIG / "mosquitto.conf").read_text())[0])
    largest = next(m.le for m in MqttConfig.model_fields["image_max_bytes"].metadata if hasattr(m, "le"))
    assert limit >= Message(TOPICS.media_image, bytes(largest)).size_bytes


def test_a_start_without_users_says_what_to_do(tmp_path: Path) -> None:
    script = service()["command"][2].replace("$$", "$").replace("/mosquitto/secrets", str(tmp_path))
    run = subprocess.run(["sh", "-c", script], check=False, capture_output=True, text=True, timeout=60)
    assert run.returncode == 1
    assert "add-user" in run.stderr
