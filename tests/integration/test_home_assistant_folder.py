"""Dashboard, automations and blueprints of this repository in a real Home Assistant."""

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
BLUEPRINT = "past_picture.yaml"

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
    """Return a client of its broker, subscribed to all commands."""
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
    """Return the automations of this repository by id, with the configuration folder of this Home Assistant."""
    text = (FOLDER / "automations.yaml").read_text().replace("/config/", f"{home.folder}/")
    return {config["id"]: config for config in yaml.safe_load(text)}


def answer_past_stack(node: SampleNode, mqtt: Client, before_s: float, picture_id: str = "the-new-one") -> None:
    """Act as the node that has just been asked for a picture of the past, and saved it."""
    asked = mqtt.wait_for(node.topics.cmd("pastStack"))
    assert not asked.retain
    request = json.loads(asked.payload)
    assert before_s <= request["at"] < before_s + 30  # the time until it was asked is added
    save_picture(node, mqtt, picture_id, node.picture)
    reply_to(
        node, mqtt, request, "pastStack", {**PICTURE, "id": picture_id, "url": f"http://porch.lan/media/{picture_id}"}
    )


def save_picture(node: SampleNode, mqtt: Client, picture_id: str, picture: bytes) -> None:
    """Act as the node that saved a picture, for whatever reason."""
    mqtt.publish(node.topics.shown_picture, picture)
    mqtt.publish(node.topics.media_last, json.dumps({**PICTURE, "id": picture_id}), retain=True)


def reply_to(
    node: SampleNode, mqtt: Client, request: dict[str, Any], verb: str, data: dict[str, object], *, ok: bool = True
) -> None:
    """Act as the node that has done what it was asked."""
    reply = {"id": request["id"], "verb": verb, "ok": ok, "code": "ok" if ok else "no_frames", "message": "done"}
    mqtt.publish(node.topics.reply(verb), json.dumps({**reply, "data": data, "stage": "final"}))


def test_a_door_that_opens_shows_who_was_there_before(home: HomeAssistant, node: SampleNode, mqtt: Client) -> None:
    automate(home, shipped(home)["pi_cam_node_porch_door"])
    mqtt.publish("house/door", "ON", retain=True)
    answer_past_stack(node, mqtt, 2)
    told = notification(home)
    assert "![The porch](/local/pi_cam_node/the-new-one.jpg)" in told
    for number in range(3):
        save_picture(node, mqtt, f"later-{number}", jpeg.encode(np.zeros((48, 64, 3), np.uint8), "bgr", 85))
    wait_until(lambda: home.states()["last_picture"]["attributes"]["id"] == "later-2", "the next pictures")
    # Without a login, and so for as long as the copy is there.
    with urllib.request.urlopen(f"{home.api.url}/local/pi_cam_node/the-new-one.jpg", timeout=60) as answer:
        assert answer.read() == node.picture
    forget(home, "pi_cam_node_porch_door")


def test_an_id_that_leads_to_another_folder_is_no_part_of_a_file_name(
    home: HomeAssistant, node: SampleNode, mqtt: Client
) -> None:
    """Whoever writes the topics of one camera could replace the pictures of all, and others below www."""
    (home.folder / "www" / "pi_cam_node").mkdir(exist_ok=True)
    automate(home, shipped(home)["pi_cam_node_porch_door"])
    mqtt.publish("house/door", "ON", retain=True)
    answer_past_stack(node, mqtt, 2, "../elsewhere")
    assert notification(home) == "The camera had no picture of it."
    assert not (home.folder / "www" / "elsewhere.jpg").exists()
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


