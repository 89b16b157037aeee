"""Queued messages, across sessions."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

import pytest

from pi_cam_node.config import MqttConfig
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.privacy_gate import PrivacyGate
from pi_cam_node.mqtt.connection.disconnect import Cause, Disconnect
from pi_cam_node.mqtt.connection.in_flight import Sent, Waiting
from pi_cam_node.mqtt.connection.poison_messages import HELD_S
from pi_cam_node.mqtt.messages.message import JSON, Message
from pi_cam_node.mqtt.messages.privacy_filter import PrivacyFilter
from pi_cam_node.mqtt.messages.topics import Topics
from pi_cam_node.mqtt.outbox import WAITING, Outbox
from pi_cam_node.mqtt.publish_queue import REPLY_FLOOR_BYTES, TRUSTED_TOPICS
from tests.support.fakes.clock import FakeClock
from tests.support.model_broker import Broker, Receipt, SteppedLink

TOPICS = Topics("pi_cam_node", "porch", [], "homeassistant", "homeassistant/status")
ONLINE = Message(TOPICS.availability, b"online", retain=True)


def reply(number: int) -> Message:
    return Message(TOPICS.reply("get"), str(number).encode(), queue_offline=True)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def link(clock: FakeClock) -> SteppedLink:
    return stepped_link(clock, PrivacyGate())


def stepped_link(clock: FakeClock, gate: PrivacyGate) -> SteppedLink:
    outbox, privacy_filter = Outbox(), PrivacyFilter(gate)
    return SteppedLink(MqttConfig(), TOPICS, Inbox(), clock, outbox=outbox, privacy_filter=privacy_filter)


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


def test_a_session_that_ends_in_privacy_leaves_the_retained_states_to_the_node_thread() -> None:
    """Both threads changed them at once: the link's failed, and was back a minute later."""
    link = stepped_link(FakeClock(), PrivacyGate(closed=True))
    before = link.queue._unsent
    link.queue.take_back([])
    assert link.queue._unsent is before


