"""The table of retained messages."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from pi_cam_node.config import Config
from pi_cam_node.mqtt.messages.event_messages import EventMessages
from pi_cam_node.mqtt.messages.message import Message
from pi_cam_node.mqtt.messages.retained_state import RetainedState
from pi_cam_node.mqtt.messages.topics import STATE_KEYS, Topics

TOPICS = Topics("pi_cam_node", "porch", [], "homeassistant", "homeassistant/status")
WORDS = EventMessages(TOPICS)


def retained(topic: str, payload: bytes = b"1") -> Message:
    return Message(topic, payload, retain=True)


def everything() -> list[Message]:
    states = [retained(TOPICS.state(key)) for key in STATE_KEYS]
    media = [retained(t) for t in (TOPICS.media_image, TOPICS.media_thumbnail, TOPICS.media_last)]
    ends = [TOPICS.own_discovery, TOPICS.camera_availability, TOPICS.availability]
    return [retained(TOPICS.info), *WORDS.config(Config()), *states, *media, *map(retained, ends)]


def test_the_birth_keeps_its_order_whatever_came_first() -> None:
    wanted = everything()
    mixed = wanted.copy()
    random.Random(7).shuffle(mixed)
    board = RetainedState(TOPICS)
    assert all(board.put(message) for message in mixed)
    assert board.birth() == wanted
    assert board.birth()[-1].topic == TOPICS.availability


def test_only_what_changed_is_to_be_published() -> None:
    board = RetainedState(TOPICS)
    assert board.put(retained(TOPICS.state("mode"), b"day"))
    assert not board.put(retained(TOPICS.state("mode"), b"day"))
    assert board.put(retained(TOPICS.state("mode"), b"night"))
    assert board.birth() == [retained(TOPICS.state("mode"), b"night")]


def test_what_is_not_retained_is_published_and_not_kept() -> None:
    board = RetainedState(TOPICS)
    event = Message(TOPICS.event("mode_changed"), b"{}", queue_offline=True)
    assert board.put(event)
    assert board.put(event)
    assert board.birth() == []


def test_the_live_picture_is_not_kept() -> None:
    board = RetainedState(TOPICS)
    assert board.put(Message(TOPICS.frame, b"\xff", qos=0, retain=True))
    assert board.birth() == []


def test_an_emptied_topic_is_emptied_again_at_the_next_birth() -> None:
    board = RetainedState(TOPICS)
    board.put(retained(TOPICS.state("lux"), b"3"))
    assert board.put(retained(TOPICS.state("lux"), b""))
    assert not board.put(retained(TOPICS.state("lux"), b""))
    assert board.birth() == [retained(TOPICS.state("lux"), b"")]


def test_a_refresh_leaves_the_pictures_out() -> None:
    board = RetainedState(TOPICS)
    for message in everything():
        board.put(message)
    left_out = {m.topic for m in board.birth()} - {m.topic for m in board.refresh()}
    assert left_out == {TOPICS.media_image, TOPICS.media_thumbnail, TOPICS.media_last}


@given(st.lists(st.tuples(st.text(min_size=1), st.binary(max_size=4), st.booleans())))
def test_no_sequence_of_messages_makes_the_table_grow(messages: list[tuple[str, bytes, bool]]) -> None:
    board = RetainedState(TOPICS)
    for tail, payload, retain in messages:
        board.put(Message(TOPICS.state(tail), payload, retain=retain))
    assert len(board.birth()) <= len(STATE_KEYS)
