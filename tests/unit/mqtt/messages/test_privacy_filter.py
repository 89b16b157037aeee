"""Removal of pictures from queued messages by privacy."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest

from pi_cam_node.core import events as e
from pi_cam_node.core.activity_events import EventPictured
from pi_cam_node.core.history import EventRow
from pi_cam_node.imaging.jpeg import encode
from pi_cam_node.mqtt.messages.event_messages import EventMessages
from pi_cam_node.mqtt.messages.message import JPEG, JSON, Message
from pi_cam_node.mqtt.messages.privacy_filter import without_picture
from pi_cam_node.mqtt.messages.retained_state import RetainedState
from pi_cam_node.mqtt.messages.topics import Topics
from tests.support.pictures import ID, scene

TOPICS = Topics("pi_cam_node", "porch", (), "homeassistant", "homeassistant/status")
PICTURES = {
    TOPICS.frame,
    TOPICS.media_image,
    TOPICS.media_thumbnail,
    TOPICS.media_last,
    TOPICS.media_event,
    TOPICS.media_event_image,
}


@pytest.mark.parametrize(
    ("body", "left"),
    [
        ({"ok": True, "data": {"id": "x", "thumbnail": "/9j/"}}, {"ok": True, "data": {"id": "x"}}),
        ({"id": "x", "thumbnail": "/9j/"}, {"id": "x"}),
        ({"verb": "help", "data": {"thumbnail": {"type": "boolean"}}}, None),
        ({"data": "thumbnail"}, None),
    ],
)
def test_a_thumbnail_is_taken_out_and_nothing_else(body: dict[str, object], left: dict[str, object] | None) -> None:
    message = Message("a/reply", json.dumps(body).encode(), queue_offline=True, content_type=JSON, correlation=b"7")
    found = without_picture(message)
    assert json.loads(found.payload) == (left or body)
    assert (found.topic, found.queue_offline, found.correlation) == ("a/reply", True, b"7")


def test_a_jpeg_is_emptied() -> None:
    assert without_picture(Message("a", b"\xff\xd8", retain=True, content_type=JPEG)).payload == b""


def test_nothing_that_is_told_of_a_picture_shows_it() -> None:
    at, jpeg = datetime(2026, 11, 20, tzinfo=UTC), encode(scene(), "bgr", 80)
    saved = e.PictureSaved(
        ID,
        "single",
        ("/a.jpg",),
        1,
        "00",
        (1,),
        at,
        at,
        1.0,
        1.0,
        image=jpeg,
        thumbnail=jpeg,
        thumbnail_asked=True,
    )
    pictured = EventPictured(EventRow("e1", "motion", at), jpeg, None)
    messages = [*EventMessages(TOPICS).messages(saved), *EventMessages(TOPICS).messages(pictured)]
    signs = (jpeg, base64.b64encode(jpeg))
    shown = {m.topic for m in messages if any(sign in m.payload for sign in signs)}
    assert shown == PICTURES - {TOPICS.frame, TOPICS.media_event}
    assert [m.topic for m in messages if any(sign in without_picture(m).payload for sign in signs)] == []


def test_switching_on_empties_every_picture_before_it_is_told() -> None:
    words = EventMessages(TOPICS)
    messages = words.messages(e.SettingChanged("privacy.enable", value=True))
    assert {m.topic for m in messages[:6]} == PICTURES
    assert all(m.retain and m.qos == 1 and not m.payload for m in messages[:6])
    assert [(m.topic, m.payload) for m in messages[6:]] == [
        (TOPICS.state("privacy"), b"ON"),
        (TOPICS.config("privacy.enable"), b"on"),
    ]
    off = words.messages(e.SettingChanged("privacy.enable", value=False))
    assert [m.payload for m in off] == [b"OFF", b"off"]


def test_a_broker_that_was_away_meanwhile_is_told_at_the_next_birth() -> None:
    words, board = EventMessages(TOPICS), RetainedState(TOPICS)
    live = Message(TOPICS.frame, b"\xff\xd8", qos=0, retain=True, content_type=JPEG)
    assert board.put(live)
    for message in words.messages(e.SettingChanged("privacy.enable", value=True)):
        assert board.put(message)
    assert {m.topic for m in board.birth() if not m.payload} == PICTURES
    assert board.put(live), "frames come again"
    assert TOPICS.frame not in {m.topic for m in board.birth()}


def test_a_node_that_starts_in_privacy_takes_away_what_its_last_life_left() -> None:
    born = EventMessages(TOPICS).beginning(private=True)
    assert {m.topic for m in born if not m.payload} >= PICTURES
    assert Message(TOPICS.state("privacy"), b"ON", retain=True) in born
