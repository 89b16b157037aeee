"""Parsing of messages from the broker."""

from __future__ import annotations

import paho.mqtt.client as paho
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_cam_node.config import MqttConfig
from pi_cam_node.core.commands.parsing import MAX_PAYLOAD_BYTES
from pi_cam_node.core.inputs import CommandArrived, DiscoveryFound, HomeAssistantStarted, StaleWillSeen
from pi_cam_node.mqtt.connection.paho_client import client_id_of
from pi_cam_node.mqtt.messages.incoming import KEPT_BYTES, Incoming, incoming_of, parse_message
from pi_cam_node.mqtt.messages.topics import Topics

TOPICS = Topics("pi_cam_node", "porch", [], "homeassistant", "homeassistant/status")


def test_a_command_keeps_its_bytes_and_what_mqtt_5_says() -> None:
    incoming = Incoming(TOPICS.cmd("save"), b"\xff{", retained=True, reply_to="a/b", correlation=b"c")
    assert parse_message(incoming, TOPICS, 7.0) == CommandArrived("save", b"\xff{", 7.0, True, "a/b", b"c")


def test_the_payload_of_a_set_topic_is_the_value() -> None:
    arrival = parse_message(Incoming(TOPICS.set("night.gain"), b"2.5", retained=False), TOPICS, 7.0)
    assert arrival == CommandArrived("set", b"night.gain 2.5", 7.0)


@pytest.mark.parametrize("topic", [TOPICS.cmd("save"), TOPICS.set("night.gain"), TOPICS.cmd_line])
def test_more_than_the_limit_is_cut_to_one_byte_over_it(topic: str) -> None:
    arrival = parse_message(Incoming(topic, bytes(1_000_000), retained=False), TOPICS, 7.0)
    assert isinstance(arrival, CommandArrived)
    assert len(arrival.payload) == MAX_PAYLOAD_BYTES + 1


def test_of_a_very_large_payload_the_beginning_is_kept() -> None:
    """Many come at once, and wait until all are read: of 4 MB each they took 0.5 GB."""
    message = paho.MQTTMessage(topic=TOPICS.cmd("save").encode())
    message.payload = bytes(4 << 20)
    assert MAX_PAYLOAD_BYTES < len(incoming_of(message).payload) == KEPT_BYTES


def test_a_reply_topic_that_would_command_somebody_is_dropped() -> None:
    incoming = Incoming(TOPICS.cmd("health"), b"", retained=False, reply_to="pi_cam_node/all/cmd/restart")
    arrival = parse_message(incoming, TOPICS, 7.0)
    assert isinstance(arrival, CommandArrived)
    assert arrival.reply_to is None


@pytest.mark.parametrize(
    ("topic", "payload", "retained", "meaning"),
    [
        ("homeassistant/status", b"online", False, HomeAssistantStarted()),
        ("homeassistant/status", b"online", True, None),
        ("homeassistant/status", b"offline", False, None),
        (TOPICS.availability, b"offline", False, StaleWillSeen()),
        (TOPICS.availability, b"offline", True, None),
        (TOPICS.availability, b"online", False, None),
        (TOPICS.own_discovery, b"{}", True, DiscoveryFound(b"{}")),
        (TOPICS.own_discovery, b"{}", False, None),
        (TOPICS.own_discovery, b"", True, None),
        (TOPICS.state("mode"), b"day", True, None),
    ],
)
def test_notices_mean_what_they_say(topic: str, payload: bytes, retained: bool, meaning: object) -> None:
    assert parse_message(Incoming(topic, payload, retained), TOPICS, 7.0) == meaning


@given(st.text(), st.binary(), st.booleans(), st.none() | st.text(), st.none() | st.binary())
def test_nothing_that_comes_raises(
    topic: str, payload: bytes, retained: bool, reply_to: str | None, correlation: bytes | None
) -> None:
    for whole in (topic, TOPICS.cmd(topic), TOPICS.set(topic)):
        parse_message(Incoming(whole, payload, retained, reply_to, correlation), TOPICS, 7.0)


def test_the_client_id_is_the_same_at_each_start_and_another_on_another_machine() -> None:
    config = MqttConfig()
    first = client_id_of(config, TOPICS, "machine-1")
    assert first == client_id_of(config, TOPICS, "machine-1")
    assert first.startswith("pi_cam_node-porch-")
    assert first != client_id_of(config, TOPICS, "machine-2")
    assert client_id_of(MqttConfig(client_id="mine"), TOPICS, "machine-1") == "mine"
    nested = Topics("a/b", "porch", [], "homeassistant", "homeassistant/status")
    assert "/" not in client_id_of(config, nested, "machine-1")
