"""A real node with a real Home Assistant: all entities are used, and each program is restarted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pi_cam_node.camera.sources.synthetic.source import SETTINGS
from pi_cam_node.config import Config, settings
from pi_cam_node.core.camera_settings import unserved
from pi_cam_node.core.commands.all import registry
from pi_cam_node.core.entities import Entity, entities
from pi_cam_node.core.inputs import CameraOpened
from pi_cam_node.imaging import jpeg
from pi_cam_node.system.metrics import absent_figures
from pi_cam_node.system.systemd import RESTARTED_BY
from tests.support.broker import Client, wait_until
from tests.support.home_assistant import HomeAssistant, running

pytestmark = pytest.mark.home_assistant

REPOSITORY = Path(__file__).parents[2]
ROOT = "pi_cam_node/porch"
SIZE = (320, 240)
RESTART_CODE = 75

CONFIG = """
node: {{id: porch}}
mqtt: {{host: 127.0.0.1, port: {port}, keepalive_s: 5}}
camera: {{source: synthetic, width: 320, height: 240, framerate: 10}}
export: {{base_dir: captures, save_before_s: 1, stack_count: 2}}
telemetry: {{interval_s: 1}}
"""

CAMERA = CameraOpened("synthetic", SIZE, controls=True, settings=SETTINGS, tells_light=True)
# Without what this camera and this machine do not have.
OFFERED = {e.key: e for e in entities(Config(), registry().values(), unserved(CAMERA) | absent_figures())}


class RealNode:
    """The program as a user starts it."""

    def __init__(self, folder: Path, port: int) -> None:
        self._config = folder / "config.yaml"
        self._config.write_text(CONFIG.format(port=port))
        self._log = folder / "node.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; whether it is well is seen elsewhere."""
        command = [sys.executable, "-m", "pi_cam_node", "run", "--config", str(self._config)]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), RESTARTED_BY: "these tests"}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self._config.parent, env=environment, stdout=log, stderr=subprocess.STDOUT
            )

    def wait(self) -> int:
        """Wait for its end and return the exit code."""
        assert self._process is not None
        return self._process.wait(20)

    def stop(self) -> int:
        """End it as a supervisor does and return the exit code."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self.wait()
        finally:
            self._process.kill()
            self._process.wait()

    def log(self) -> str:
        """Return the end of what it wrote."""
        return self._log.read_text()[-4000:]

    def settings(self) -> str:
        """Return its configuration file."""
        return self._config.read_text()


@pytest.fixture(scope="module")
def home() -> Iterator[HomeAssistant]:
    """Return an empty Home Assistant that ends with the module."""
    yield from running("porch")


@pytest.fixture(scope="module")
def process(home: HomeAssistant, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealNode]:
    """Start the node once, and enable what is hidden by default."""
    found = RealNode(tmp_path_factory.mktemp("node"), home.port)
    found.start()
    try:
        wait_until(lambda: len(home.registered()) == len(OFFERED), "every entity to be registered", 30)
        home.enable_all()
        yield found
    finally:
        found.stop()


@pytest.fixture
def node(home: HomeAssistant, process: RealNode) -> Iterator[RealNode]:
    """Return a node that is well; afterwards nothing in Home Assistant's log may name it."""
    all_available(home, process)
    yield process
    assert home.complaints() == []


@pytest.fixture
def mqtt(home: HomeAssistant, node: RealNode) -> Iterator[Client]:
    """Return a client subscribed to the node's topics."""
    with home.client() as client:
        yield client.subscribe(f"{ROOT}/#")


def all_available(home: HomeAssistant, process: RealNode) -> None:
    """Wait until no entity is unavailable; telemetry included, so that it takes a period."""

    def missing() -> set[str]:
        states = home.states()
        # A picture is there when one was saved.
        asked = [key for key, entity in OFFERED.items() if entity.platform != "image"]
        return {key for key in asked if states.get(key, {}).get("state", "unavailable") == "unavailable"}

    try:
        wait_until(lambda: not missing(), "every entity to be available", 40)
    except AssertionError:
        pytest.fail(f"still unavailable: {sorted(missing())}; the node's log ends with\n{process.log()}")


def of(platform: str) -> list[Entity]:
    """Return what the node offers of a platform."""
    found = [entity for entity in OFFERED.values() if entity.platform == platform]
    assert found, platform
    return found


