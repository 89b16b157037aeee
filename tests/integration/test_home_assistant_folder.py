"""The dashboard, the automations and the blueprint that we hand out, loaded and run by a real Home Assistant."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from pi_cam_node.imaging import jpeg
from tests.support.broker import Client, wait_until
from tests.support.home_assistant import HomeAssistant, SampleNode, running, screenshot_text
from tests.support.sample_node import PICTURE, STATES

pytestmark = pytest.mark.home_assistant

FOLDER = Path(__file__).parents[2] / "homeassistant"
BLUEPRINT = "pi_cam_node/past_picture.yaml"

# What the automations need beside our own node: a door and a lamp.
HOUSE = {
    "device": {"identifiers": ["house"], "name": "House"},
    "origin": {"name": "tests"},
    "components": {
        "door": {
            "platform": "binary_sensor",
            "unique_id": "house_door",
            "default_entity_id": "binary_sensor.front_door",
            "name": "Front door",
            "state_topic": "house/door",
        },
        "lamp": {
            "platform": "light",
            "unique_id": "house_lamp",
            "default_entity_id": "light.porch_lamp",
            "name": "Porch lamp",
            "command_topic": "house/lamp/set",
            "state_topic": "house/lamp",
        },
    },
}


@pytest.fixture(scope="module")
def home() -> Iterator[HomeAssistant]:
    """Return an empty Home Assistant with a folder www that ends with the module."""
    for started in running("porch"):
        (started.folder / "www").mkdir()
        started.restart("ha")
        yield started


@pytest.fixture(scope="module")
def mqtt(home: HomeAssistant) -> Iterator[Client]:
    """Return a client of its broker that hears every command."""
    with home.client() as client:
        yield client.subscribe("pi_cam_node/porch/cmd/#", "house/lamp/set")


@pytest.fixture
def node(home: HomeAssistant, mqtt: Client) -> Iterator[SampleNode]:
    """Return a node that is well, in a house with a closed door and a dark lamp."""
    found = SampleNode(mqtt, "porch", jpeg.encode(np.full((48, 64, 3), 90, np.uint8), "bgr", 85))
    found.announce()
    found.say_all()
    mqtt.publish("homeassistant/device/house/config", json.dumps(HOUSE), retain=True)
    mqtt.publish("house/door", "OFF", retain=True)
    mqtt.publish("house/lamp", "OFF", retain=True)
    wait_until(lambda: (home.api.state("binary_sensor.front_door") or {}).get("state") == "off", "the door")
    wait_until(lambda: (home.api.state("light.porch_lamp") or {}).get("state") == "off", "the lamp")
    wait_until(lambda: "mode" in home.registered(), "the node's entities")
    home.wait_for("mode", STATES["mode"])
    wait_until(lambda: "id" in home.states()["last_picture"]["attributes"], "the facts of the last picture")
    for number in home.api.ws.command("persistent_notification/get"):
        home.api.call("persistent_notification", "dismiss", notification_id=number["notification_id"])
    mqtt.clear()
    yield found
    assert home.complaints() == []


def automate(home: HomeAssistant, config: dict[str, Any]) -> None:
    """Store an automation as the editor does, and wait until it is on."""
    identity = config["id"]
    home.api.api("POST", f"/api/config/automation/config/{identity}", config)

    def is_on() -> bool:
        states = home.api.states().values()
        return any(s["attributes"].get("id") == identity and s["state"] == "on" for s in states)

    wait_until(is_on, f"the automation {identity}")


def forget(home: HomeAssistant, identity: str) -> None:
    """Delete an automation."""
    home.api.api("DELETE", f"/api/config/automation/config/{identity}")


def notification(home: HomeAssistant) -> str:
    """Wait for a notification and return its text."""
    found: list[str] = []

    def arrived() -> bool:
        found[:] = [n["message"] for n in home.api.ws.command("persistent_notification/get")]
        return bool(found)

    wait_until(arrived, "a notification", 25)
    return found[0]


def shipped(home: HomeAssistant) -> dict[str, dict[str, Any]]:
    """Return the automations that we hand out, by id, with the configuration folder of this Home Assistant."""
    text = (FOLDER / "automations.yaml").read_text().replace("/config/", f"{home.folder}/")
    return {config["id"]: config for config in yaml.safe_load(text)}


def answer_past_stack(node: SampleNode, mqtt: Client, at_s: float) -> None:
    """Act as the node that has just been asked for a picture of the past."""
    asked = mqtt.wait_for(node.topics.cmd("pastStack"))
    assert json.loads(asked.payload) == {"at": at_s}
    assert not asked.retain
    mqtt.publish(node.topics.media_image, node.picture, retain=True)
    mqtt.publish(node.topics.media_last, json.dumps({**PICTURE, "id": "the-new-one"}), retain=True)


def test_a_door_that_opens_shows_who_was_there_before(home: HomeAssistant, node: SampleNode, mqtt: Client) -> None:
    automate(home, shipped(home)["pi_cam_node_porch_door"])
    mqtt.publish("house/door", "ON", retain=True)
    answer_past_stack(node, mqtt, 2)
    told = notification(home)
    assert "![The porch](/local/pi_cam_node/the-new-one.jpg)" in told
    for number in range(3):
        mqtt.publish(node.topics.media_image, jpeg.encode(np.zeros((48, 64, 3), np.uint8), "bgr", 85), retain=True)
        mqtt.publish(node.topics.media_last, json.dumps({**PICTURE, "id": f"later-{number}"}), retain=True)
    wait_until(lambda: home.states()["last_picture"]["attributes"]["id"] == "later-2", "the next pictures")
    # Without a login, and so for as long as the copy is there.
    with urllib.request.urlopen(f"{home.api.url}/local/pi_cam_node/the-new-one.jpg", timeout=60) as answer:
        assert answer.read() == node.picture
    forget(home, "pi_cam_node_porch_door")


def test_a_lamp_goes_on_when_night_begins_and_not_when_the_node_returns(
    home: HomeAssistant, node: SampleNode, mqtt: Client
) -> None:
    automate(home, shipped(home)["pi_cam_node_porch_night"])
    mqtt.publish(node.topics.availability, "offline", retain=True)
    home.wait_for("mode", "unavailable")
    mqtt.publish(node.topics.state("mode"), "night", retain=True)
    mqtt.publish(node.topics.availability, "online", retain=True)
    home.wait_for("mode", "night")
    mqtt.publish(node.topics.state("mode"), "day", retain=True)
    home.wait_for("mode", "day")
    assert mqtt.on("house/lamp/set") == []
    mqtt.publish(node.topics.state("mode"), "night", retain=True)
    assert mqtt.wait_for("house/lamp/set").payload == b"ON"
    forget(home, "pi_cam_node_porch_night")


def use_blueprint(home: HomeAssistant, **inputs: object) -> dict[str, Any]:
    """Store the blueprint and an automation made of it; return the automation."""
    text = (FOLDER / "blueprints" / "automation" / BLUEPRINT).read_text()
    home.api.ws.command("blueprint/save", domain="automation", path=BLUEPRINT, yaml=text, allow_override=True)
    found = home.api.ws.command("blueprint/list", domain="automation")[BLUEPRINT]
    assert "error" not in found
    needed = {key for key, field in found["metadata"]["input"].items() if "default" not in field}
    assert needed == {"trigger_entity", "node_id", "last_picture"}
    config = {
        "id": "from_blueprint",
        "alias": "From blueprint",
        "use_blueprint": {
            "path": BLUEPRINT,
            "input": {
                "trigger_entity": "binary_sensor.front_door",
                "node_id": "porch",
                "last_picture": home.entity_id("last_picture"),
                "folder": f"{home.folder}/www/pi_cam_node",
                **inputs,
            },
        },
    }
    automate(home, config)
    return config


def test_the_blueprint_shows_what_was_seen_before_its_trigger(
    home: HomeAssistant, node: SampleNode, mqtt: Client
) -> None:
    use_blueprint(home, seconds_before=3.5)
    mqtt.publish("house/door", "ON", retain=True)
    answer_past_stack(node, mqtt, 3.5)
    assert "![Picture](/local/pi_cam_node/the-new-one.jpg)" in notification(home)
    assert (home.folder / "www" / "pi_cam_node" / "the-new-one.jpg").read_bytes() == node.picture
    forget(home, "from_blueprint")


def test_the_blueprints_actions_know_the_picture(home: HomeAssistant, node: SampleNode, mqtt: Client) -> None:
    action = {
        "action": "persistent_notification.create",
        "data": {"message": "{{ picture.id }} {{ picture.last_at }} {{ has_picture }}"},
    }
    use_blueprint(home, notify=[action])
    mqtt.publish("house/door", "ON", retain=True)
    answer_past_stack(node, mqtt, 2)
    assert notification(home) == f"the-new-one {PICTURE['last_at']} True"
    forget(home, "from_blueprint")


def test_the_blueprint_says_so_where_no_picture_comes(home: HomeAssistant, node: SampleNode, mqtt: Client) -> None:
    use_blueprint(home)
    mqtt.publish("house/door", "ON", retain=True)
    mqtt.wait_for(node.topics.cmd("pastStack"))
    assert notification(home) == "The camera had no picture."
    forget(home, "from_blueprint")


def test_a_trigger_that_comes_back_from_unavailable_is_no_event(
    home: HomeAssistant, node: SampleNode, mqtt: Client
) -> None:
    use_blueprint(home)
    mqtt.publish("house/door", "None", retain=True)
    wait_until(lambda: home.api.state("binary_sensor.front_door")["state"] == "unknown", "the door to be unknown")
    mqtt.publish("house/door", "ON", retain=True)
    wait_until(lambda: home.api.state("binary_sensor.front_door")["state"] == "on", "the door to be open")
    mqtt.publish("house/door", "OFF", retain=True)
    wait_until(lambda: home.api.state("binary_sensor.front_door")["state"] == "off", "the door to be closed")
    mqtt.publish("house/door", "ON", retain=True)
    mqtt.wait_for(node.topics.cmd("pastStack"))
    assert len(mqtt.on(node.topics.cmd("pastStack"))) == 1
    forget(home, "from_blueprint")


def entities_of(card: Any) -> set[str]:
    """Return every entity id that a card names."""
    if isinstance(card, list):
        return set().union(*map(entities_of, card))
    if not isinstance(card, dict):
        return set()
    own = {str(v) for k, v in card.items() if k in ("entity", "entity_id") and isinstance(v, str)}
    return own.union(*(entities_of(v) for v in card.values()))


def test_the_dashboard_card_names_entities_that_exist(home: HomeAssistant, node: SampleNode) -> None:
    named = entities_of(yaml.safe_load((FOLDER / "dashboard-card.yaml").read_text()))
    assert named
    assert named <= {entry["entity_id"] for entry in home.registered().values() if entry["disabled_by"] is None}


def test_the_dashboard_card_is_drawn_without_an_error(home: HomeAssistant, node: SampleNode, tmp_path: Path) -> None:
    if shutil.which("chromium") is None:
        pytest.skip("chromium is not installed")
    card = yaml.safe_load((FOLDER / "dashboard-card.yaml").read_text())
    home.api.ws.command("lovelace/dashboards/create", url_path="pi-camera", title="Camera", mode="storage")
    view = {"title": "Camera", "cards": [card]}
    home.api.ws.command("lovelace/config/save", url_path="pi-camera", config={"views": [view]})
    text = screenshot_text("/pi-camera/0", tmp_path)
    for shown in ("Porch", "Take picture", "Picture of the past", "Mode", "Brightness", "131.4", "Night", "auto"):
        assert shown in text
    for complaint in ("Entity not found", "Entity not available", "Configuration error", "Unknown type"):
        assert complaint not in text
