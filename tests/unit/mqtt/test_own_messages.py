"""Handling of the node's own messages returned by the broker."""

from __future__ import annotations

from typing import Any

from pytest_mock import MockerFixture

from pi_cam_node.core.inputs import TopicDotsSeen
from pi_cam_node.mqtt.connection.diagnosis import Diagnosis
from pi_cam_node.mqtt.messages.incoming import Incoming
from pi_cam_node.mqtt.messages.topics import Topics
from pi_cam_node.mqtt.own_messages import ECHO_TIMEOUT_S, EchoCheck, OwnMessages

TOPICS = Topics("pi_cam_node", "porch", (), "homeassistant", "homeassistant/status")
WITH_DOT, WITH_SLASH = "pi_cam_node/porch/set/probe.dots", "pi_cam_node/porch/set/probe/dots"


def sessions(mocker: MockerFixture, *seen: tuple[str, ...]) -> list[Any]:
    """Return what was reported over sessions in which these topics arrived."""
    reports = mocker.Mock()
    own = OwnMessages(TOPICS, "", Diagnosis(()), reports)
    for topics in seen:
        own.session_begins()
        live = mocker.Mock()
        own.check(live, 0.0, acknowledged=False)
        live.publish.assert_not_called()
        for _ in range(2):
            own.check(live, 0.0, acknowledged=True)
        (sent,) = live.publish.call_args_list
        assert (sent.args[0].message.topic, sent.args[0].message.payload) == (WITH_DOT, b"")
        for topic in topics:
            own.on_message(Incoming(topic, b"", retained=False), 1.0)
    return [call.args[0] for call in reports.post.call_args_list]


def test_a_broker_that_keeps_dots_is_nothing_to_report(mocker: MockerFixture) -> None:
    assert sessions(mocker, (WITH_DOT,), (WITH_DOT,)) == []


def test_a_broker_that_turns_dots_is_reported_once_and_one_that_keeps_them_again(mocker: MockerFixture) -> None:
    reported = sessions(mocker, (WITH_SLASH,), (WITH_SLASH,), (WITH_DOT,))
    assert reported == [TopicDotsSeen(kept=False), TopicDotsSeen(kept=True)]


def test_only_the_first_that_comes_back_in_a_session_counts(mocker: MockerFixture) -> None:
    assert sessions(mocker, (WITH_DOT, WITH_SLASH)) == [], "what a stranger sends"


def test_what_came_back_in_time_is_not_missed() -> None:
    check = EchoCheck()
    check.sent()
    check.received()
    assert not any(check.is_lost(now_s, acknowledged=True) for now_s in range(100))


def test_what_does_not_come_back_in_time_is_told_once() -> None:
    check = EchoCheck()
    assert not check.is_lost(0, acknowledged=True), "nothing is out"
    check.sent()
    said = [check.is_lost(now_s, acknowledged=True) for now_s in range(20)]
    assert said.index(True) == ECHO_TIMEOUT_S
    assert said.count(True) == 1


def test_a_slow_link_gets_the_time_that_it_needs() -> None:
    check = EchoCheck()
    check.sent()
    assert not any(check.is_lost(now_s, acknowledged=False) for now_s in range(60))
    assert not check.is_lost(60, acknowledged=True)
    assert not check.is_lost(62, acknowledged=False), "the node goes on telling"
    assert check.is_lost(60 + ECHO_TIMEOUT_S, acknowledged=False)