def change(home: HomeAssistant, mqtt: Client, entity: Entity, service: str, value: object, raw: str) -> None:
    """Change a setting in Home Assistant; it must come to the node, into force, and back."""
    domain, _, name = service.partition(".")
    key = {"number": "value", "select": "option", "text": "value"}.get(entity.platform)
    mqtt.clear()
    home.api.call(domain, name, home.entity_id(entity.key), **({key: value} if key else {}))
    mqtt.wait_for(f"{ROOT}/config/{entity.source}", raw)
    shown = str(value) if key else name.removeprefix("turn_")
    if entity.platform == "number":
        home.wait_for(entity.key, lambda state: abs(float(state) - float(shown)) < 1e-6)
    else:
        home.wait_for(entity.key, shown)


def test_every_figure_of_the_telemetry_reaches_its_entity(home: HomeAssistant, node: RealNode, mqtt: Client) -> None:
    figures = {e.source for e in OFFERED.values() if e.origin == "telemetry"}
    sent = json.loads(mqtt.wait_for(f"{ROOT}/telemetry").payload)
    assert figures - set(sent) == set()
    known = figures - {"latency_ms"}  # there may have been no request yet
    wait_until(
        lambda: all(home.states()[key]["state"] not in ("unknown", "unavailable") for key in known),
        "every figure to be known",
        20,
    )


def test_states_of_the_scene_reach_their_entities(home: HomeAssistant, node: RealNode) -> None:
    states = home.states()
    assert states["mode"]["state"] in ("day", "night")
    assert 0 <= float(states["brightness"]["state"]) <= 255
    assert states["camera_link"]["state"] == "on"
    assert states["last_error"]["state"] == "ok"
    home.wait_for("ring_seconds", lambda state: float(state) > 0)


@pytest.mark.parametrize("key", ["save", "past_stack"])
def test_a_press_saves_a_picture_and_shows_it(home: HomeAssistant, node: RealNode, mqtt: Client, key: str) -> None:
    home.wait_for("ring_seconds", lambda state: float(state) > 1)
    home.api.call("button", "press", home.entity_id(key))
    verb = OFFERED[key].verb
    reply = json.loads(mqtt.wait_for(f"{ROOT}/reply/{verb}", lambda m: b'"final"' in m.payload).payload)
    assert reply["ok"], reply
    # What is not retained was published just now; the rest is of an earlier picture.
    facts = json.loads(mqtt.wait_for(f"{ROOT}/media/last", lambda m: not m.retain).payload)
    sent = mqtt.wait_for(f"{ROOT}/media/last/image", lambda m: not m.retain).payload
    wait_until(lambda: home.states()["last_picture"]["attributes"].get("id") == facts["id"], "the facts of the picture")
    assert home.api.image(home.entity_id("last_picture")) == (sent, "image/jpeg")
    assert jpeg.decode(sent).shape == (SIZE[1], SIZE[0], 3)
    wait_until(lambda: home.states()["event"]["attributes"].get("id") == facts["id"], "the event")
    assert Path(facts["path"]).exists()


def test_the_live_picture_is_the_cameras(home: HomeAssistant, node: RealNode, mqtt: Client) -> None:
    mqtt.wait_count(f"{ROOT}/frame", 2)
    picture = home.api.camera_image(home.entity_id("camera"))
    assert jpeg.decode(picture).shape == (SIZE[1], SIZE[0], 3)


def test_every_number_can_be_moved(home: HomeAssistant, node: RealNode, mqtt: Client) -> None:
    for entity in of("number"):
        assert entity.maximum is not None
        assert entity.step is not None
        before = float(home.state(entity.key))
        step = entity.step if before + entity.step <= entity.maximum else -entity.step
        value = round(before + step, 3)
        raw = settings.as_text(round(value * entity.scale, 6))
        change(home, mqtt, entity, "number.set_value", value, raw)
        change(home, mqtt, entity, "number.set_value", before, settings.as_text(round(before * entity.scale, 6)))


def test_every_switch_can_be_flipped(home: HomeAssistant, node: RealNode, mqtt: Client) -> None:
    for entity in of("switch"):
        before = home.state(entity.key)
        for wanted in ("off" if before == "on" else "on", before):
            change(home, mqtt, entity, f"switch.turn_{wanted}", None, wanted)


