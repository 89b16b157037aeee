"""Subscriptions of the console, including ones added during connecting."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any, cast

import paho.mqtt.client as paho
from paho.mqtt.reasoncodes import ReasonCode

from pi_cam_node.config import MqttConfig
from pi_cam_node.console.broker.link import BrokerLink
from pi_cam_node.console.broker.topics import ConsoleTopics
from tests.support.fakes.clock import FakeClock


def test_a_topic_that_comes_while_the_broker_accepts_the_connection_is_subscribed_to() -> None:
    link = BrokerLink(
        MqttConfig(), ConsoleTopics("base", "test", "ha"), FakeClock(), lambda _message: None, lambda _state: None
    )
    subscribed: list[str] = []
    other = threading.Thread(target=lambda: link.subscribe("door"))

    def subscribe(topics: Any, _qos: int = 0) -> None:
        if isinstance(topics, list):
            subscribed.extend(topic for topic, _ in topics)
            other.start()
            other.join(0.2)
        else:
            subscribed.append(topics)

    client = cast("paho.Client", SimpleNamespace(subscribe=subscribe, publish=lambda *_words: None))
    link._client, link._loop = client, cast("Any", SimpleNamespace(call_soon_threadsafe=lambda *_words: None))
    link._connected(client, None, None, cast("ReasonCode", SimpleNamespace(is_failure=False)), None)
    other.join(10)
    assert "door" in subscribed