@pytest.mark.promise("M14")
def test_what_is_given_up_is_told_once_in_the_log(link: SteppedLink, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(WAITING + 7):
        link.publish(reply(number))
    with caplog.at_level(logging.WARNING):
        link.on_check()
        link.on_check()
    assert [r.getMessage() for r in caplog.records] == [
        "the broker was offline or slow: 7 replies, events and frames are lost"
    ]


@pytest.mark.promise("M14")
def test_a_frame_that_finds_no_broker_counts_as_lost(link: SteppedLink) -> None:
    link.publish(Message(TOPICS.shortstream, b"frame", user=(("index", "1"),)))
    link.publish(Message(TOPICS.state("mode"), b"day", retain=True))
    link.publish(Message(TOPICS.shown_picture, b"it follows later"))
    link.publish(Message(TOPICS.telemetry, b"{}", qos=0))
    assert link.figures()["messages_dropped"] == 1


def ended_with(link: SteppedLink, *messages: Message, cause: Cause = "network", **more: object) -> None:
    """End a session of the link with these messages in flight."""
    link.queue.session_ended(
        Disconnect("it broke", cause, 1.0, unacknowledged=[_sent(message) for message in messages], **more)  # type: ignore[arg-type]
    )


def test_response_topics_that_have_done_no_harm_are_remembered_up_to_a_number(link: SteppedLink) -> None:
    for number in range(TRUSTED_TOPICS + 10):
        ended_with(link, foreign_topics=frozenset({f"asker/{number}"}))
    trusted = link.queue._trusted
    assert (len(trusted), "asker/0" in trusted, f"asker/{TRUSTED_TOPICS + 9}" in trusted) == (
        TRUSTED_TOPICS,
        False,
        True,
    )


def _sent(message: Message) -> Sent:
    return Sent(Waiting(message), Receipt(), 0.0)


def to_asker(number: int, topic: str = "asker/1", size: int = 10) -> Message:
    body = {"id": str(number), "verb": "get", "message": "x" * size, "data": {"value": number}}
    return Message(topic, json.dumps(body).encode(), queue_offline=True, content_type=JSON, fallback_topic=OWN)


OWN = TOPICS.reply("get")


def told_on(broker: Broker, topic: str) -> list[Message]:
    return [message for message in broker.told if message.topic == topic]


@pytest.fixture
def broker(link: SteppedLink) -> Broker:
    broker = Broker()
    up(link, broker)
    link.announce([ONLINE])
    return broker


def test_a_reply_topic_that_was_in_flight_at_a_cut_costs_one_session_and_so_does_no_other(
    link: SteppedLink, broker: Broker
) -> None:
    ended_with(link, to_asker(1))
    up(link, broker)
    link.announce([ONLINE])
    link.publish(to_asker(2, "asker/2"))
    assert [json.loads(m.payload)["id"] for m in told_on(broker, OWN)] == ["1", "2"]
    assert told_on(broker, "asker/1") == told_on(broker, "asker/2") == []


def test_a_reply_topic_that_the_broker_took_before_is_trusted(link: SteppedLink, broker: Broker) -> None:
    ended_with(link, to_asker(1, "asker/bad"), foreign_topics=frozenset({"asker/good"}))
    link.publish(to_asker(2, "asker/good"))
    assert len(told_on(broker, "asker/good")) == 1


@pytest.mark.parametrize(("cause", "gave_up"), [("malformed", False), ("taken over", False), ("network", True)])
def test_a_bad_link_or_another_client_costs_nobody_his_reply_topic(
    link: SteppedLink, broker: Broker, cause: Cause, gave_up: bool
) -> None:
    ended_with(link, to_asker(1), cause=cause, gave_up=gave_up)
    link.publish(to_asker(2, "asker/2"))
    assert len(told_on(broker, "asker/2")) == 1


def test_own_reply_topics_are_distrusted_for_a_while_only(link: SteppedLink, broker: Broker, clock: FakeClock) -> None:
    ended_with(link, to_asker(1))
    clock.advance(HELD_S + 1)
    link.publish(to_asker(2, "asker/2"))
    assert len(told_on(broker, "asker/2")) == 1


def test_a_large_reply_that_was_in_flight_at_a_cut_goes_shortened_and_so_do_others(
    link: SteppedLink, broker: Broker
) -> None:
    ended_with(link, to_asker(1, OWN, 30_000))
    up(link, broker)
    link.announce([ONLINE])
    link.publish(to_asker(2, OWN, 30_000))
    link.publish(to_asker(3, OWN, 100))
    replies = [json.loads(message.payload) for message in told_on(broker, OWN)]
    assert [(reply["id"], "why" in reply["data"]) for reply in replies] == [("1", True), ("2", True), ("3", False)]
    assert all(len(message.payload) < REPLY_FLOOR_BYTES for message in told_on(broker, OWN))


def test_a_birth_that_is_paced_keeps_its_order_and_tells_what_is_now(
    link: SteppedLink, broker: Broker, clock: FakeClock
) -> None:
    link._diagnosis.session_ended(Disconnect("too many", "rate", 1.0, sent_last_s=30), clock.monotonic())
    birth = [Message(TOPICS.config(f"k{number}"), b"old", retain=True) for number in range(30)]
    clock.advance(2)
    broker.told.clear()
    link.announce([*birth, ONLINE])
    assert len(broker.told) == 10
    assert link.is_backlogged(), "commands wait until the node is announced"
    link.publish(Message(TOPICS.config("k29"), b"new", retain=True))
    for _ in range(10):
        clock.advance(1)
        link.on_time(clock.monotonic())
    assert [m.topic for m in broker.told] == [m.topic for m in (*birth, ONLINE)]
    assert broker.retained[TOPICS.config("k29")] == b"new"
    assert not link.is_backlogged()


def test_what_is_larger_than_anything_proven_waits_for_the_search_and_the_rest_does_not(
    link: SteppedLink, broker: Broker, clock: FakeClock
) -> None:
    large = Message(TOPICS.own_discovery, bytes(30_000), retain=True)
    link._diagnosis.session_ended(
        Disconnect("it broke", "network", 1.0, unacknowledged=[replace(_sent(large), since_s=clock.monotonic())]),
        clock.monotonic(),
    )
    broker.told.clear()
    link.announce([large, ONLINE])
    assert [message.topic for message in broker.told] == [TOPICS.availability]
    link._diagnosis.probed(40_000, None, clock.monotonic())
    link.on_time(clock.monotonic())
    assert broker.told[-1] == large


def event(kind: str) -> Message:
    payload = json.dumps({"event_type": kind, "id": "e1"}).encode()
    return Message(TOPICS.event(kind), payload, queue_offline=True, is_event=True, content_type=JSON)


def test_an_event_that_waited_for_the_broker_says_so_and_one_that_did_not_does_not(link: SteppedLink) -> None:
    link.publish(event("motion_started"))
    link.publish(replace(event("motion_started"), topic=OWN, is_event=False, payload=b'{"id":"a reply"}'))
    broker = Broker()
    up(link, broker)
    link.announce([ONLINE])
    link.publish(event("motion_ended"))
    told = [json.loads(m.payload) for m in broker.told if m.queue_offline]
    assert [body.get("late") for body in told] == [None, True, None], "replies go first"