def test_the_privacy_switch_takes_the_camera_away_and_brings_it_back(
    home: HomeAssistant, node: RealNode, mqtt: Client
) -> None:
    switch = OFFERED["privacy_enable"]
    mqtt.wait_count(f"{ROOT}/frame", 1)
    change(home, mqtt, switch, "switch.turn_on", None, "on")
    home.wait_for("camera", "unavailable")
    home.wait_for("camera_link", "off")
    mqtt.wait_for(f"{ROOT}/frame", b"")
    home.api.call("button", "press", home.entity_id("past_stack"))
    reply = json.loads(mqtt.wait_for(f"{ROOT}/reply/pastStack", lambda m: b'"final"' in m.payload).payload)
    assert reply["code"] == "privacy_on"
    change(home, mqtt, switch, "switch.turn_off", None, "off")
    home.wait_for("camera_link", "on")
    all_available(home, node)


def gives_picture(home: HomeAssistant, entity_id: str) -> bool:
    """Return whether a program with a login gets a picture, whatever the state of the entity."""
    status, _data, _headers = home.api.request("GET", f"/api/image_proxy/{entity_id}")
    return bool(status == 200)


def test_privacy_makes_no_new_picture_and_the_last_one_is_there_again(
    home: HomeAssistant, node: RealNode, mqtt: Client
) -> None:
    home.api.call("button", "press", home.entity_id("save"))
    sent = mqtt.wait_for(f"{ROOT}/media/last/image", lambda m: not m.retain).payload
    shown = home.entity_id("last_picture")
    wait_until(lambda: home.api.image(shown)[0] == sent, "the picture")
    taken, began = home.state("last_picture"), datetime.now(UTC)
    never = home.state("last_event")
    for _ in range(2):
        change(home, mqtt, OFFERED["privacy_enable"], "switch.turn_on", None, "on")
        home.wait_for("last_picture", "unavailable")
        mqtt.wait_for(f"{ROOT}/media/last/image", b"")
        wait_until(lambda: not gives_picture(home, shown), "Home Assistant to give its own copy no more")
        change(home, mqtt, OFFERED["privacy_enable"], "switch.turn_off", None, "off")
        home.wait_for("last_picture", taken)
        mqtt.wait_for(f"{ROOT}/media/last/image", sent)
        assert home.api.image(shown) == (sent, "image/jpeg")
    all_available(home, node)
    assert (home.state("last_picture"), home.state("last_event")) == (taken, never)
    assert set(home.history("last_picture", began)) <= {taken, "unavailable"}
    assert set(home.history("last_event", began)) == {"unavailable"}, "there was no event yet"


def test_home_assistant_has_the_picture_after_its_own_start(home: HomeAssistant, node: RealNode, mqtt: Client) -> None:
    home.api.call("button", "press", home.entity_id("save"))
    sent = mqtt.wait_for(f"{ROOT}/media/last/image", lambda m: not m.retain).payload
    home.restart("ha")
    wait_until(home.states, "Home Assistant to have states", 60)
    home.wait_for("last_picture", lambda state: state not in ("", "unknown", "unavailable"))
    assert home.api.image(home.entity_id("last_picture"))[0] == sent


def test_every_option_can_be_chosen(home: HomeAssistant, node: RealNode, mqtt: Client) -> None:
    for entity in of("select"):
        before = home.state(entity.key)
        for option in (*[choice for choice in entity.choices if choice != before], before):
            change(home, mqtt, entity, "select.select_option", option, option)


TEXTS = {
    "overlay_text": "{name} {time}",
    "motion_zones": '["door=0.1,0.2 0.5,0.2 0.5,0.9"]',
    "motion_ignore": '["0,0 0.2,0 0.2,0.2"]',
}
"""A value of each text that has no list of choices."""


def test_every_text_can_be_set(home: HomeAssistant, node: RealNode, mqtt: Client) -> None:
    for entity in of("text"):
        before = home.state(entity.key)
        values = (entity.choices[0], ", ".join(entity.choices)) if entity.choices else (TEXTS[entity.key],)
        for value in (*values, before):
            change(home, mqtt, entity, "text.set_value", value, value or '""')  # an empty message would take it away


