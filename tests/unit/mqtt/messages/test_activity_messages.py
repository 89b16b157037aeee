"""Messages of scene events and recordings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pi_cam_node.core import activity_events as a
from pi_cam_node.core.history import EventRow
from pi_cam_node.core.inputs import FilmFailed, FilmOpened
from pi_cam_node.mqtt.messages.activity_messages import ON_EXPIRES_S
from pi_cam_node.mqtt.messages.event_messages import EventMessages
from pi_cam_node.mqtt.messages.message import JPEG, JSON, Message
from pi_cam_node.mqtt.messages.retained_state import ZONES_GONE_MAX, RetainedState
from pi_cam_node.mqtt.messages.topics import Topics
from tests.support.films import RECORDED, RECORDED_AT

TOPICS = Topics("pi_cam_node", "porch", [], "homeassistant", "homeassistant/status")
MESSAGES = EventMessages(TOPICS)
AT = RECORDED_AT
ROW = EventRow("e1", "motion", AT, zones=("door",), cause="motion", pre_roll_s=4.9, picture_id="p1", recording_id="f1")


def body(message: Message) -> dict[str, Any]:
    assert message.content_type == JSON
    return json.loads(message.payload)  # type: ignore[no-any-return]


def one(event: Any) -> Message:
    (message,) = MESSAGES.messages(event)
    return message


def test_motion_is_a_retained_state_that_expires_while_it_is_on() -> None:
    on, off = one(a.MotionChanged("", True)), one(a.MotionChanged("", False))
    assert on == Message("pi_cam_node/porch/state/motion", b"ON", retain=True, expires_s=ON_EXPIRES_S)
    assert off == Message("pi_cam_node/porch/state/motion", b"OFF", retain=True)


def test_a_zone_has_its_own_topic_and_is_emptied_when_it_goes() -> None:
    assert one(a.MotionChanged("door", True)).topic == "pi_cam_node/porch/state/motion/door"
    assert one(a.MotionChanged("door", None)) == Message("pi_cam_node/porch/state/motion/door", b"", retain=True)


def test_motion_started_and_ended_bear_the_id_of_the_event() -> None:
    started = one(a.SceneEventBegan(ROW))
    assert (started.topic, started.retain, started.queue_offline) == (
        "pi_cam_node/porch/event/motion_started",
        False,
        True,
    )
    told = body(started)
    assert (told["event_type"], told["id"], told["zones"], told["cause"]) == (
        "motion_started",
        "e1",
        ["door"],
        "motion",
    )
    assert told["at"] == told["began_at"] == "2026-11-29T04:32:59.724Z"
    ended = replace(ROW, ended_at=AT.replace(minute=33), ended_by="clear")
    told = body(one(a.SceneEventEnded(ended)))
    assert (told["event_type"], told["ended_by"], told["at"]) == ("motion_ended", "clear", "2026-11-29T04:33:59.724Z")


def test_a_trigger_is_told_when_it_begins_and_a_recording_by_hand_by_its_film_alone() -> None:
    assert one(a.SceneEventBegan(replace(ROW, kind="trigger"))).topic.endswith("/event/triggered")
    assert MESSAGES.messages(a.SceneEventBegan(replace(ROW, kind="record"))) == []
    assert MESSAGES.messages(a.SceneEventEnded(replace(ROW, kind="trigger"))) == []


def test_recordings_are_told_with_their_event_and_their_file() -> None:
    told = body(one(a.RecordingStarted(FilmOpened("e1", "f1", "motion", 4.9, AT, Path("/c/f1.mp4")), ROW)))
    assert (told["id"], told["media"]) == ("e1", {"id": "f1", "kind": "recording"})
    told = body(one(a.RecordingSaved(replace(RECORDED, url="http://x/f1"), ROW)))
    assert told["media"] == {"id": "f1", "kind": "recording", "path": "/c/f1.mp4", "url": "http://x/f1"}
    assert (told["seconds"], told["gap_s"], told["pre_roll_s"], told["repaired"], told["reason"]) == (
        12.0,
        0.5,
        4.9,
        False,
        "end",
    )
    told = body(one(a.RecordingFailed(FilmFailed("e1", "", "motion", "no_space", "full"), None, AT)))
    assert (told["id"], told["code"], told["reason"]) == ("e1", "no_space", "full")


def test_a_film_of_no_event_bears_its_own_id() -> None:
    assert body(one(a.RecordingSaved(replace(RECORDED, event_id=""), None)))["id"] == "f1"


def test_the_last_event_is_its_facts_and_then_its_picture() -> None:
    facts, image = MESSAGES.messages(a.EventPictured(ROW, b"\xff\xd8", "http://x/p1"))
    assert (facts.topic, body(facts)["url"], facts.retain) == ("pi_cam_node/porch/media/event", "http://x/p1", True)
    assert image == Message("pi_cam_node/porch/media/event/image", b"\xff\xd8", retain=True, content_type=JPEG)


@pytest.mark.parametrize("on", [True, False])
def test_whether_bytes_are_written_is_a_state(on: bool) -> None:
    assert one(a.RecordingChanged(on)) == Message(
        "pi_cam_node/porch/state/recording", b"ON" if on else b"OFF", retain=True
    )


def test_zones_are_told_at_each_birth_before_the_node_is_online() -> None:
    table = RetainedState(TOPICS)
    for message in (MESSAGES.availability(online=True), MESSAGES.no_camera(), one(a.MotionChanged("door", False))):
        table.put(message)
    topics = [message.topic for message in table.birth()]
    assert topics.index("pi_cam_node/porch/state/motion/door") < topics.index(TOPICS.camera_availability)


def test_zones_that_come_and_go_take_no_memory_for_ever() -> None:
    table = RetainedState(TOPICS)
    for number in range(500):
        table.put(one(a.MotionChanged(f"zone{number}", False)))
        table.put(one(a.MotionChanged(f"zone{number}", None)))
    assert sum("/state/motion/" in topic for topic in table.topics) == ZONES_GONE_MAX


def test_what_expires_is_what_is_on() -> None:
    table = RetainedState(TOPICS)
    table.put(one(a.MotionChanged("", True)))
    table.put(one(a.MotionChanged("door", True)))
    assert len(table.expiring()) == 2
    table.put(one(a.MotionChanged("", False)))
    assert [message.topic for message in table.expiring()] == ["pi_cam_node/porch/state/motion/door"]
