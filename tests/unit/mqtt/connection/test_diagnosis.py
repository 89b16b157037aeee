"""Broker limits inferred from ends of sessions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pi_cam_node.mqtt.connection.diagnosis import BELIEVED_S, FLOOR_BYTES, PATIENCE_MOST, Diagnosis, SessionPlan
from pi_cam_node.mqtt.connection.disconnect import Cause, Disconnect
from pi_cam_node.mqtt.connection.in_flight import Sent, Waiting
from pi_cam_node.mqtt.messages.message import Message

NOW_S = 100.0


class Receipt:
    mid = 1

    def is_published(self) -> bool:
        return False


def sent(topic: str, size: int, **more: object) -> Sent:
    return Sent(Waiting(Message(topic, bytes(size), **more)), Receipt(), NOW_S)  # type: ignore[arg-type]


def ended(cause: Cause = "network", **more: object) -> Disconnect:
    answered = {"subscribed": True, "acknowledged": 5, "proven_bytes": 500}
    return Disconnect("it broke", cause, 0.5, **{**answered, **more})  # type: ignore[arg-type]


def diagnosis() -> Diagnosis:
    return Diagnosis({"availability"})


@pytest.mark.parametrize("where", ["unacknowledged", "unproven"])
@pytest.mark.parametrize("cause", ["network", "too large", "quota", "malformed"])
def test_a_session_that_ends_with_the_largest_packet_so_far_starts_a_search(where: str, cause: Cause) -> None:
    found = diagnosis()
    big = sent("discovery", 30_000)
    verdict = found.session_ended(ended(cause, **{where: [big]}), NOW_S)
    assert verdict.searching
    assert found.suspect_bytes == big.message.size_bytes
    assert found.is_unproven(FLOOR_BYTES + 1), "nothing larger than what passed goes out meanwhile"
    assert not found.is_unproven(FLOOR_BYTES)
    assert found.limit_bytes(NOW_S) is None


def test_what_the_broker_took_before_is_no_suspect() -> None:
    found = diagnosis()
    found.session_ended(ended(proven_bytes=50_000, unproven=[sent("frame", 30_000, qos=0)]), NOW_S)
    assert found.suspect_bytes == 0


def test_a_packet_that_every_broker_takes_is_no_suspect_of_its_size() -> None:
    found = diagnosis()
    small = sent("state/mode", 1)
    assert not found.session_ended(ended(proven_bytes=0, unacknowledged=[small]), NOW_S).searching
    assert found.suspect_bytes == 0


def test_a_reply_is_no_suspect_since_its_asker_chooses_its_size() -> None:
    found = diagnosis()
    found.session_ended(ended(unacknowledged=[sent("reply", 30_000, queue_offline=True)]), NOW_S)
    assert found.suspect_bytes == 0


def searching() -> Diagnosis:
    found = diagnosis()
    found.session_ended(ended(unacknowledged=[sent("discovery", 30_000)]), NOW_S)
    return found


def test_a_search_that_is_cut_off_twice_at_the_same_size_finds_the_limit() -> None:
    found = searching()
    assert found.session_ended(ended(probe=(4000, 8000)), NOW_S).searching
    assert found.limit_bytes(NOW_S) is None, "once may be chance"
    verdict = found.session_ended(ended(probe=(4000, 8000)), NOW_S)
    assert "4000 bytes" in verdict.message
    assert found.limit_bytes(NOW_S) == 4000
    assert not found.suspect_bytes
    assert found.limit_bytes(NOW_S + BELIEVED_S) is None, "the broker may be set up otherwise by then"


def test_what_the_broker_says_need_not_be_seen_twice() -> None:
    found = searching()
    found.session_ended(ended("too large", probe=(4000, 8000)), NOW_S)
    assert found.limit_bytes(NOW_S) == 4000


def test_a_search_that_ends_at_a_different_size_each_time_means_a_bad_link() -> None:
    found = searching()
    found.session_ended(ended(probe=(4000, 8000)), NOW_S)
    assert not found.session_ended(ended(probe=(16_000, 32_000)), NOW_S).searching
    assert found.limit_bytes(NOW_S) is None
    assert not found.suspect_bytes


def test_a_search_that_ends_well_leaves_no_limit_and_one_that_loses_messages_does() -> None:
    found = searching()
    assert found.probed(31_000, None, NOW_S) == ""
    assert found.limit_bytes(NOW_S) is None
    assert "4000 bytes" in found.probed(4000, 8000, NOW_S)
    assert found.limit_bytes(NOW_S) == 4000


def test_a_message_that_was_thrown_away_is_searched_for_once() -> None:
    found = diagnosis()
    assert found.silently_dropped(30_000)
    assert not found.silently_dropped(30_000), "the search is under way"
    found.probed(30_000, None, NOW_S)
    assert not found.silently_dropped(30_000), "it was not the size"


@pytest.mark.parametrize("cause", ["rate", "quota"])
def test_a_rate_that_is_too_high_is_lowered_until_it_is_not(cause: Cause) -> None:
    found = diagnosis()
    verdict = found.session_ended(ended(cause, sent_last_s=90), NOW_S)
    assert (verdict.searching, found.rate_per_s(NOW_S)) == (True, 30)
    assert "30 messages a second" in verdict.message
    for _ in range(10):
        found.session_ended(ended(cause, sent_last_s=90), NOW_S)
    assert found.rate_per_s(NOW_S) == 2
    assert found.rate_per_s(NOW_S + BELIEVED_S) is None


def test_a_broker_that_says_that_it_takes_no_wildcards_gets_none() -> None:
    found = diagnosis()
    assert found.session_ended(ended("wildcards", unanswered=("a/+",)), NOW_S).searching
    assert found.plan(NOW_S) == SessionPlan(wildcards=False)


def test_filters_that_a_broker_hangs_up_on_are_left_out_after_two_such_ends() -> None:
    found = diagnosis()
    assert found.session_ended(ended("quota", unanswered=("a", "b", "c")), NOW_S).searching
    assert found.plan(NOW_S).one_filter_at_a_time
    verdict = found.session_ended(ended(unanswered=("b",)), NOW_S)
    assert (verdict.searching, verdict.ambiguous) == (False, True), "another client would leave the same traces"
    assert not found.plan(NOW_S).without
    verdict = found.session_ended(ended(unanswered=("b",)), NOW_S)
    assert "b is subscribed to" in verdict.message
    assert found.plan(NOW_S).without == {"b"}
    assert not found.plan(NOW_S + BELIEVED_S).without


def test_where_two_filters_with_wildcards_end_the_session_and_none_works_none_is_used() -> None:
    found = diagnosis()
    found.session_ended(ended("quota", unanswered=("a", "b/+")), NOW_S)
    for topic_filter in ("b/+", "c/#"):
        assert found.plan(NOW_S).wildcards
        for _ in range(2):
            verdict = found.session_ended(ended(unanswered=(topic_filter,)), NOW_S)
    assert "no wildcard" in verdict.message
    assert not found.plan(NOW_S).wildcards


@pytest.mark.parametrize("first", [True, False])
def test_a_single_filter_that_is_forbidden_says_nothing_of_wildcards(first: bool) -> None:
    found = diagnosis()
    found.session_ended(ended("quota", unanswered=("a", "b/+", "c/#")), NOW_S)
    for _ in range(2):
        found.session_ended(ended(unanswered=("b/+",) if first else ("c/#",), has_pattern=not first), NOW_S)
    for _ in range(2):
        found.session_ended(ended(unanswered=("d/+",), has_pattern=True), NOW_S)
    assert found.plan(NOW_S) == SessionPlan(
        one_filter_at_a_time=True, without=frozenset({"b/+" if first else "c/#", "d/+"})
    )


def test_bare_cuts_before_any_answer_blame_no_filter() -> None:
    found = diagnosis()
    for _ in range(10):
        assert not found.session_ended(ended(subscribed=False, unanswered=("a", "b/+")), NOW_S).searching
    assert found.plan(NOW_S).wildcards
    assert not found.plan(NOW_S).without


@pytest.mark.parametrize("more", [{"gave_up": True}, {"cause": "taken over"}])
def test_a_session_that_the_node_or_another_client_ended_says_nothing(more: dict[str, object]) -> None:
    found = diagnosis()
    end = replace(ended(unacknowledged=[sent("discovery", 30_000)]), **more)  # type: ignore[arg-type]
    assert not found.session_ended(end, NOW_S).searching
    assert not found.suspect_bytes


def test_a_small_message_that_ends_session_after_session_is_held_back_whatever_its_quality_of_service() -> None:
    for message in (sent("bad", 10), replace(sent("bad", 10, qos=0), number=1)):
        found = diagnosis()
        where = "unproven" if message.message.qos == 0 else "unacknowledged"
        verdicts = [found.session_ended(ended("network", **{where: [message]}), NOW_S) for _ in range(3)]
        assert [verdict.searching for verdict in verdicts] == [False, True, True]
        assert "bad" in verdicts[-1].message
        assert found.holds("bad", message.message.size_bytes, NOW_S)


def test_a_live_picture_that_others_preceded_in_its_session_is_not_blamed_for_bare_cuts() -> None:
    found, frame = diagnosis(), replace(sent("frame", 100, qos=0), number=7)
    for _ in range(10):
        assert not found.session_ended(ended(unproven=[frame]), NOW_S).searching
    assert not found.holds("frame", frame.message.size_bytes, NOW_S)


def test_a_broker_that_is_away_after_it_cut_a_burst_off_is_not_slowed_down_for() -> None:
    found = diagnosis()
    for _ in range(3):
        found.session_ended(ended(unacknowledged=[sent("a", 10)], sent_last_s=60), NOW_S)
        found.unreachable()
        assert found.rate_per_s(NOW_S) is None
    found.session_ended(ended("rate", sent_last_s=60), NOW_S)
    found.unreachable()
    assert found.rate_per_s(NOW_S) == 20, "the broker said so itself"


def test_a_burst_that_is_cut_off_without_a_word_is_slowed_down_for_a_while_and_for_long_if_it_happens_again() -> None:
    found = diagnosis()
    for _ in range(2):
        assert found.rate_per_s(NOW_S + 200) is None
        found.session_ended(ended(unacknowledged=[sent("a", 10)], sent_last_s=60), NOW_S)
        assert found.rate_per_s(NOW_S) in (40, 20)
    assert found.rate_per_s(NOW_S + 200) == 20


def test_a_message_that_ends_slow_sessions_as_well_is_the_reason_and_not_the_rate() -> None:
    found = diagnosis()
    for _ in range(3):
        found.session_ended(ended(unacknowledged=[sent("a", 10)], sent_last_s=60), NOW_S)
    assert found.holds("a", 1000, NOW_S)
    assert found.rate_per_s(NOW_S) is None


def test_a_bad_link_blames_no_message() -> None:
    found = diagnosis()
    for cause, gave_up in (("network", True), ("malformed", False)):
        for _ in range(10):
            end = ended(cause, gave_up=gave_up, unacknowledged=[sent("a", 10)])  # type: ignore[arg-type]
            assert not found.session_ended(end, NOW_S).searching
    assert not found.holds("a", 1000, NOW_S)


def test_an_answer_that_cannot_be_read_blames_no_filter() -> None:
    found = diagnosis()
    for _ in range(5):
        assert not found.session_ended(ended("malformed", unanswered=("a", "b/+")), NOW_S).searching
    assert found.plan(NOW_S) == SessionPlan()


def burst(**more: object) -> Disconnect:
    states = [sent(f"state/key{number}", 1) for number in range(30)]
    return ended(**{"sent_last_s": 30, "unacknowledged": [*states, sent("discovery", 30_000)], **more})  # type: ignore[arg-type]


def test_a_burst_that_is_cut_off_blames_nothing_yet_and_the_next_session_isolates_everything() -> None:
    found = diagnosis()
    verdict = found.session_ended(burst(unanswered=("cmd/+",)), NOW_S)
    assert (verdict.ambiguous, verdict.message) == (True, "")
    assert found.suspect_bytes == 0
    assert found.plan(NOW_S) == SessionPlan(one_message_at_a_time=True, one_filter_at_a_time=True)
    assert found.rate_per_s(NOW_S) is not None


def test_of_what_waits_behind_the_message_under_way_nothing_is_suspect_of_its_size() -> None:
    found = diagnosis()
    found.session_ended(burst(), NOW_S)
    found.session_ended(burst(), NOW_S)
    assert found.suspect_bytes == 0


def test_a_large_packet_that_ends_a_slow_session_is_the_reason_and_not_the_rate() -> None:
    found = diagnosis()
    found.session_ended(burst(), NOW_S)
    verdict = found.session_ended(burst(unacknowledged=[sent("discovery", 30_000)]), NOW_S)
    assert verdict.searching
    assert found.suspect_bytes > 30_000
    assert found.rate_per_s(NOW_S) is None


def test_what_the_broker_said_of_the_rate_stays_beside_a_large_packet() -> None:
    found = diagnosis()
    found.session_ended(ended("rate", sent_last_s=60), NOW_S)
    found.session_ended(ended(unacknowledged=[sent("discovery", 30_000)]), NOW_S)
    assert found.rate_per_s(NOW_S) == 20


def test_a_broker_that_takes_little_before_it_falls_silent_gets_longer_each_time() -> None:
    found = diagnosis()
    overloaded = ended(gave_up=True, acknowledged=2, unacknowledged=[sent("state/mode", 1)] * 3)
    given = [(found.session_ended(overloaded, NOW_S), found.plan(NOW_S).patience)[1] for _ in range(5)]
    assert given == [2, 4, 8, PATIENCE_MOST, PATIENCE_MOST]
    found.session_ended(replace(overloaded, acknowledged=3), NOW_S)
    assert found.plan(NOW_S).patience == 1, "it has gone away, and is left soon"
    found.session_ended(overloaded, NOW_S)
    found.session_ended(replace(overloaded, gave_up=False), NOW_S)
    assert found.plan(NOW_S).patience == 1