def use_blueprint(home: HomeAssistant, name: str = BLUEPRINT, needed: set[str] | None = None, **inputs: object) -> None:
    """Store a blueprint and an automation made of it."""
    path = f"pi_cam_node/{name}"
    text = (FOLDER / "blueprints" / "automation" / path).read_text()
    home.api.ws.command("blueprint/save", domain="automation", path=path, yaml=text, allow_override=True)
    found = home.api.ws.command("blueprint/list", domain="automation")[path]
    assert "error" not in found
    asked_for = {key for key, field in found["metadata"]["input"].items() if "default" not in field}
    assert asked_for == (needed or {"trigger_entity", "node_id", "last_picture"})
    given = {
        "trigger_entity": "binary_sensor.front_door",
        "node_id": "porch",
        "last_picture": home.entity_id("last_picture"),
        "folder": f"{home.folder}/www/pi_cam_node",
        **inputs,
    }
    known = {key: value for key, value in given.items() if key in found["metadata"]["input"]}
    config = {"id": "from_blueprint", "alias": "From blueprint", "use_blueprint": {"path": path, "input": known}}
    automate(home, config)


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
    request = json.loads(mqtt.wait_for(node.topics.cmd("pastStack")).payload)
    reply_to(node, mqtt, request, "pastStack", {}, ok=False)
    assert notification(home) == "The camera had no picture."
    forget(home, "from_blueprint")


@pytest.mark.parametrize("made_of", ["past_picture.yaml", "what_was_seen.yaml", "automations.yaml"])
def test_a_picture_that_is_saved_meanwhile_does_not_pass_for_the_one_of_the_event(
    home: HomeAssistant, node: SampleNode, mqtt: Client, made_of: str
) -> None:
    used = "from_blueprint"
    if made_of == "automations.yaml":
        used = "pi_cam_node_porch_door"
        automate(home, shipped(home)[used])
    elif made_of == "what_was_seen.yaml":
        use_blueprint(home, made_of, NEEDED_SEEN, triggers=[SEEN])
    else:
        use_blueprint(home)
    mqtt.publish("house/door", "ON", retain=True)
    request = json.loads(mqtt.wait_for(node.topics.cmd("pastStack")).payload)
    other = jpeg.encode(np.zeros((48, 64, 3), np.uint8), "bgr", 85)
    save_picture(node, mqtt, "before-it", other)
    save_picture(node, mqtt, "its-own", node.picture)
    save_picture(node, mqtt, "after-it", other)
    reply_to(node, mqtt, request, "pastStack", {**PICTURE, "id": "its-own", "url": "http://porch.lan/media/its-own"})
    assert "(http://porch.lan/media/its-own)" in notification(home)
    assert not (home.folder / "www" / "pi_cam_node" / "its-own.jpg").exists()
    forget(home, used)


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


SEEN = {"trigger": "state", "entity_id": "binary_sensor.front_door", "from": "off", "to": "on"}
NEEDED_SEEN = {"triggers", "node_id", "last_picture"}


def answer(node: SampleNode, mqtt: Client, verb: str, data: dict[str, object]) -> dict[str, Any]:
    """Act as the node that was asked by a command with an id; return what it was asked."""
    asked: dict[str, Any] = json.loads(mqtt.wait_for(node.topics.cmd(verb)).payload)
    reply_to(node, mqtt, asked, verb, data)
    return asked


def test_any_trigger_shows_the_picture_of_that_moment(home: HomeAssistant, node: SampleNode, mqtt: Client) -> None:
    use_blueprint(home, "what_was_seen.yaml", NEEDED_SEEN, triggers=[SEEN], seconds_before=3)
    mqtt.publish("house/door", "ON", retain=True)
    answer_past_stack(node, mqtt, 3, "asked-for")
    assert "![Picture](/local/pi_cam_node/asked-for.jpg)" in notification(home)
    assert (home.folder / "www" / "pi_cam_node" / "asked-for.jpg").read_bytes() == node.picture
    forget(home, "from_blueprint")


