"""Input from a broker for fuzzing: messages, and packets as bytes."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import Mock

from paho.mqtt.enums import _ConnectionState

from pi_cam_node.config import Config
from pi_cam_node.core.events import InputEvent
from pi_cam_node.core.privacy_gate import PrivacyGate
from pi_cam_node.mqtt.announcer import Announcer
from pi_cam_node.mqtt.connection.diagnosis import SessionPlan
from pi_cam_node.mqtt.connection.disconnect import Version
from pi_cam_node.mqtt.connection.negotiation import ConnectOptions
from pi_cam_node.mqtt.connection.session import Session
from pi_cam_node.mqtt.link import BrokerLink
from pi_cam_node.mqtt.messages.incoming import Incoming, parse_message
from pi_cam_node.mqtt.messages.message import Message
from pi_cam_node.mqtt.messages.privacy_filter import PrivacyFilter
from pi_cam_node.mqtt.messages.topics import topics_of
from pi_cam_node.mqtt.outbox import Outbox
from tests.support.fakes.clock import FakeClock
from tests.support.sample_node import config_of, message

CONFIG: Config = config_of()
TOPICS = topics_of(CONFIG)
ANNOUNCED = message()
SENT_MAX = 200


class RecordingLink:
    """Link that collects what the announcer publishes."""

    is_connected = True
    packet_limit_bytes: int | None = None
    retains = True

    def __init__(self) -> None:
        self.sent: list[Message] = []

    def publish(self, sent: Message) -> bool:
        self.sent.append(sent)
        return True

    def announce(self, messages: list[Message]) -> None:
        self.sent += messages


def take_notice(data: bytes) -> None:
    """Pass a notice to the announcer: Home Assistant birth (``h``), own availability (``a``), or own discovery."""
    link = RecordingLink()
    announcer = Announcer(TOPICS, link, FakeClock(), lambda: CONFIG, lambda _session: {}, lambda _config: ANNOUNCED)  # type: ignore[arg-type]
    topic = {b"h": TOPICS.birth_topic, b"a": TOPICS.availability}.get(data[:1], TOPICS.own_discovery)
    arrival = parse_message(Incoming(topic, data[2:], retained=data[1:2] == b"r"), TOPICS, 0.0)
    if isinstance(arrival, InputEvent):
        announcer.on_event(arrival)
    assert len(link.sent) < SENT_MAX
    for sent in link.sent:
        if sent.topic == TOPICS.own_discovery and sent.payload:
            components = json.loads(sent.payload)["components"]
            assert components.keys() >= ANNOUNCED["components"].keys()


class Wire:
    """A session on a socket that gives these bytes and then ends. The first byte says which version of MQTT.

    Thread: the caller's; the session's own loop runs in it.
    """

    def __init__(self, data: bytes) -> None:
        self._left = bytearray(data[1:])
        clock, self.inbox = FakeClock(), Mock()
        self.inbox.put.return_value = True
        version: Version = "3.1.1" if data[:1] == b"3" else "5"
        outbox, privacy_filter = Outbox(), PrivacyFilter(PrivacyGate())
        listener = BrokerLink(CONFIG.mqtt, TOPICS, self.inbox, clock, outbox=outbox, privacy_filter=privacy_filter)
        self.session = Session(
            CONFIG.mqtt, TOPICS, "porch", ConnectOptions(version), SessionPlan(), clock=clock, listener=listener
        )
        self.listener = listener

    def run(self) -> None:
        """Run the session on those bytes to its end."""
        client: Any = self.session._client
        client._sock = self
        client._state = _ConnectionState.MQTT_CS_CONNECTED
        self.session._connect = lambda: None  # type: ignore[method-assign]
        self.session._packets.turn = lambda timeout_s: client.loop_read()  # type: ignore[method-assign]
        ending = self.session.run()
        assert ending.reason
        assert self.listener._callback_errors == 0

    # ------------------------------------------------------------ what paho-mqtt and the session ask of a socket

    def recv(self, size: int) -> bytes:
        chunk, self._left[:size] = bytes(self._left[:size]), b""
        return chunk

    def send(self, data: bytes) -> int:
        return len(data)

    def pending(self) -> int:
        return 0

    def fileno(self) -> int:
        return -1

    def setsockopt(self, *_option: object) -> None:
        return

    def close(self) -> None:
        return
