"""The AsyncAPI and OpenAPI documents are complete and correct, with valid examples."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from pi_cam_node.cli.reference import asyncapi, openapi
from pi_cam_node.cli.reference.asyncapi.channels import channels
from pi_cam_node.cli.reference.asyncapi.schemas import Schemas, closed
from pi_cam_node.config import Config
from pi_cam_node.config.catalogue import catalogue
from pi_cam_node.core import activity_events as a
from pi_cam_node.core import events as e
from pi_cam_node.core.commands.all import registry
from pi_cam_node.core.entities import EVENT_TYPES
from pi_cam_node.core.history import EventRow
from pi_cam_node.core.inputs import FilmFailed, FilmOpened
from pi_cam_node.mqtt.messages.event_messages import EventMessages
from pi_cam_node.mqtt.messages.message import Message
from pi_cam_node.mqtt.messages.payloads import EVENTS
from pi_cam_node.mqtt.messages.topics import STATE_KEYS, Topics
from tests.support.contract import check_answer, contract
from tests.support.films import RECORDED, RECORDED_AT
from tests.support.frames import frame_of

DOCUMENT = asyncapi.document()
ADDRESSES = {channel["address"] for channel in DOCUMENT["channels"].values()}
TOPICS = Topics("pi_cam_node", "porch", [], "homeassistant", "homeassistant/status")
ROOT = "pi_cam_node/{node}"
AT = RECORDED_AT
SCENE = EventRow("e1", "motion", AT, AT, "clear", ("door",), "motion", 4.9, "p1", "f1")
SAVED = e.PictureSaved("p1", "single", ("/c/a.jpg",), 9, "ab" * 32, (1,), AT, AT, 1.0, 1.0, b"\xff\xd8\xff\xd9", b"x")
SAMPLES: list[e.Event] = [
    e.BrightnessMeasured(87.14, 3.456),
    e.BrightnessMeasured(255.0, None),
    e.RingMeasured(29.96),
    e.FaultReported("no_space", "the disk\nis full"),
    e.FaultReported("ok", ""),
    e.SettingChanged("night.gain", 2.5),
    e.SettingChanged("privacy.enable", True),
    e.ModeChanged("night", "light", AT),
    e.CameraChanged(True, "frames arrive", AT),
    e.CameraChanged(False, "no frame for 4 s", AT),
    e.SettingsRolledBack({"camera.width": 1024}, "no frame came", AT),
    e.CommandRefused("save", "camera_down", "NOT_SAVED", "mqtt", AT),
    SAVED,
    replace(SAVED, thumbnail_asked=True, url="http://porch.lan:8080/media/p1", kind="event"),
    e.FramesSent(2, 10, 41, AT, b"\xff\xd8\xff\xd9"),
    a.MotionChanged("", True),
    a.MotionChanged("door", False),
    a.MotionChanged("door", None),
    a.SceneEventBegan(SCENE),
    a.SceneEventBegan(replace(SCENE, kind="trigger", ended_at=None, ended_by=None, picture_id=None)),
    a.SceneEventEnded(SCENE),
    a.EventPictured(SCENE, b"\xff\xd8\xff\xd9", None),
    a.RecordingChanged(True),
    a.RecordingStarted(FilmOpened("e1", "f1", "motion", 4.9, AT, Path("/c/f1.mp4")), SCENE),
    a.RecordingStarted(FilmOpened("", "f1", "continuous", 0.0, AT, Path("/c/f1.mp4")), None),
    a.RecordingSaved(RECORDED, SCENE),
    a.RecordingSaved(replace(RECORDED, event_id="", url="http://porch.lan:8080/media/f1", repaired=True), None),
    a.RecordingFailed(FilmFailed("e1", "", "motion", "no_space", "the disk is full"), SCENE, AT),
    a.RecordingFailed(FilmFailed("", "", "continuous", "not_saved", "no encoder"), None, AT),
]


def fault(message: Message) -> str:
    address = message.topic.replace("pi_cam_node/porch/", "pi_cam_node/{node}/")
    return contract().fault(address, message)


def test_every_command_setting_state_and_event_has_its_topics() -> None:
    live = [key for key, info in catalogue().items() if info.live]
    wanted = {f"{ROOT}/cmd/{verb}" for verb in registry()} | {f"{ROOT}/reply/{verb}" for verb in registry()}
    wanted |= {f"{ROOT}/set/{key}" for key in live} | {f"{ROOT}/config/{key}" for key in live}
    wanted |= {f"{ROOT}/state/{key}" for key in STATE_KEYS} | {f"{ROOT}/event/{kind}" for kind in EVENT_TYPES}
    assert wanted <= ADDRESSES
    assert tuple(sorted(EVENTS)) == tuple(sorted(EVENT_TYPES))


def references(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        yield from [tree["$ref"]] if isinstance(tree.get("$ref"), str) else []
        for item in tree.values():
            yield from references(item)
    elif isinstance(tree, list):
        for item in tree:
            yield from references(item)


@pytest.mark.parametrize("document", [DOCUMENT, openapi.described()], ids=["asyncapi", "openapi"])
def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    referred = set(references(document))
    assert referred
    for reference in referred:
        place: Any = document
        for step in reference.removeprefix("#/").split("/"):
            assert step in place, reference
            place = place[step]


def test_names_of_channels_and_operations_are_used_once() -> None:
    described = channels(Schemas())
    assert len({channel.name for channel in described}) == len(described) == len(DOCUMENT["operations"])


def judge(schema: dict[str, Any], components: Any, example: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator({**schema, "components": components})
    return [error.message for error in validator.iter_errors(example)]


def test_every_example_on_mqtt_is_of_the_form_it_shows() -> None:
    messages = DOCUMENT["components"]["messages"]
    shown = {name: m for name, m in messages.items() if m["contentType"] != "image/jpeg"}
    assert all("examples" in message for message in shown.values())
    for name, message in shown.items():
        faults = judge(message["payload"], DOCUMENT["components"], message["examples"][0]["payload"])
        assert faults == [], name


def test_every_example_on_http_is_of_the_form_it_shows() -> None:
    told, count = openapi.described(), 0
    for path, methods in told["paths"].items():
        for operation in methods.values():
            for side in (operation.get("requestBody", {}), operation["responses"]["200"]):
                media = side.get("content", {}).get("application/json", {})
                if "example" in media:
                    count += 1
                    assert judge(media["schema"], told["components"], media["example"]) == [], path
    assert count > 2 * len(registry()) - 1


@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: type(event).__name__)
def test_what_an_event_becomes_is_documented(event: e.Event) -> None:
    made = EventMessages(TOPICS).messages(event)
    assert made
    assert [(message.topic, fault(message)) for message in made if fault(message)] == []


def test_the_birth_is_documented() -> None:
    words = EventMessages(TOPICS)
    born = [
        words.availability(online=True),
        *words.beginning(private=True),
        *words.config(Config()),
        *words.messages(e.LiveFrameDue(frame_of(np.zeros((8, 8, 3), np.uint8)))),
    ]
    assert [(message.topic, fault(message)) for message in born if fault(message)] == []


@pytest.mark.parametrize(
    ("topic", "payload", "qos", "retain"),
    [
        ("availability", "on", 1, True),
        ("availability", "online", 1, False),
        ("nowhere", "x", 1, False),
        ("state/brightness", "256.0", 1, True),
        ("state/brightness", "bright", 1, True),
        ("config/night.gain", "65", 1, True),
        ("config/night.enable", "true", 1, True),
        ("frame", "no picture", 0, True),
        ("event/mode_changed", "", 1, False),
        ("event/mode_changed", '{"event_type":"mode_changed"}', 1, False),
        ("telemetry", "{}", 0, False),
        ("telemetry", "{}", 1, False),
        ("reply/save", '{"verb":"save","ok":true}', 1, False),
        ("reply/mine", '{"verb":"save","ok":true}', 1, False),
    ],
)
def test_what_is_not_documented_is_noticed(topic: str, payload: str, qos: Any, retain: bool) -> None:
    good = topic == "availability" and payload == "online"  # a live message does not tell that it is retained
    assert bool(fault(Message(f"pi_cam_node/porch/{topic}", payload.encode(), qos=qos, retain=retain))) != good


def test_a_field_more_or_less_is_noticed() -> None:
    [state, event] = EventMessages(TOPICS).messages(e.ModeChanged("night", "light", AT))
    told = json.loads(event.payload)
    assert fault(state) == fault(event) == ""
    assert fault(replace(event, payload=json.dumps({**told, "more": 1}).encode()))
    del told["cause"]
    assert fault(replace(event, payload=json.dumps(told).encode()))
    assert fault(replace(event, retain=True))


@pytest.mark.parametrize(("status", "body"), [(200, b"{}"), (200, b"[]"), (299, b"{}")])
def test_an_answer_of_http_that_is_not_documented_is_noticed(status: int, body: bytes) -> None:
    with pytest.raises(AssertionError, match=r"documented|not of the form"):
        check_answer("POST", "/api/commands/health", status, "application/json; charset=utf-8", body)


def test_objects_are_closed_at_every_depth() -> None:
    inner = {"type": "object", "properties": {"type": {"type": "string"}}}
    told = closed({"type": "object", "properties": {"a": {"anyOf": [inner, {"type": "null"}]}}})
    assert told["additionalProperties"] is False
    assert told["properties"]["a"]["anyOf"][0]["additionalProperties"] is False
    assert closed({"type": "object"}) == {"type": "object"}