def test_a_clip_goes_to_a_phone_whose_buttons_command_the_camera(
    home: HomeAssistant, node: SampleNode, mqtt: Client
) -> None:
    phone = {"show": "clip", "phone": "notify.persistent_notification", "seconds_after": 1}
    use_blueprint(home, "what_was_seen.yaml", NEEDED_SEEN, triggers=[SEEN], **phone)
    mqtt.publish("house/door", "ON", retain=True)
    asked = answer(
        node, mqtt, "clip", {"id": "film", "url": "http://porch.lan/media/film", "seconds": 3.0, "path": "/f"}
    )
    assert (asked["before_s"], asked["after_s"]) == (2, 1)
    assert "before, on porch" in notification(home)

    def pressed() -> bool:
        home.api.api("POST", "/api/events/mobile_app_notification_action", {"action": f"{asked['id']}_privacy"})
        return bool(mqtt.on(node.topics.cmd("privacy")))

    wait_until(pressed, "the button to reach the camera", 30)
    assert mqtt.on(node.topics.cmd("privacy"))[0].payload == b"on"
    forget(home, "from_blueprint")


def test_what_the_camera_refuses_is_told(home: HomeAssistant, node: SampleNode, mqtt: Client) -> None:
    use_blueprint(home, "what_was_seen.yaml", NEEDED_SEEN, triggers=[SEEN])
    mqtt.publish("house/door", "ON", retain=True)
    asked = json.loads(mqtt.wait_for(node.topics.cmd("pastStack")).payload)
    refused = {"id": asked["id"], "ok": False, "message": "NO_FRAMES", "data": {"why": "x"}, "stage": "final"}
    mqtt.publish(node.topics.reply("pastStack"), json.dumps(refused))
    assert "nothing to show: NO_FRAMES" in notification(home)
    forget(home, "from_blueprint")


def film_event(number: int, zone: str) -> str:
    """Return an event about a film of motion."""
    media = {"id": f"film-{number}", "kind": "recording", "url": "http://porch.lan/media/film", "path": "/f"}
    facts = {"zones": [zone], "cause": "motion", "seconds": 12.0, "began_at": "2026-11-20T19:44:59.123Z"}
    return json.dumps({"event_type": "recording_saved", "id": f"event-{number}", "media": media, **facts})


def test_motion_is_told_with_its_film_where_the_zone_is_wanted(
    home: HomeAssistant, node: SampleNode, mqtt: Client
) -> None:
    mqtt.publish(node.topics.shown_event, node.picture, retain=True)
    entities = {"event_entity": home.entity_id("event"), "event_picture": home.entity_id("last_event")}
    use_blueprint(home, "motion_clip.yaml", set(entities), zones="door, path", **entities)
    topic = node.topics.event("recording_saved")
    # The event entity was never seen: its first state comes from unknown, which is no event for the automation.
    for number, zone in ((1, "door"), (2, "garden"), (3, "door")):
        mqtt.publish(node.topics.media_event, json.dumps({"id": f"event-{number}"}), retain=True)
        wait_until(lambda n=number: home.states()["last_event"]["attributes"].get("id") == f"event-{n}", "its picture")  # type: ignore[misc]
        mqtt.publish(topic, film_event(number, zone))
        wait_until(lambda n=number: home.states()["event"]["attributes"].get("id") == f"event-{n}", "the event")  # type: ignore[misc]
    told = notification(home)
    assert "[Film of 12.0 s](http://porch.lan/media/film)" in told
    assert "![Picture](/local/pi_cam_node/event-3.jpg)" in told
    assert len(home.api.ws.command("persistent_notification/get")) == 1
    forget(home, "from_blueprint")


