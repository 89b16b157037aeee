"""A session's handling of the broker's packets, without a broker."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest
from paho.mqtt.client import DisconnectFlags, MQTTMessage
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from pydantic import SecretStr
from pytest_mock import MockerFixture

from pi_cam_node.config import MqttConfig
from pi_cam_node.mqtt.connection import transport
from pi_cam_node.mqtt.connection.broker_limits import BrokerLimits
from pi_cam_node.mqtt.connection.diagnosis import SessionPlan
from pi_cam_node.mqtt.connection.disconnect import Version
from pi_cam_node.mqtt.connection.negotiation import ConnectOptions
from pi_cam_node.mqtt.connection.session import Session
from pi_cam_node.mqtt.connection.session_listener import Action
from pi_cam_node.mqtt.connection.subscriptions import ANSWER_TIMEOUT_S
from pi_cam_node.mqtt.messages.incoming import Incoming
from pi_cam_node.mqtt.messages.topics import Topics
from tests.support.fakes.clock import FakeClock

TOPICS = Topics("pi_cam_node", "porch", [], "homeassistant", "homeassistant/status")


class Heard:
    """Keeps what a session tells."""

    def __init__(self) -> None:
        self.answers: list[tuple[str, str, str]] = []
        self.incoming: list[Incoming] = []
        self.accepted = 0
        self.limits = BrokerLimits()

    def on_accepted(self, version: Version, limits: BrokerLimits) -> None:
        """Count it."""
        self.accepted += 1

    def on_offer(self, limits: BrokerLimits) -> bool:
        """Keep it, and stay."""
        self.limits = limits
        return True

    def on_probed(self, passed_bytes: int, failed_bytes: int | None) -> None:
        """Nothing to do."""

    def on_message(self, incoming: Incoming) -> None:
        """Keep it."""
        self.incoming.append(incoming)

    def on_answered(self, action: Action, topic: str, refusal: str) -> None:
        """Keep it."""
        self.answers.append((action, topic, refusal))

    def on_check(self) -> None:
        """Nothing to do."""


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def session(heard: Heard) -> Session:
    return Session(MqttConfig(), TOPICS, "me", ConnectOptions("5"), SessionPlan(), clock=FakeClock(), listener=heard)


def code(packet: int, value: int) -> ReasonCode:
    return ReasonCode(packet, identifier=value)


def connack(session: Session, value: int) -> None:
    session._on_connect(session._client, None, None, code(PacketTypes.CONNACK, value), None)


@pytest.mark.parametrize(
    ("value", "cause"),
    [(132, "version"), (134, "credentials"), (135, "credentials"), (136, "other"), (154, "retain"), (155, "qos")],
)
def test_a_refused_connection_is_not_a_connection(session: Session, heard: Heard, value: int, cause: str) -> None:
    connack(session, value)
    assert heard.accepted == 0
    assert session._cause == cause
    assert session._accepted_s is None


def test_refused_subscriptions_are_told_by_their_filter(session: Session, heard: Heard, mocker: MockerFixture) -> None:
    mocker.patch.object(session._client, "subscribe", side_effect=[(0, 1), (0, 2)])
    connack(session, 0)
    codes = [code(PacketTypes.SUBACK, value) for value in (1, 135, 0, 1)]
    session._on_subscribe(None, None, 1, codes, None)
    assert heard.answers == [("subscribe to", TOPICS.command_filters()[1], "Not authorized")]


@pytest.mark.parametrize("plan", [SessionPlan(), SessionPlan(one_filter_at_a_time=True)])
def test_a_subscription_that_is_never_answered_ends_the_session(
    heard: Heard, mocker: MockerFixture, plan: SessionPlan
) -> None:
    clock = FakeClock()
    session = Session(MqttConfig(), TOPICS, "me", ConnectOptions("5"), plan, clock=clock, listener=heard)
    mocker.patch.object(session, "_connect", side_effect=lambda: connack(session, 0))
    mocker.patch.object(session._client, "subscribe", side_effect=((0, mid) for mid in range(1, 1000)))
    turns_s: list[float] = []

    def turn(wait_s: float) -> MQTTErrorCode:
        clock.advance(wait_s)
        turns_s.append(wait_s)
        if len(turns_s) == 5 and plan.one_filter_at_a_time:  # an answer in time, and then never again
            session._on_subscribe(None, None, 1, [code(PacketTypes.SUBACK, 1)], None)
        if len(turns_s) == 7:  # bits of its number have flipped
            session._on_subscribe(None, None, 4711, [code(PacketTypes.SUBACK, 1)], None)
        assert len(turns_s) < 100, "the session waits without end"
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    mocker.patch.object(session._packets, "turn", side_effect=turn)
    mocker.patch.object(session._packets, "open")
    end = session.run()
    assert end.gave_up
    assert end.reason == "the broker acknowledges nothing any more"
    assert end.lasted_s is not None
    assert ANSWER_TIMEOUT_S <= end.lasted_s <= 7 + ANSWER_TIMEOUT_S + 2


def test_refused_publications_are_told(session: Session, heard: Heard) -> None:
    session._on_publish(None, None, 7, code(PacketTypes.PUBACK, 135), None)
    session._on_publish(None, None, 8, code(PacketTypes.PUBACK, 0), None)
    session._on_publish(None, None, 9, code(PacketTypes.PUBACK, 16), None)
    accepted = ("publish on", "", "")
    assert heard.answers == [("publish on", "", "Not authorized"), accepted, accepted], "no subscriber is no refusal"


def test_where_nothing_was_refused_nothing_is_told_of_publications(session: Session, heard: Heard) -> None:
    session._on_publish(None, None, 8, code(PacketTypes.PUBACK, 0), None)
    assert heard.answers == []


def test_the_first_reason_of_an_ending_is_kept(session: Session) -> None:
    connack(session, 0)
    taken_over = code(PacketTypes.DISCONNECT, 142)
    session._on_disconnect(None, None, DisconnectFlags(is_disconnect_packet_from_server=True), taken_over, None)
    other = code(PacketTypes.DISCONNECT, 141)
    session._on_disconnect(None, None, DisconnectFlags(is_disconnect_packet_from_server=False), other, None)
    assert session._reason == "the broker ended the connection: Session taken over; is its client id used twice?"


def test_a_topic_that_is_not_utf_8_is_none_of_ours(session: Session, heard: Heard) -> None:
    session._on_message(None, None, MQTTMessage(topic=b"\xff"))
    session._on_message(None, None, MQTTMessage(topic=b"pi_cam_node/porch/cmd"))
    session._deliver()
    assert [incoming.topic for incoming in heard.incoming] == ["pi_cam_node/porch/cmd"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "nothing listens on broker:1883"),
        (TimeoutError("timed out"), "no answer from broker:1883"),
        (socket.gaierror(-2, "Name or service not known"), "the name broker cannot be resolved"),
        (OSError(113, "No route to host"), "No route to host (broker:1883)"),
        (FileNotFoundError(2, "No such file or directory", "/ca.crt"), "No such file or directory (/ca.crt)"),
        (ssl.SSLError(1, "wrong version number"), "TLS: "),
        (ValueError("odd"), "ValueError: odd (broker:1883)"),
    ],
)
def test_errors_are_told_in_words(error: Exception, words: str) -> None:
    assert transport.reason_of(error, "broker", 1883).startswith(words)


def test_the_password_is_the_first_line_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "password"
    config = MqttConfig(username="x", password_file=path)
    path.write_bytes("gehëim \r\nsecond line\n".encode())
    assert transport.password_of(config) == "gehëim "
    path.write_bytes("\ufeffge\u2028him\r".encode())
    assert transport.password_of(config) == "ge\u2028him"
    path.write_bytes(b"")
    with pytest.raises(OSError, match="found nothing"):
        transport.password_of(config)
    assert transport.password_of(MqttConfig(password=SecretStr("in the file"))) == "in the file"
    assert transport.password_of(MqttConfig()) is None
