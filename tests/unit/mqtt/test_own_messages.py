"""Handling of the node's own messages returned by the broker."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.core.inputs import TopicDotsSeen, TopicsForbidden
from pi_cam_node.mqtt.connection.diagnosis import Diagnosis
from pi_cam_node.mqtt.connection.in_flight import Outcome
from pi_cam_node.mqtt.messages.incoming import Incoming
from pi_cam_node.mqtt.messages.topics import Topics
from pi_cam_node.mqtt.own_messages import ECHO_TIMEOUT_S, RETRY_S, EchoCheck, OwnMessages

TOPICS = Topics("pi_cam_node", "porch", (), "homeassistant", "homeassistant/status")
SETTINGS = TOPICS.set("#")
WITH_DOT, WITH_SLASH = "pi_cam_node/porch/set/probe.dots", "pi_cam_node/porch/set/probe/dots"


def sessions(mocker: MockerFixture, *seen: tuple[str, ...]) -> list[Any]:
    """Return what was reported over sessions in which these topics arrived."""
    reports = mocker.Mock()
    own = OwnMessages(TOPICS, "", Diagnosis(()), reports)
    for topics in seen:
        own.session_begins()
        live = mocker.Mock()
        live.subscriptions.granted = {SETTINGS}
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


class Listening:
    """`OwnMessages` in a session, with what is reported as forbidden."""

    def __init__(self, mocker: MockerFixture, *granted: str) -> None:
        self._reports = mocker.Mock()
        self.own = OwnMessages(TOPICS, "", Diagnosis(()), self._reports)
        self.live = mocker.Mock()
        self.live.publish.return_value = Outcome.SENT
        self.live.subscriptions.granted = set(granted)
        self.own.session_begins()
        self.now_s = 0

    def pass_s(self, seconds: int) -> list[str]:
        """Let time pass; return what was reported since the last call."""
        for _ in range(seconds):
            self.now_s += 1
            self.own.check(self.live, self.now_s, acknowledged=True)
        reported = [call.args[0] for call in self._reports.post.call_args_list]
        self._reports.reset_mock()
        return [each.reason for each in reported if isinstance(each, TopicsForbidden)]


def test_settings_that_do_not_arrive_are_told_until_they_do(mocker: MockerFixture) -> None:
    listening = Listening(mocker, SETTINGS)
    (message,) = listening.pass_s(300)
    assert f"publish or hear {SETTINGS} (" in message
    assert listening.live.publish.call_count == 300 // RETRY_S, "rights may be given meanwhile"
    listening.own.on_message(Incoming(WITH_DOT, b"", retained=False), 300.0)
    assert listening.pass_s(300) == [""]
    assert listening.live.publish.call_count == 300 // RETRY_S


@pytest.mark.parametrize("arrives", [WITH_DOT, WITH_SLASH])
def test_settings_that_arrive_are_nothing_to_report(mocker: MockerFixture, arrives: str) -> None:
    listening = Listening(mocker, SETTINGS)
    listening.pass_s(2)
    listening.own.on_message(Incoming(arrives, b"", retained=False), 2.0)
    assert listening.pass_s(100) == []


def test_what_was_not_subscribed_to_is_not_missed(mocker: MockerFixture) -> None:
    listening = Listening(mocker)
    listening.own.announced([])
    assert listening.pass_s(300) == []


def test_a_probe_that_the_broker_refuses_is_told_as_refused(mocker: MockerFixture) -> None:
    listening = Listening(mocker, SETTINGS)
    listening.pass_s(1)
    listening.own.on_answered("publish on", WITH_DOT, "Not authorized")
    (message,) = listening.pass_s(30)
    assert f"publish on {SETTINGS} (Not authorized)" in message
    listening.own.on_answered("publish on", WITH_DOT, "")
    assert listening.pass_s(5) == [""]


def test_a_refused_topic_that_a_client_chose_for_its_replies_is_told_once_for_all_of_them(
    mocker: MockerFixture,
) -> None:
    reports = mocker.Mock()
    own = OwnMessages(TOPICS, "", Diagnosis(()), reports)
    own.on_answered("publish on", "replies/me", "Not authorized")
    message, subject = reports.found.call_args.args
    assert "replies/me" in message
    assert subject == "publish on replies"
    own.session_ended()
    reports.post.assert_not_called()
