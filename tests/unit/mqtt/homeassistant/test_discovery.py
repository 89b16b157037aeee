"""The discovery message: golden file, Home Assistant's rules, and removal."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_cam_node.core import events
from pi_cam_node.core.entities import EVENT_TYPES
from pi_cam_node.mqtt.messages.event_messages import EventMessages
from pi_cam_node.mqtt.homeassistant.discovery import device_name, removal_message, uid
from pi_cam_node.mqtt.messages.topics import topics_of
from tests.support.sample_node import BOARD, config_of, message

GOLDEN = Path(__file__).parents[3] / "golden" / "discovery.json"
NOW = datetime(2026, 11, 20, 19, 45, tzinfo=UTC)


def test_the_message_is_exactly_the_golden_one() -> None:
    golden = json.loads(GOLDEN.read_text())
    assert message() == golden, f"if the change is meant: python -m {__name__}"


def test_root_device_and_origin_hold_only_keys_that_old_releases_know() -> None:
    found = message()
    assert set(found) == {"device", "origin", "availability", "components"}
    assert set(found["origin"]) == {"name", "sw_version"}
    known = {"identifiers", "name", "manufacturer", "model", "model_id", "sw_version", "hw_version", "serial_number"}
    assert set(found["device"]) <= known


def test_what_the_board_does_not_tell_is_left_out() -> None:
    assert message()["device"]["model"] == BOARD["model"]
    assert "serial_number" not in message()["device"]


@pytest.mark.parametrize("key", ["last_picture", "last_event"])
def test_in_privacy_home_assistant_is_told_to_give_no_picture_that_it_holds(key: str) -> None:
    shown, hidden = (message(privacy={"enable": on})["components"][key] for on in (False, True))
    # It refuses one beside the other, and a content type beside a link.
    ways = ("image_topic", "content_type", "url_topic")
    assert [way in shown for way in ways] == [True, True, False]
    assert [way in hidden for way in ways] == [False, False, True]
    assert hidden["url_topic"] not in (shown["image_topic"], shown["availability"][1]["topic"])
    assert {k: v for k, v in shown.items() if k not in ways} == {k: v for k, v in hidden.items() if k not in ways}


@pytest.mark.parametrize("node_id", ["porch", "porch-2", "garden_west-1"])
def test_ids_bear_platform_node_and_key(node_id: str) -> None:
    for key, component in message(node_id)["components"].items():
        assert component["unique_id"] == f"pi_cam_node_{node_id}_{key}"
        slug = node_id.replace("-", "_")
        assert component["default_entity_id"] == f"{component['platform']}.pi_cam_node_{slug}_{key}"
        assert component["qos"] == 1


def test_the_message_goes_where_the_node_listens_for_its_own() -> None:
    topics = topics_of(config_of())
    assert topics.own_discovery == topics.discovery(uid("porch"))
    assert message()["device"]["identifiers"] == [uid("porch")]


def test_what_needs_the_camera_is_away_with_the_camera_or_with_the_node() -> None:
    components = message()["components"]
    cameras = "pi_cam_node/porch/camera/availability"
    both = {key for key, component in components.items() if {"topic": cameras} in component.get("availability", [])}
    assert {"camera", "mode", "brightness", "lux", "save"} <= both
    assert both.isdisjoint({"last_picture", "camera_link", "night_override", "restart", "cpu_pct"})
    for key in both:
        assert components[key]["availability_mode"] == "all"
        assert components[key]["availability"] == [
            {"topic": "pi_cam_node/porch/availability"},
            {"topic": "pi_cam_node/porch/camera/availability"},
        ]


def test_telemetry_expires_after_three_periods_and_nothing_else_does() -> None:
    components = message(telemetry={"interval_s": 20.1})["components"]
    expiring = {key: part["expire_after"] for key, part in components.items() if "expire_after" in part}
    assert set(expiring.values()) == {61}
    telemetry = "pi_cam_node/porch/telemetry"
    assert set(expiring) == {key for key, part in components.items() if part.get("state_topic") == telemetry}


def test_no_command_is_retained() -> None:
    assert not any("retain" in component for component in message()["components"].values())


def test_presses_carry_no_arguments_and_do_not_outlive_their_moment() -> None:
    save = message()["components"]["save"]
    assert save["command_topic"] == "pi_cam_node/porch/cmd/save"
    assert save["payload_press"] == ""
    assert save["message_expiry_interval"] == 10


def test_the_device_is_not_called_by_its_place_alone() -> None:
    named = {"porch": "Porch camera", "back-door": "Back door camera", "cam1": "Cam1", "_": "Camera"}
    for node_id, name in named.items():
        assert device_name(config_of(node_id).node) == name
    assert device_name(config_of().node.model_copy(update={"name": "Oak"})) == "Oak"


FACTS = [
    events.ModeChanged("night", "dark", NOW),
    events.CameraChanged(online=True, reason="", at=NOW),
    events.CameraChanged(online=False, reason="cable", at=NOW),
    events.PictureSaved("id", "single", ("/a.jpg",), 1, "00", (1,), NOW, NOW, 1.0, 1.0),
]


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: type(fact).__name__)
def test_every_event_that_is_published_has_a_type_that_was_announced(fact: events.Event) -> None:
    published = EventMessages(topics_of(config_of())).messages(fact)
    found = [json.loads(m.payload)["event_type"] for m in published if "/event/" in m.topic]
    assert len(found) == 1
    assert found[0] in EVENT_TYPES


def wire(body: object) -> bytes:
    """Return a message as a broker holds it."""
    return json.dumps(body).encode()


def test_nothing_is_removed_where_nothing_went() -> None:
    assert removal_message(wire(message()), message()) is None


def test_a_component_that_went_is_emptied_to_its_platform() -> None:
    current = message(homeassistant={"camera_fps": 0})
    removal = removal_message(wire(message()), current)
    assert removal is not None
    assert removal["components"].pop("camera") == {"platform": "camera"}
    assert removal == current
    assert "camera" not in current["components"]


def test_a_component_that_changed_its_platform_is_removed_first() -> None:
    earlier = message()
    earlier["components"]["mode"]["platform"] = "text"
    removal = removal_message(wire(earlier), message())
    assert removal is not None
    assert removal["components"]["mode"] == {"platform": "text"}


def test_abbreviated_messages_are_understood() -> None:
    removal = removal_message(wire({"cmps": {"old": {"p": "switch"}}}), message())
    assert removal is not None
    assert removal["components"]["old"] == {"platform": "switch"}


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"components": []},
        {"components": {"x": 1, "y": {}, "z": {"platform": ["sensor"]}, "w": {"platform": "toaster"}}},
    ],
)
def test_what_is_no_discovery_message_removes_nothing(body: object) -> None:
    assert removal_message(wire(body), message()) is None


@given(st.binary(max_size=200))
def test_garbage_on_the_discovery_topic_removes_nothing(payload: bytes) -> None:
    assert removal_message(payload, {"components": {}}) is None


def test_deeply_nested_garbage_removes_nothing() -> None:
    assert removal_message(b'{"components":' * 100_000, {"components": {}}) is None


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(message(), indent=2, ensure_ascii=False) + "\n")
