"""Brokers with announced and unannounced limits: the node is online within 15 s and stays within the limits."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pi_cam_node.mqtt.messages.topics import REPLY_LEVELS
from tests.support.broker import Mosquitto, wait_until
from tests.support.limited_broker import LimitedBroker, Limits
from tests.support.running_node import BASE, CommandClient, RunningNode

StartBroker = Callable[..., Mosquitto]
# The promise is 15 s; suites that run side by side on a loaded machine take longer, which is no fault of the node.
ONLINE_S = 60.0
DISCOVERY = "homeassistant/device/pi_cam_node_porch/config"


def settled(asker: CommandClient, seconds: float = 3.0) -> None:
    """See that the node is online in time, stays so, and takes commands."""
    asker.wait_online(ONLINE_S)
    wait_until(lambda: asker.client.latest(f"{BASE}/availability") == b"online", "online", ONLINE_S)
    began_s = time.monotonic()
    while time.monotonic() - began_s < seconds:
        time.sleep(0.1)
    wait_until(lambda: asker.client.latest(f"{BASE}/availability") == b"online", "online again", ONLINE_S)
    assert asker.ask("health")["ok"]


@pytest.mark.parametrize(
    ("protocol", "line"),
    [
        ("auto", "message_size_limit 4096"),  # drops it, and answers with a code that is none of MQTT's
        ("3.1.1", "message_size_limit 4096"),  # acknowledges it and drops it
        ("3.1.1", "max_packet_size 2048"),
        ("3.1.1", "max_packet_size 20000"),
    ],
)
def test_a_packet_limit_that_is_not_told_is_found(
    tmp_path: Path, start_broker: StartBroker, protocol: str, line: str
) -> None:
    broker = start_broker([line])
    limit = int(line.split()[1])
    mqtt, home = {"protocol": protocol}, {"camera_fps": 5}
    with broker.client() as client, RunningNode(tmp_path, broker.port, mqtt=mqtt, homeassistant=home) as node:
        asker = CommandClient(client)
        asker.wait_online(ONLINE_S)
        wait_until(lambda: "takes packets of" in node.log(), "the limit to be found", 30)
        settled(asker)
        sizes = [len(message.payload) for message in client.messages() if message.topic.startswith(BASE)]
        assert max(sizes) <= limit
        assert json.loads(client.latest(DISCOVERY) or b"{}")["components"], "what fits is offered"
        sessions = node.log().count("connected to")
        time.sleep(5)
        assert node.log().count("connected to") == sessions, "and from then on it stays"
        assert "another client" not in node.log()


def test_the_live_picture_comes_smaller_and_the_node_needs_no_library_for_pixels(
    tmp_path: Path, start_broker: StartBroker
) -> None:
    broker = start_broker(["max_packet_size 20000"])
    camera = {"width": 1280, "height": 960}
    with broker.client() as client, RunningNode(tmp_path, broker.port, camera=camera) as node:
        CommandClient(client).wait_online(ONLINE_S)
        client.wait_count(f"{BASE}/frame", 2)
        pictures = [message.payload for message in client.on(f"{BASE}/frame")]
        assert all(picture.startswith(b"\xff\xd8") and len(picture) < 20_000 for picture in pictures)
        loaded = Path(f"/proc/{node.process.pid}/maps").read_text()
        assert [name for name in ("numpy", "cv2", "simplejpeg", "libjpeg", "turbojpeg") if name in loaded] == []


def test_a_broker_that_ends_the_session_at_more_than_eight_filters(tmp_path: Path, broker: Mosquitto) -> None:
    groups = {"id": "porch", "groups": list("abcdefgh")}
    with LimitedBroker(broker.port, Limits(filters=8)) as front, broker.client() as client:
        with RunningNode(tmp_path, front.port, node=groups):
            settled(CommandClient(client))
        assert front.broken == []


@pytest.mark.parametrize("says_why", [True, False])
def test_a_publish_quota_slows_the_birth_down(tmp_path: Path, broker: Mosquitto, says_why: bool) -> None:
    limits = Limits(publishes_per_s=40, says_why=says_why)
    with (
        LimitedBroker(broker.port, limits) as front,
        broker.client() as client,
        RunningNode(tmp_path, front.port) as node,
    ):
        settled(CommandClient(client))
        assert len(front.broken) <= 4
        assert "another client" not in node.log()


def test_a_broker_without_wildcards_gets_the_topics_one_by_one(tmp_path: Path, broker: Mosquitto) -> None:
    with (
        LimitedBroker(broker.port, Limits(wildcards=False)) as front,
        broker.client() as client,
        RunningNode(tmp_path, front.port),
    ):
        asker = CommandClient(client)
        settled(asker)
        client.publish(f"{BASE}/set/night.gain", "9")
        client.wait_for(f"{BASE}/config/night.gain", "9")


def test_a_filter_that_the_login_may_not_use_is_left_out(tmp_path: Path, broker: Mosquitto) -> None:
    limits = Limits(forbidden=frozenset({"homeassistant/status"}), says_why=False)
    with (
        LimitedBroker(broker.port, limits) as front,
        broker.client() as client,
        RunningNode(tmp_path, front.port) as node,
    ):
        settled(CommandClient(client))
        assert "homeassistant/status is subscribed to, so it is left out" in node.log()


def test_a_broker_that_ends_the_session_of_who_publishes_where_settings_are_taken(
    tmp_path: Path, broker: Mosquitto
) -> None:
    limits = Limits(forbidden=frozenset({f"{BASE}/set/probe.dots"}), says_why=False)
    with LimitedBroker(broker.port, limits) as front, broker.client() as client, RunningNode(tmp_path, front.port):
        settled(CommandClient(client), seconds=20.0)
        assert len(front.broken) <= 3


@pytest.mark.parametrize("topic", ["set/#", "cmd/+"])
def test_commands_that_the_login_may_not_read_are_left_out_and_the_others_work(
    tmp_path: Path, broker: Mosquitto, topic: str
) -> None:
    limits = Limits(forbidden=frozenset({f"{BASE}/{topic}"}), says_why=False)
    with (
        LimitedBroker(broker.port, limits) as front,
        broker.client() as client,
        RunningNode(tmp_path, front.port) as node,
    ):
        CommandClient(client).wait_online(ONLINE_S)
        wait_until(lambda: f"{BASE}/{topic} is subscribed to, so it is left out" in node.log(), "the reason", 10)
        client.wait_for(f"{BASE}/availability", "online")
        client.publish("pi_cam_node/all/cmd/health", "")
        client.wait_for(f"{BASE}/reply/health")


def test_a_broker_without_wildcards_that_does_not_say_why(tmp_path: Path, broker: Mosquitto) -> None:
    with (
        LimitedBroker(broker.port, Limits(wildcards=False, says_why=False)) as front,
        broker.client() as client,
        RunningNode(tmp_path, front.port),
    ):
        settled(CommandClient(client))


def test_a_half_broker_of_mqtt_5_is_spoken_to_in_3_1_1(tmp_path: Path, broker: Mosquitto) -> None:
    with LimitedBroker(broker.port, Limits(old_suback=True)) as front, broker.client() as client:
        with RunningNode(tmp_path, front.port):
            settled(CommandClient(client))
        assert front.versions == [5, 5, 4]


@pytest.mark.parametrize("protocol", ["auto", "3.1.1"])
def test_a_broker_without_retained_messages(tmp_path: Path, start_broker: StartBroker, protocol: str) -> None:
    broker = start_broker(["retain_available false"])
    with RunningNode(tmp_path, broker.port, mqtt={"protocol": protocol}) as node:
        with broker.client() as client:
            settled(CommandClient(client))
            assert "keeps no retained messages" in node.log()
            broker.kill()
            wait_until(lambda: "nothing listens" in node.log(), "a connection to be refused")
        broker.start()
        with broker.client() as client:
            settled(CommandClient(client))


@pytest.mark.parametrize("refused", ["retain", "qos1"])
def test_a_broker_that_ends_the_session_at_the_first_message_that_it_does_not_take(
    tmp_path: Path, broker: Mosquitto, refused: str
) -> None:
    limits = Limits(retain=False) if refused == "retain" else Limits(qos1=False)
    with (
        LimitedBroker(broker.port, limits) as front,
        broker.client() as client,
        RunningNode(tmp_path, front.port) as node,
    ):
        settled(CommandClient(client))
        assert front.versions == [5, 5]
        assert len(front.broken) == 1
        assert ("keeps no retained messages" if refused == "retain" else "takes QoS 0 only") in node.log()


@pytest.mark.promise("M9")
def test_a_response_topic_that_ends_the_session_costs_one_session_and_the_reply_comes_elsewhere(
    tmp_path: Path, broker: Mosquitto
) -> None:
    limits = Limits(forbidden=frozenset({"asker/a", "asker/b"}), says_why=False)
    with (
        LimitedBroker(broker.port, limits) as front,
        broker.client() as client,
        RunningNode(tmp_path, front.port) as node,
    ):
        asker = CommandClient(client)
        asker.wait_online(ONLINE_S)
        client.publish(f"{BASE}/cmd/health", '{"id":"one"}', reply_to="asker/a")
        wait_until(lambda: asker.finals("one"), "the reply on the node's own topic", ONLINE_S)
        sessions = node.log().count("connected to")
        for number in range(5):
            client.publish(f"{BASE}/cmd/health", json.dumps({"id": f"n{number}"}), reply_to="asker/b")
        wait_until(lambda: asker.finals("n4"), "the others", ONLINE_S)
        assert (sessions, node.log().count("connected to")) == (2, 2)


def test_response_topics_are_bounded(tmp_path: Path, broker: Mosquitto) -> None:
    deep = "/".join("a" for _ in range(REPLY_LEVELS + 1))
    with broker.client() as client, RunningNode(tmp_path, broker.port):
        asker = CommandClient(client)
        asker.wait_online(ONLINE_S)
        client.subscribe("a/#", "homeassistant/#")
        for number, topic in enumerate((deep, "homeassistant/status", DISCOVERY, "x" * 201)):
            client.publish(f"{BASE}/cmd/health", json.dumps({"id": f"b{number}"}), reply_to=topic)
            wait_until(lambda number=number: asker.finals(f"b{number}"), "the reply on the node's own topic")  # type: ignore[misc]
        assert client.on(deep) == client.on("homeassistant/status") == []
