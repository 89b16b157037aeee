"""Entities created from a discovery message in a real Home Assistant."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest

from pi_cam_node.core.entities import EVENT_TYPES
from pi_cam_node.imaging import jpeg
from pi_cam_node.mqtt.homeassistant.discovery import removal_message
from tests.support.broker import Client, Received, wait_until
from tests.support.home_assistant import HomeAssistant, SampleNode, running
from tests.support.sample_node import FIGURES, PICTURE, STATES, message

pytestmark = pytest.mark.home_assistant

NODE = "porch"
PARTS = message(NODE)["components"]

# Keys of a component that Home Assistant shows as attributes of the same name.
SHOWN = (
    "unit_of_measurement",
    "device_class",
    "state_class",
    "options",
    "event_types",
    "min",
    "max",
    "step",
    "mode",
    "pattern",
    "icon",
)


@pytest.fixture(scope="module")
def home() -> Iterator[HomeAssistant]:
    """Return an empty Home Assistant that ends with the module."""
    yield from running(NODE)


@pytest.fixture(scope="module")
def mqtt(home: HomeAssistant) -> Iterator[Client]:
    """Return a client of its broker."""
    with home.client() as client:
        yield client


@pytest.fixture(scope="module")
def announced(home: HomeAssistant, mqtt: Client) -> SampleNode:
    """Announce a node once, before it says anything, and enable what is hidden."""
    colours = np.full((48, 64, 3), 90, np.uint8)
    node = SampleNode(mqtt, NODE, jpeg.encode(colours, "bgr", 85))
    node.announce()
    wait_until(lambda: len(home.registered()) == len(PARTS), "every component to be registered")
    return node


@pytest.fixture
def node(home: HomeAssistant, announced: SampleNode) -> Iterator[SampleNode]:
    """Return a node that is well; afterwards nothing in the log may name it."""
    if any(entry["disabled_by"] for entry in home.registered().values()):
        home.enable_all()
    announced.announce()
    announced.say_all()
    home.wait_for("mode", STATES["mode"])

    def figures_arrived() -> bool:
        announced.say_figures()
        return home.state("cpu_pct") == str(FIGURES["cpu_pct"])

    wait_until(figures_arrived, "Home Assistant to listen to telemetry")
    yield announced
    assert home.complaints() == []


def test_every_component_becomes_an_entity_under_its_own_id(home: HomeAssistant, announced: SampleNode) -> None:
    entries = home.registered()
    assert {key: entry["entity_id"] for key, entry in entries.items()} == {
        key: part["default_entity_id"] for key, part in PARTS.items()
    }
    hidden = {key for key, part in PARTS.items() if not part.get("enabled_by_default", True)}
    assert {key for key, entry in entries.items() if entry["disabled_by"]} == hidden
    categories = {key: part.get("entity_category") for key, part in PARTS.items()}
    assert {key: entry["entity_category"] for key, entry in entries.items()} == categories
    assert home.complaints() == []


def test_everything_is_unavailable_until_the_node_is_online(home: HomeAssistant, announced: SampleNode) -> None:
    assert {state["state"] for state in home.states().values()} == {"unavailable"}


def test_the_device_says_what_it_is(home: HomeAssistant, node: SampleNode) -> None:
    device = home.api.device(home.device)
    assert device["name"] == "Porch camera"
    assert device["sw_version"] == "1.2.3"
    assert device["model"] == "Raspberry Pi Zero 2 W Rev 1.0"
    assert device["serial_number"] is None


def test_units_classes_and_ranges_are_what_was_announced(home: HomeAssistant, node: SampleNode) -> None:
    states = home.states()
    announced = {(key, name): part[name] for key, part in PARTS.items() for name in SHOWN if name in part}
    assert {(key, name): states[key]["attributes"].get(name) for key, name in announced} == announced


def test_states_and_figures_arrive(home: HomeAssistant, node: SampleNode) -> None:
    states = {key: state["state"] for key, state in home.states().items()}
    assert {key: states[key] for key in STATES} == STATES
    assert states["camera_link"] == "on"
    shown = {key: states[key] for key in FIGURES if key in PARTS}
    assert shown.pop("throttled") == "none"
    assert float(shown.pop("uptime_s")) == 2.0
    assert {key: float(value) for key, value in shown.items()} == {key: FIGURES[key] for key in shown}


def test_settings_are_shown_in_units_that_people_read(home: HomeAssistant, node: SampleNode) -> None:
    states = {key: state["state"] for key, state in home.states().items()}
    assert float(states["ring_max_bytes"]) == 64
    assert float(states["mqtt_image_max_bytes"]) == 256
    assert float(states["night_exposure_us"]) == 2000
    assert states["night_enable"] == "on"
    assert states["export_auto_save_use_ring"] == "off"
    assert states["night_override"] == "auto"
    assert states["export_formats"] == "jpg, png"
    assert not [key for key, part in PARTS.items() if "command_topic" in part and states[key] == "unavailable"]


def test_a_figure_that_is_null_or_absent_is_unknown(home: HomeAssistant, node: SampleNode) -> None:
    node.say_figures({"cpu_pct": None, "throttled": None, "fps": 5.0})
    home.wait_for("fps", "5.0")
    states = home.states()
    unknown = [key for key in FIGURES if key in PARTS and key != "fps"]
    assert {key: states[key]["state"] for key in unknown} == dict.fromkeys(unknown, "unknown")


def test_a_state_whose_topic_is_emptied_is_unknown(home: HomeAssistant, node: SampleNode, mqtt: Client) -> None:
    mqtt.publish(node.topics.state("lux"), b"", retain=True)
    home.wait_for("lux", "unknown")


def test_a_long_error_is_cut_and_not_lost(home: HomeAssistant, node: SampleNode, mqtt: Client) -> None:
    mqtt.publish(node.topics.state("last_error"), "é" * 300, retain=True)
    home.wait_for("last_error", "é" * 255)


def test_without_the_camera_only_what_needs_it_is_away(home: HomeAssistant, node: SampleNode, mqtt: Client) -> None:
    mqtt.publish(node.topics.camera_availability, "offline", retain=True)
    home.wait_for("camera_link", "off")
    cameras = {"topic": node.topics.camera_availability}
    needing = {key for key, part in PARTS.items() if cameras in part.get("availability", ())}
    wait_until(
        lambda: {key for key, state in home.states().items() if state["state"] == "unavailable"} == needing,
        "exactly those with the camera's availability to be away",
    )


def test_without_the_node_everything_is_away(home: HomeAssistant, node: SampleNode, mqtt: Client) -> None:
    mqtt.publish(node.topics.availability, "offline", retain=True)
    wait_until(lambda: {state["state"] for state in home.states().values()} == {"unavailable"}, "everything to be away")


def test_both_pictures_come_through_byte_for_byte(home: HomeAssistant, node: SampleNode) -> None:
    assert home.api.camera_image(home.entity_id("camera")) == node.picture
    assert home.api.image(home.entity_id("last_picture")) == (node.picture, "image/jpeg")


def test_the_saved_picture_bears_its_facts_but_not_its_thumbnail(home: HomeAssistant, node: SampleNode) -> None:
    attributes = home.states()["last_picture"]["attributes"]
    assert {key: attributes.get(key) for key in PICTURE if key != "thumbnail"} == {
        key: value for key, value in PICTURE.items() if key != "thumbnail"
    }
    assert "thumbnail" not in attributes
    assert home.state("last_picture_time") == "2026-11-20T19:44:59+00:00"


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_one_entity_tells_of_events_from_all_event_topics(
    home: HomeAssistant, node: SampleNode, mqtt: Client, kind: str
) -> None:
    mqtt.publish(node.topics.event(kind), json.dumps({"event_type": kind, "id": f"a-{kind}"}))
    wait_until(lambda: home.states()["event"]["attributes"].get("id") == f"a-{kind}", f"the event {kind}")
    assert home.states()["event"]["attributes"]["event_type"] == kind


@pytest.mark.parametrize(
    ("key", "service", "arguments", "topic", "payload"),
    [
        ("save", "button.press", {}, "cmd/save", b""),
        ("past_stack", "button.press", {}, "cmd/pastStack", b""),
        ("night_enable", "switch.turn_off", {}, "set/night.enable", b"off"),
        ("night_override", "select.select_option", {"option": "night"}, "set/night.override", b"night"),
        ("export_formats", "text.set_value", {"value": "png npy"}, "set/export.formats", b"png npy"),
        ("camera_framerate", "number.set_value", {"value": 2.5}, "set/camera.framerate", b"2.5"),
        ("ring_max_bytes", "number.set_value", {"value": 65}, "set/ring.max_bytes", b"68157440"),
        ("night_exposure_us", "number.set_value", {"value": 33.3}, "set/night.exposure_us", b"33300"),
    ],
)
def test_a_control_sends_what_the_node_takes(
    home: HomeAssistant,
    node: SampleNode,
    mqtt: Client,
    key: str,
    service: str,
    arguments: dict[str, object],
    topic: str,
    payload: bytes,
) -> None:
    heard = f"pi_cam_node/{NODE}/{topic}"
    mqtt.subscribe(heard)
    mqtt.clear()
    domain, _, name = service.partition(".")
    home.api.call(domain, name, home.entity_id(key), **arguments)
    command: Received = mqtt.wait_for(heard)
    assert (command.payload, command.qos, command.retain) == (payload, 1, False)


def test_an_unknown_format_is_refused_before_it_is_sent(home: HomeAssistant, node: SampleNode) -> None:
    from ha_client import HAError  # noqa: PLC0415 - see `home_assistant`

    with pytest.raises(HAError, match="pattern"):
        home.api.call("text", "set_value", home.entity_id("export_formats"), value="gif")


def test_what_a_new_configuration_drops_is_really_removed(home: HomeAssistant, node: SampleNode) -> None:
    earlier, current = message(NODE), message(NODE, homeassistant={"camera_fps": 0})
    node.announce(current)
    assert "camera" in home.registered(), "a component that is merely left out stays"
    removal = removal_message(json.dumps(earlier).encode(), current)
    assert removal is not None
    node.announce(removal)
    wait_until(lambda: "camera" not in home.registered(), "the camera entity to go")
    node.announce(current)
    assert set(home.registered()) == set(PARTS) - {"camera"}
    node.announce(earlier)
    wait_until(lambda: "camera" in home.registered(), "the camera entity to come back")


def test_telemetry_that_stops_expires(home: HomeAssistant, node: SampleNode) -> None:
    node.announce(message(NODE, telemetry={"interval_s": 1}))
    node.say_figures()
    home.wait_for("fps", "unavailable")
    assert home.state("mode") == "day"
