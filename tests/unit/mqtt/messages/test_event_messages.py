"""Conversion of events to messages."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_cam_node.base.strict_json import json_bytes
from pi_cam_node.config import Config
from pi_cam_node.config.settings import catalogue
from pi_cam_node.core import events as e
from pi_cam_node.core.activity_events import EventPictured, NoEventPictured
from pi_cam_node.core.history import EventRow
from pi_cam_node.mqtt.messages.event_messages import EventMessages
from pi_cam_node.mqtt.messages.message import JPEG, JSON, Message
from pi_cam_node.mqtt.messages.topics import Topics
from tests.support.frames import frame_of

TOPICS = Topics("pi_cam_node", "porch", [], "homeassistant", "homeassistant/status")
WORDS = EventMessages(TOPICS)
AT = datetime(2026, 11, 20, 19, 45, 1, 123456, tzinfo=UTC)
SAVED = e.PictureSaved(
    id="20261120T194501123Z-3f2a91c0-000042-stack",
    kind="stack",
    paths=("/captures/a.jpg", "/captures/a.png"),
    size_bytes=1234,
    sha256="ab" * 32,
    frames=(41, 42),
    first_at=AT,
    last_at=AT.replace(second=2),
    first_mono_s=10.0,
    last_mono_s=11.0,
    image=b"\xff\xd8image",
    thumbnail=b"\xff\xd8small",
)


def state(key: str, value: str) -> Message:
    return Message(TOPICS.state(key), value.encode(), qos=1, retain=True)


def body(message: Message) -> Any:
    return json.loads(message.payload)


@pytest.mark.parametrize(
    ("fact", "wanted"),
    [
        (e.BrightnessMeasured(87.14, 3.456), [state("brightness", "87.1"), state("lux", "3.46")]),
        (e.BrightnessMeasured(0.0, 10_203.4), [state("brightness", "0.0"), state("lux", "10203")]),
        (e.BrightnessMeasured(255.0, None), [state("brightness", "255.0"), state("lux", "")]),
        (e.RingMeasured(29.96), [state("ring_seconds", "30.0")]),
        (e.FaultReported("no_space", "the disk\nis full"), [state("last_error", "no_space: the disk is full")]),
        (e.FaultReported("ok", ""), [state("last_error", "ok")]),
        (e.SettingChanged("night.gain", 2.5), [Message(TOPICS.config("night.gain"), b"2.5", retain=True)]),
        (e.SettingChanged("night.enable", False), [Message(TOPICS.config("night.enable"), b"off", retain=True)]),
        (e.ModeWanted("night"), []),
        (
            e.TelemetryTaken({"fps": 9.97, "cpu": float("nan"), "disk": {"free": float("inf")}}),
            [Message(TOPICS.telemetry, b'{"fps":9.97,"cpu":null,"disk":{"free":null}}', qos=0, content_type=JSON)],
        ),
    ],
)
def test_a_fact_becomes_its_messages(fact: e.Event, wanted: list[Message]) -> None:
    assert WORDS.messages(fact) == wanted


def test_a_change_of_mode_is_a_state_and_an_event() -> None:
    mode, event = WORDS.messages(e.ModeChanged("night", "20 dark frames", AT))
    assert mode == state("mode", "night")
    assert (event.topic, event.qos, event.retain, event.queue_offline) == (TOPICS.event("mode_changed"), 1, False, True)
    assert body(event) == {
        "event_type": "mode_changed",
        "id": "20261120T194501123456-mode_changed",
        "at": "2026-11-20T19:45:01.123Z",
        "epoch_ms": 1795203901123,
        "cause": "20 dark frames",
        "mode": "night",
    }


@pytest.mark.parametrize(
    ("online", "value", "kind"), [(True, b"online", "camera_back"), (False, b"offline", "camera_lost")]
)
def test_the_camera_comes_and_goes(online: bool, value: bytes, kind: str) -> None:
    available, event = WORDS.messages(e.CameraChanged(online, "why", AT))
    assert available == Message(TOPICS.camera_availability, value, qos=1, retain=True)
    assert event.topic == TOPICS.event(kind)
    assert body(event)["cause"] == "why"


def test_a_saved_picture_is_told_after_its_bytes() -> None:
    image, thumbnail, last, event = WORDS.messages(SAVED)
    assert image == Message(TOPICS.media_image, b"\xff\xd8image", retain=True, content_type=JPEG)
    assert thumbnail == Message(
        TOPICS.media_thumbnail, base64.b64encode(b"\xff\xd8small"), retain=True, is_picture=True
    )
    assert (last.topic, last.retain, last.qos) == (TOPICS.media_last, True, 1)
    assert body(last) == {
        "id": SAVED.id,
        "kind": "stack",
        "path": "/captures/a.jpg",
        "paths": ["/captures/a.jpg", "/captures/a.png"],
        "bytes": 1234,
        "sha256": "ab" * 32,
        "frames": [41, 42],
        "frames_used": 2,
        "first_at": "2026-11-20T19:45:01.123Z",
        "last_at": "2026-11-20T19:45:02.123Z",
        "first_epoch_ms": 1795203901123,
        "last_epoch_ms": 1795203902123,
    }
    assert event.topic == TOPICS.event("picture_saved")
    assert body(event)["id"] == SAVED.id
    assert body(event)["cause"] == "command"
    assert body(event)["media"]["path"] == "/captures/a.jpg"


def test_the_thumbnail_stands_beside_the_facts_when_asked_for() -> None:
    asked = e.PictureSaved(**{**_fields(SAVED), "thumbnail_asked": True})
    last = next(m for m in WORDS.messages(asked) if m.topic == TOPICS.media_last)
    assert base64.b64decode(body(last)["thumbnail"]) == b"\xff\xd8small"


def test_a_large_thumbnail_has_no_line_breaks() -> None:
    big = e.PictureSaved(**{**_fields(SAVED), "thumbnail": bytes(48 * 1024)})
    thumbnail = next(m for m in WORDS.messages(big) if m.topic == TOPICS.media_thumbnail)
    assert b"\n" not in thumbnail.payload


def test_pictures_that_are_not_wanted_take_the_older_ones_away() -> None:
    none = e.PictureSaved(**{**_fields(SAVED), "image": None, "thumbnail": None})
    image, thumbnail = WORDS.messages(none)[:2]
    assert (image.topic, image.payload, image.retain) == (TOPICS.media_image, b"", True)
    assert (thumbnail.topic, thumbnail.payload, thumbnail.retain) == (TOPICS.media_thumbnail, b"", True)


def _fields(saved: e.PictureSaved) -> dict[str, Any]:
    return {name: getattr(saved, name) for name in e.PictureSaved.__dataclass_fields__}


@pytest.mark.parametrize(
    ("verb", "reply_to", "topic"),
    [
        ("save", None, TOPICS.reply("save")),
        ("save", "asker/1", "asker/1"),
        ("save", TOPICS.cmd("restart"), TOPICS.reply("save")),
        ("no/verb", None, TOPICS.reply("unknown")),
    ],
)
def test_a_reply_goes_where_it_may(verb: str, reply_to: str | None, topic: str) -> None:
    reply = {"id": "7", "verb": verb, "ok": True}
    [message] = WORDS.messages(e.Replied(reply, reply_to, b"\x00\x01"))
    wanted = Message(topic, json_bytes(reply), qos=1, queue_offline=True, content_type=JSON, correlation=b"\x00\x01")
    assert message == replace(wanted, fallback_topic=TOPICS.reply("save") if topic == reply_to else "")


def test_a_ticket_never_falls_back_to_the_topic_that_others_read() -> None:
    [handed_out] = WORDS.messages(e.Replied({"id": "7", "verb": "ticket", "ok": True}, "asker/1", None))
    [refused] = WORDS.messages(e.Replied({"id": "7", "verb": "ticket", "ok": False}, "asker/1", None))
    assert (handed_out.topic, handed_out.fallback_topic) == ("asker/1", "")
    assert refused.fallback_topic == TOPICS.reply("ticket")


def test_frames_of_a_shortstream_bear_their_place() -> None:
    [message] = WORDS.messages(e.FramesSent(2, 10, 41, AT, b"\xff\xd8x"))
    user = (("index", "2"), ("count", "10"), ("frame", "41"), ("time", "2026-11-20T19:45:01.123Z"))
    assert message == Message(TOPICS.shortstream, b"\xff\xd8x", content_type=JPEG, user=user)


def test_the_live_picture_is_retained_and_needs_no_acknowledgement() -> None:
    frame = frame_of(np.zeros((16, 16, 3), np.uint8))
    [message] = WORDS.messages(e.LiveFrameDue(frame))
    assert message == Message(TOPICS.frame, frame.jpeg, qos=0, retain=True, content_type=JPEG)


def test_each_live_setting_has_a_topic_and_no_other() -> None:
    messages = WORDS.config(Config())
    live = {TOPICS.config(key) for key, info in catalogue().items() if info.live}
    assert {m.topic for m in messages} == live
    assert all(m.retain and m.qos == 1 and m.payload for m in messages)


def test_availability_is_a_bare_word() -> None:
    assert WORDS.availability(online=True) == Message(TOPICS.availability, b"online", retain=True)
    assert WORDS.availability(online=False) == Message(TOPICS.availability, b"offline", retain=True)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud800") | st.just(Path("/a")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), anything))
def test_any_body_becomes_strict_json(thing: dict[str, object]) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(word)

    decoded = json.loads(json_bytes(thing).decode("utf-8"), parse_constant=refuse)
    assert isinstance(decoded, dict)


def test_the_size_of_a_packet_is_never_underestimated() -> None:
    message = Message("ä" * 10, b"x" * 100, correlation=b"c" * 10, content_type=JSON, user=(("ü", "v" * 9),))
    on_the_wire = 5 + 2 + 20 + 2 + 4 + 3 + 10 + 3 + len(JSON) + 5 + 2 + 9 + 100
    assert on_the_wire <= message.size_bytes <= on_the_wire + 200


def test_a_deleted_picture_is_taken_away_where_it_is_the_last_one() -> None:
    words = EventMessages(TOPICS)
    words.messages(SAVED)
    assert words.messages(e.MediaDeleted("another")) == []
    told = words.messages(e.MediaDeleted(SAVED.id))
    assert [message.topic for message in told] == [TOPICS.media_image, TOPICS.media_thumbnail, TOPICS.media_last]
    assert all(message.retain and message.payload == b"" for message in told)


def emptied(*topics: str) -> list[Message]:
    return [Message(topic, b"", retain=True) for topic in topics]


def test_the_deleted_picture_of_the_last_event_is_taken_away() -> None:
    words = EventMessages(TOPICS)
    words.messages(EventPictured(EventRow("e1", "motion", AT, picture_id="p1"), b"\xff\xd8image", None))
    assert words.messages(e.MediaDeleted("p2")) == []
    assert words.messages(e.MediaDeleted("p1")) == emptied(TOPICS.media_event_image, TOPICS.media_event)


def test_where_there_is_no_picture_any_more_what_an_earlier_run_left_is_taken_away() -> None:
    last = (TOPICS.media_image, TOPICS.media_thumbnail, TOPICS.media_last)
    assert WORDS.messages(e.PictureReloaded(None)) == emptied(*last)
    assert WORDS.messages(NoEventPictured()) == emptied(TOPICS.media_event_image, TOPICS.media_event)
    assert emptied(TOPICS.frame)[0] in WORDS.beginning(private=False, live=False)
    assert emptied(TOPICS.frame)[0] not in WORDS.beginning(private=False)


@pytest.mark.parametrize(
    ("key", "topics"),
    [
        ("homeassistant.camera_fps", [TOPICS.frame]),
        ("mqtt.image_max_bytes", [TOPICS.media_image, TOPICS.media_event_image]),
        ("export.thumbnail_px", [TOPICS.media_thumbnail]),
        ("night.dwell_s", []),
    ],
)
def test_pictures_that_are_switched_off_do_not_stay_at_the_broker(key: str, topics: list[str]) -> None:
    assert WORDS.messages(e.SettingChanged(key, 0))[:-1] == emptied(*topics)
    assert len(WORDS.messages(e.SettingChanged(key, 2))) == 1