def test_zones_longer_than_a_state_are_shown_cut_and_not_taken_back_so(
    home: HomeAssistant, node: RealNode, mqtt: Client
) -> None:
    zones = json.dumps([f"z{n}=0.1,0.2 0.5,0.2 0.5,0.9 0.2,0.9" for n in range(9)])
    mqtt.publish(f"{ROOT}/set/motion.zones", zones)
    mqtt.wait_for(f"{ROOT}/config/motion.zones", zones)
    cut = zones[:254] + "…"
    home.wait_for("motion_zones", cut)
    mqtt.clear()
    home.api.call("text", "set_value", home.entity_id("motion_zones"), value=cut)
    assert json.loads(mqtt.wait_for(f"{ROOT}/reply/set").payload)["code"] == "out_of_range"
    change(home, mqtt, OFFERED["motion_zones"], "text.set_value", "", '""')


def test_a_change_that_the_node_refuses_leaves_the_old_value(home: HomeAssistant, node: RealNode, mqtt: Client) -> None:
    bright = float(home.state("night_bright_threshold"))
    dark = home.state("night_dark_threshold")
    home.api.call("number", "set_value", home.entity_id("night_dark_threshold"), value=bright + 1)
    reply = json.loads(mqtt.wait_for(f"{ROOT}/reply/set").payload)
    assert (reply["ok"], reply["code"]) == (False, "out_of_range")
    assert home.state("night_dark_threshold") == dark


def test_save_settings_writes_what_was_changed(home: HomeAssistant, node: RealNode, mqtt: Client) -> None:
    change(home, mqtt, OFFERED["export_stack_count"], "number.set_value", 7, "7")
    home.api.call("button", "press", home.entity_id("overwrite_config"))
    reply = json.loads(mqtt.wait_for(f"{ROOT}/reply/overwrite_config", lambda m: b'"final"' in m.payload).payload)
    assert reply["ok"], reply
    assert "stack_count: 7" in node.settings()


def test_an_entity_goes_with_what_it_shows_and_comes_back(home: HomeAssistant, node: RealNode, mqtt: Client) -> None:
    rate = OFFERED["homeassistant_camera_fps"]
    change(home, mqtt, rate, "number.set_value", 0, "0")
    try:
        wait_until(lambda: "camera" not in home.registered(), "the camera entity to go")
    finally:
        change(home, mqtt, rate, "number.set_value", 2, "2")
    wait_until(lambda: "camera" in home.registered(), "the camera entity to come back")


def test_figures_expire_by_the_interval_in_force(home: HomeAssistant, node: RealNode, mqtt: Client) -> None:
    change(home, mqtt, OFFERED["telemetry_interval_s"], "number.set_value", 2, "2")
    discovery = "homeassistant/device/pi_cam_node_porch/config"
    mqtt.subscribe(discovery)
    mqtt.wait_for(discovery, lambda m: json.loads(m.payload)["components"]["fps"]["expire_after"] == 6)


def test_everything_returns_after_the_broker_was_restarted(home: HomeAssistant, node: RealNode) -> None:
    home.restart("broker")
    wait_until(lambda: home.state("mode") == "unavailable", "Home Assistant to notice")
    all_available(home, node)


def test_everything_returns_after_home_assistant_was_restarted(home: HomeAssistant, node: RealNode) -> None:
    before = {key: entry["entity_id"] for key, entry in home.registered().items()}
    home.restart("ha")
    wait_until(home.states, "Home Assistant to have states", 30)
    all_available(home, node)
    assert {key: entry["entity_id"] for key, entry in home.registered().items()} == before


def test_the_restart_button_ends_the_node_for_its_supervisor(home: HomeAssistant, node: RealNode) -> None:
    home.api.call("button", "press", home.entity_id("restart"))
    assert node.wait() == RESTART_CODE, node.log()
    wait_until(lambda: home.state("mode") == "unavailable", "the node to be away")
    node.start()
    all_available(home, node)


def test_a_node_that_is_stopped_says_so_before_it_goes(home: HomeAssistant, node: RealNode) -> None:
    assert node.stop() == 0, node.log()
    wait_until(lambda: {s["state"] for s in home.states().values()} == {"unavailable"}, "everything to be away")
    node.start()
    all_available(home, node)