def test_a_film_is_told_without_a_picture_where_the_next_event_has_begun(
    home: HomeAssistant, node: SampleNode, mqtt: Client
) -> None:
    entities = {"event_entity": home.entity_id("event"), "event_picture": home.entity_id("last_event")}
    use_blueprint(home, "motion_clip.yaml", set(entities), **entities)
    topic = node.topics.event("recording_saved")
    mqtt.publish(topic, film_event(10, "door"))  # the event entity is known from now on, in whatever order tests run
    wait_until(lambda: home.states()["event"]["attributes"].get("id") == "event-10", "the event")
    for note in home.api.ws.command("persistent_notification/get"):
        home.api.call("persistent_notification", "dismiss", notification_id=note["notification_id"])
    mqtt.publish(node.topics.shown_event, node.picture)
    mqtt.publish(node.topics.media_event, json.dumps({"id": "event-12"}), retain=True)
    wait_until(lambda: home.states()["last_event"]["attributes"].get("id") == "event-12", "the next event")
    mqtt.publish(topic, film_event(11, "door"))
    told = notification(home)
    assert "[Film of 12.0 s]" in told
    assert "![Picture]" not in told
    forget(home, "from_blueprint")


def test_a_lamp_follows_the_brightness_of_the_camera(home: HomeAssistant, node: SampleNode, mqtt: Client) -> None:
    brightness, lamp = home.entity_id("brightness"), {"entity_id": "light.porch_lamp"}
    use_blueprint(home, "light_by_brightness.yaml", {"brightness", "lamp"}, brightness=brightness, lamp=lamp, minutes=0)
    for level, wanted in (("20.0", b"ON"), ("60.0", None), ("180.0", b"OFF")):
        mqtt.clear()
        mqtt.publish(node.topics.state("brightness"), level, retain=True)
        if wanted:
            assert mqtt.wait_for("house/lamp/set").payload == wanted
            mqtt.publish("house/lamp", wanted, retain=True)
        else:
            home.wait_for("brightness", level)
            assert mqtt.on("house/lamp/set") == []
    forget(home, "from_blueprint")


def entities_of(card: Any) -> set[str]:
    """Return every entity id that a card names."""
    if isinstance(card, list):
        return set().union(*map(entities_of, card))
    if not isinstance(card, dict):
        return set()
    own = {str(v) for k, v in card.items() if k in ("entity", "entity_id") and isinstance(v, str)}
    return own.union(*(entities_of(v) for v in card.values()))


@pytest.mark.parametrize("file", ["dashboard-card.yaml", "dashboard.yaml"])
def test_the_dashboards_name_entities_that_exist(home: HomeAssistant, node: SampleNode, file: str) -> None:
    named = entities_of(yaml.safe_load((FOLDER / file).read_text()))
    assert named
    assert named <= {entry["entity_id"] for entry in home.registered().values() if entry["disabled_by"] is None}


def draw(home: HomeAssistant, config: dict[str, Any], path: str, folder: Path) -> str:
    """Store a dashboard, and return the text of its first view as a browser shows it."""
    if shutil.which("chromium") is None:
        pytest.skip("chromium is not installed")
    home.api.ws.command("lovelace/dashboards/create", url_path=path, title=path, mode="storage")
    home.api.ws.command("lovelace/config/save", url_path=path, config=config)
    text = screenshot_text(f"/{path}/0", folder)
    for complaint in ("Entity not found", "Entity not available", "Configuration error", "Unknown type"):
        assert complaint not in text
    return text


def test_the_dashboard_card_is_drawn_without_an_error(home: HomeAssistant, node: SampleNode, tmp_path: Path) -> None:
    card = yaml.safe_load((FOLDER / "dashboard-card.yaml").read_text())
    text = draw(home, {"views": [{"title": "Camera", "cards": [card]}]}, "pi-camera", tmp_path)
    for shown in ("Porch", "Take picture", "Picture of the past", "Mode", "Brightness", "131.4", "Night", "auto"):
        assert shown in text


def test_the_dashboard_is_drawn_without_an_error(home: HomeAssistant, node: SampleNode, tmp_path: Path) -> None:
    text = draw(home, yaml.safe_load((FOLDER / "dashboard.yaml").read_text()), "pi-dashboard", tmp_path)
    for shown in ("Now", "Before", "Take picture", "Clip of the past", "Privacy", "How long ago", "Record", "131.4"):
        assert shown in text
