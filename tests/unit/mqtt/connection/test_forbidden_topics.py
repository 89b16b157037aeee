"""Refused topics are told together, while it lasts, over the sessions with a broker."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.core.inputs import TopicsForbidden
from pi_cam_node.mqtt.connection.forbidden_topics import FOUND_AGAIN_S, TOPICS_KEPT, ForbiddenTopics

NO = "Not authorized"


class Told:
    """`ForbiddenTopics` with what it reports."""

    def __init__(self, mocker: MockerFixture) -> None:
        self._reports = mocker.Mock()
        self.topics = ForbiddenTopics(self._reports)
        self.now_s = 0.0

    def pass_s(self, seconds: float) -> list[str]:
        """Let time pass; return what was reported since the last call."""
        for _ in range(round(seconds)):
            self.now_s += 1
            self.topics.check(self.now_s)
        reported: list[Any] = [call.args[0] for call in self._reports.post.call_args_list]
        self._reports.reset_mock()
        assert all(isinstance(each, TopicsForbidden) for each in reported)
        return [each.reason for each in reported]


@pytest.fixture
def told(mocker: MockerFixture) -> Told:
    return Told(mocker)


def test_every_refused_topic_is_named_in_one_report_and_subscriptions_first(told: Told) -> None:
    told.topics.session_begins()
    told.topics.forbid("publish on", "a/porch/availability", NO)
    told.topics.forbid("subscribe to", "a/porch/set/#", NO)
    told.topics.forbid("subscribe to", "homeassistant/status", NO)
    (message,) = told.pass_s(5)
    assert message == (
        "the broker does not let the node subscribe to a/porch/set/#, homeassistant/status (Not authorized), "
        "publish on a/porch/availability (Not authorized); see its ACL"
    )


def test_topics_with_the_same_parent_are_counted_and_many_others_too(told: Told) -> None:
    for number in range(80):
        told.topics.forbid("publish on", f"a/porch/config/{number}", NO)
    for number in range(9):
        told.topics.forbid("publish on", f"a/porch/{number}/image", NO)
    (message,) = told.pass_s(5)
    assert "a/porch/config/… (80 topics), a/porch/0/image" in message
    assert "a/porch/4/image, 4 more (Not authorized)" in message


def test_refusals_that_still_arrive_are_waited_for(told: Told) -> None:
    for number in range(5):
        told.topics.forbid("publish on", f"a/{number}/b", NO)
        assert told.pass_s(1) == []
    assert len(told.pass_s(2)) == 1


def test_what_is_found_again_after_a_reconnect_is_told_once(told: Told) -> None:
    told.topics.forbid("subscribe to", "a/set/#", NO)
    told.topics.forbid("publish or hear", "a/availability", "lost")
    assert len(told.pass_s(5)) == 1
    told.topics.session_begins()
    told.topics.forbid("subscribe to", "a/set/#", NO)
    assert told.pass_s(5) == []
    told.topics.forbid("publish or hear", "a/availability", "lost")
    assert told.pass_s(FOUND_AGAIN_S * 2) == []


def test_what_the_next_session_may_do_is_over(told: Told) -> None:
    told.topics.forbid("subscribe to", "a/set/#", NO)
    told.topics.forbid("publish on", "a/info", NO)
    assert len(told.pass_s(5)) == 1
    told.topics.session_begins()
    told.topics.forbid("publish on", "a/info", NO)
    (message,) = told.pass_s(FOUND_AGAIN_S + 5)
    assert "a/info" in message
    assert "a/set/#" not in message
    told.topics.session_begins()
    assert told.pass_s(FOUND_AGAIN_S + 5) == [""]


def test_a_topic_that_is_allowed_meanwhile_is_over(told: Told) -> None:
    told.topics.forbid("publish on", "a/info", NO)
    told.pass_s(5)
    told.topics.allow("publish on", "a/info")
    told.topics.allow("publish on", "a/info")
    assert told.pass_s(5) == [""]


def test_a_session_that_ends_at_once_has_told_what_it_found(told: Told) -> None:
    told.topics.forbid("subscribe to", "a/set/#", NO)
    told.topics.report()
    told.topics.report()
    assert len(told.pass_s(0)) == 1


def test_a_refused_message_that_does_not_come_back_is_told_as_refused_alone(told: Told) -> None:
    told.topics.forbid("publish on", "a/availability", NO)
    told.topics.forbid("publish or hear", "a/availability", "lost")
    (message,) = told.pass_s(5)
    assert "hear" not in message


def test_reply_topics_of_clients_do_not_grow_without_end(told: Told) -> None:
    for number in range(10_000):
        told.topics.forbid("publish on", f"a/reply/{number}", NO)
    (message,) = told.pass_s(5)
    assert f"({TOPICS_KEPT} topics)" in message
