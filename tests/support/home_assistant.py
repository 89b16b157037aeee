"""A real Home Assistant with its own broker, and the state of a simulated or real node in it.

The program that builds and starts it lies beside this repository; where it is absent, or cannot build
what it needs, the tests skip and say so.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pi_cam_node.mqtt.messages.topics import topics_of
from tests.support.broker import Client, wait_until
from tests.support.sample_node import FIGURES, config_of, message, retained

TOOLS = Path(__file__).parents[2].parent / "shared" / "tools" / "home-assistant"
INSTANCE = "pi-cam-node-tests"
BUILD_S = 900.0


class HomeAssistant:
    """A running Home Assistant. Entities are looked up by their unique id, which users cannot change.

    Args:
        node_id: Node of entities given by key only.
    """

    def __init__(self, node_id: str) -> None:
        from ha_client import HA  # noqa: PLC0415 - found only once its folder is in the path

        self.device = f"pi_cam_node_{node_id}"
        self._root = f"pi_cam_node/{node_id}"
        self.api: Any = HA.from_state(INSTANCE)

    @property
    def port(self) -> int:
        """Port of the broker."""
        return int(self.api.mqtt_port)

    @property
    def folder(self) -> Path:
        """Configuration folder of Home Assistant, ``/config`` on Home Assistant OS."""
        from ha_client import state_file  # noqa: PLC0415 - found only once its folder is in the path

        return Path(json.loads(state_file(INSTANCE).read_text())["config_dir"])

    def client(self) -> Client:
        """Return a client of the broker, for use in a ``with`` block."""
        return Client(self.port)

    def registered(self) -> dict[str, dict[str, Any]]:
        """Return the registry entries of the node's entities, by key."""
        entries = self.api.entities(self.device).values()
        return {entry["unique_id"].removeprefix(f"{self.device}_"): entry for entry in entries}

    def entity_id(self, key: str) -> str:
        """Return Home Assistant's id of an entity."""
        return str(self.registered()[key]["entity_id"])

    def states(self) -> dict[str, dict[str, Any]]:
        """Return state and attributes of the node's enabled entities, by key."""
        found = self.api.states()
        ids = {key: entry["entity_id"] for key, entry in self.registered().items()}
        return {key: found[entity_id] for key, entity_id in ids.items() if entity_id in found}

    def state(self, key: str) -> str:
        """Return the state of one entity; empty if it has none."""
        return str(self.states().get(key, {}).get("state", ""))

    def history(self, key: str, since: datetime) -> list[str]:
        """Return the recorded states of an entity since a UTC time, including the one at that time."""
        query = urllib.parse.urlencode({"filter_entity_id": self.entity_id(key), "minimal_response": ""})
        found = self.api.api("GET", f"/api/history/period/{since.isoformat().replace('+00:00', 'Z')}?{query}")
        return [str(row["state"]) for rows in found for row in rows]

    def wait_for(self, key: str, wanted: str | Callable[[str], object], timeout_s: float = 60.0) -> None:
        """Wait until an entity's state has this value, or this function is true for it."""
        entity_id = self.entity_id(key)

        def reached() -> bool:
            state = str((self.api.state(entity_id) or {}).get("state", ""))
            return state == wanted if isinstance(wanted, str) else bool(wanted(state))

        wait_until(reached, f"{key} to become {wanted}", timeout_s)

    def enable_all(self) -> None:
        """Enable entities that are disabled by default, and repeat the discovery."""
        hidden = [entry["entity_id"] for entry in self.registered().values() if entry["disabled_by"]]
        for entity_id in hidden:
            self.api.ws.command("config/entity_registry/update", entity_id=entity_id, disabled_by=None)
        entry = self.api.api("GET", "/api/config/config_entries/entry?domain=mqtt")[0]["entry_id"]
        self.api.api("POST", f"/api/config/config_entries/entry/{entry}/reload", {})
        wait_until(lambda: len(self.states()) == len(self.registered()), "every entity to have a state", 20)

    def complaints(self) -> list[str]:
        """Return warnings and errors about the node in Home Assistant's log since its start."""
        return [entry for entry in self.api.log() if self.device in entry or self._root in entry]

    def restart(self, what: str) -> None:
        """Restart ``ha`` or ``broker``, with the same data, token and ports."""
        if what == "ha":
            self.api.ws.close()
        done = run_tool("ha_up", "--instance", INSTANCE, "--restart", what)
        assert done.returncode == 0, done.stderr[-500:]
        if what == "ha":
            self.api._mark = 0  # each start creates a new log


def run_tool(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the tool to its end."""
    command = [sys.executable, str(TOOLS / program), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=BUILD_S, check=False)


def running(node_id: str) -> Iterator[HomeAssistant]:
    """Start an empty Home Assistant, yield it, and stop it; the body of a fixture."""
    if not (TOOLS / "ha_up").exists():
        pytest.skip(f"there is no {TOOLS.name} folder beside the repository")
    started = run_tool("ha_up", "--instance", INSTANCE, "--fresh", "--ha-port", "0", "--mqtt-port", "0")
    if started.returncode:
        run_tool("ha_down", "--instance", INSTANCE)
        pytest.skip(f"Home Assistant cannot be started here: {started.stderr.strip()[-300:]}")
    sys.path.append(str(TOOLS))
    home = HomeAssistant(node_id)
    try:
        yield home
    finally:
        home.api.ws.close()
        sys.path.remove(str(TOOLS))
        run_tool("ha_down", "--instance", INSTANCE, "--purge")


class SampleNode:
    """A simulated node that only publishes messages.

    Args:
        mqtt: A client of Home Assistant's broker.
        node_id: Its id.
        picture: A JPEG, used as live and saved picture.
    """

    def __init__(self, mqtt: Client, node_id: str, picture: bytes) -> None:
        self.config = config_of(node_id)
        self.topics = topics_of(self.config)
        self.picture = picture
        self._mqtt = mqtt

    def announce(self, body: Mapping[str, Any] | None = None) -> None:
        """Publish a discovery message, by default the node's own."""
        found = message(self.config.node.id) if body is None else body
        self._mqtt.publish(self.topics.own_discovery, json.dumps(found), retain=True)

    def say_all(self) -> None:
        """Publish all retained messages of a healthy node."""
        for topic, payload in retained(self.config, self.picture):
            self._mqtt.publish(topic, payload, retain=True)

    def say_figures(self, figures: Mapping[str, object] = FIGURES) -> None:
        """Publish telemetry, which is lost if Home Assistant has not subscribed yet."""
        self._mqtt.publish(self.topics.telemetry, json.dumps(figures))


def screenshot_text(page: str, folder: Path) -> str:
    """Return the text of a frontend page in a real browser; a screenshot is saved in the folder."""
    picture, text = folder / "page.png", folder / "page.txt"
    for wait_s in ("8", "20", "40"):  # on a busy machine the page is still loading
        drawn = run_tool("ha_shot", page, str(picture), "--instance", INSTANCE, "--wait", wait_s, "--text", str(text))
        assert drawn.returncode == 0, drawn.stderr[-500:]
        if "Loading..." not in text.read_text():
            break
    return text.read_text()
