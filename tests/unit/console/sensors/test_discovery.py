"""Sensors from Home Assistant discovery and zigbee2mqtt."""

from __future__ import annotations

import json
import re

import pytest

from pi_cam_node.console.sensors import discovery, zigbee2mqtt
from pi_cam_node.console.sensors.sensor import SensorSpec, slug
from pi_cam_node.console.sensors.templates import Template


def of(topic: str, body: object) -> list[SensorSpec]:
    return discovery.specs_of(f"homeassistant/{topic}/config", json.dumps(body).encode(), "homeassistant")


def test_zigbee2mqtts_contact() -> None:
    body = {
        "state_topic": "zigbee2mqtt/front door",
        "value_template": '{{ value_json["contact"] }}',
        "payload_on": False,
        "payload_off": True,
        "device_class": "door",
        "unique_id": "0x01_contact_zigbee2mqtt",
        "object_id": "Front-Door",
        "device": {"name": "Front door", "suggested_area": "Hall"},
        "availability": [{"topic": "zigbee2mqtt/bridge/state", "value_template": "{{ value_json.state }}"}],
    }
    (spec,) = of("binary_sensor/0x01/contact", body)
    assert (spec.key, spec.topic, spec.on, spec.off) == ("front_door", "zigbee2mqtt/front door", "false", "true")
    assert (spec.kind, spec.room, spec.device) == ("door", "Hall", "Front door")
    assert spec.availability == (("zigbee2mqtt/bridge/state", Template("state")),)


def test_abbreviations_and_the_tilde_of_tasmota() -> None:
    body = {
        "~": "tele/switch1",
        "stat_t": "~/SENSOR",
        "val_tpl": "{{ value_json.Switch1 }}",
        "uniq_id": "A1_SW_1",
        "dev_cla": "motion",
        "dev": {"name": "Corridor"},
    }
    (spec,) = of("binary_sensor/A1_SW_1", body)
    assert (spec.key, spec.topic, spec.template, spec.on) == (
        "a1_sw_1",
        "tele/switch1/SENSOR",
        Template("Switch1"),
        "ON",
    )


def test_a_device_message_holds_several() -> None:
    body = {
        "dev": {"name": "Hall box"},
        "state_topic": "box/state",
        "cmps": {
            "m": {"p": "binary_sensor", "val_tpl": "{{ value_json.motion }}", "uniq_id": "box_m"},
            "b": {"p": "event", "t": "x", "stat_t": "box/button", "uniq_id": "box_b"},
            "t": {"p": "sensor", "val_tpl": "{{ value_json.temp }}", "uniq_id": "box_t"},
        },
    }
    specs = of("device/box", body)
    assert [(spec.key, spec.kind, spec.topic) for spec in specs] == [
        ("box_m", "", "box/state"),
        ("box_b", "event", "box/button"),
    ]


def test_an_unknown_template_is_shown_and_not_read() -> None:
    (spec,) = of("binary_sensor/x", {"state_topic": "a", "unique_id": "x", "value_template": "{{ value_json.a.b }}"})
    assert (spec.template, spec.raw_template) == (None, "{{ value_json.a.b }}")


def test_what_is_no_announcement_is_none() -> None:
    assert of("binary_sensor/x", [1]) == []
    assert of("binary_sensor/x", {"state_topic": "a/#", "unique_id": "x"}) == []
    assert of("binary_sensor/x", {"unique_id": "x"}) == []
    assert of("sensor/x", {"state_topic": "a", "unique_id": "x"}) == []
    assert discovery.specs_of("homeassistant/binary_sensor/x/config", b"\xff{", "homeassistant") == []


def test_zigbee2mqtts_own_list() -> None:
    exposes = [
        {"type": "binary", "name": "contact", "property": "contact", "value_on": True, "value_off": False},
        {"type": "numeric", "name": "battery"},
        {"type": "binary", "name": "tamper", "property": "tamper"},
        7,
    ]
    body = [
        {"friendly_name": "Back door", "definition": {"exposes": exposes}},
        {"friendly_name": "coordinator", "definition": None},
    ]
    (spec,) = zigbee2mqtt.specs_of(json.dumps(body).encode())
    assert (spec.key, spec.topic, spec.on, spec.off, spec.words) == (
        "back_door_contact",
        "zigbee2mqtt/Back door",
        "false",
        "true",
        ("open", "closed"),
    )
    assert zigbee2mqtt.specs_of(b"{}") == []


@pytest.mark.parametrize("name", ["", "#", "+/door", "door#1", "door\0", "x" * 600])
def test_a_device_of_zigbee2mqtt_whose_name_is_no_topic_is_left_out(name: str) -> None:
    """A subscription to it would bring every other device's messages, or be refused and take all others along."""
    contact = {"type": "binary", "name": "contact", "property": "contact"}
    devices = [{"friendly_name": one, "definition": {"exposes": [contact]}} for one in (name, "back door")]
    assert [spec.topic for spec in zigbee2mqtt.specs_of(json.dumps(devices).encode())] == ["zigbee2mqtt/back door"]


def test_names_in_any_script_are_keys_of_their_own() -> None:
    names = ["Front Door", "Tür", "Дверь", "Окно", "門", "窗 2", "ドア", "\u03b1" * 300]
    keys = [slug(f"{name}_contact") for name in names]
    assert keys[:2] == ["front_door_contact", "t_r_contact"]
    assert len(set(keys)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9_]{1,128}", key) for key in keys)
