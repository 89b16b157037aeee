"""What waits for the broker, and who waits for that, over the end of a session."""

from __future__ import annotations

import logging

import pytest

from pi_cam_node.config import MqttConfig
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.mqtt.message import Message
from pi_cam_node.mqtt.outbox import WAITING
from pi_cam_node.mqtt.topics import Topics
from tests.support.fakes.clock import FakeClock
from tests.support.model_broker import Broker, SteppedLink

TOPICS = Topics("pi_cam_node", "porch", [], "homeassistant", "homeassistant/status")
ONLINE = Message(TOPICS.availability, b"online", retain=True)


def reply(number: int) -> Message:
    return Message(TOPICS.reply("get"), str(number).encode(), queue_offline=True)


@pytest.fixture
def link() -> SteppedLink:
    return SteppedLink(MqttConfig(), TOPICS, Inbox(), FakeClock())


def up(link: SteppedLink, broker: Broker) -> None:
    link.meet(broker, lambda _topic: False)


@pytest.mark.promise("M14")
def test_when_a_slow_session_breaks_the_next_birth_is_waited_for_before_more_is_asked(link: SteppedLink) -> None:
    broker = Broker()
    up(link, broker)
    link.announce([ONLINE])
    assert link.line is not None
    link.line.is_stuck = True
    for number in range(WAITING):
        link.publish(reply(number))
    link.lose()
    assert link.is_backlogged(), "what is asked now would push out what was answered before"
    up(link, broker)
    assert link.is_backlogged(), "nothing goes before the birth"
    link.announce([ONLINE])
    assert not link.is_backlogged()
    assert [int(m.payload) for m in broker.told if m.queue_offline] == list(range(WAITING))


def test_a_broker_that_was_never_there_holds_nothing_up(link: SteppedLink) -> None:
    link.publish(reply(1))
    assert not link.is_backlogged()


@pytest.mark.promise("M14")
def test_what_is_given_up_is_told_once_in_the_log(link: SteppedLink, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(WAITING + 7):
        link.publish(reply(number))
    with caplog.at_level(logging.WARNING):
        link.on_check()
        link.on_check()
    assert [r.getMessage() for r in caplog.records] == [
        "the broker was away or slow: 7 replies, events and frames are lost"
    ]


@pytest.mark.promise("M14")
def test_a_frame_that_finds_no_broker_counts_as_lost(link: SteppedLink) -> None:
    link.publish(Message(TOPICS.shortstream, b"frame"))
    link.publish(Message(TOPICS.state("mode"), b"day", retain=True))
    link.publish(Message(TOPICS.telemetry, b"{}", qos=0))
    assert link.figures()["messages_dropped"] == 1
