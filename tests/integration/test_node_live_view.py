"""Live view and text port of a whole node: commands by one interface take effect in the others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pi_cam_node.imaging.jpeg import decode
from tests.support.bars import bar
from tests.support.broker import Mosquitto, free_port, wait_until
from tests.support.interfaces import Interfaces, with_interfaces
from tests.support.running_node import BASE, CommandClient, RunningNode

pytestmark = pytest.mark.broker


@pytest.fixture
def interfaces(broker: Mosquitto, tmp_path: Path) -> Iterator[Interfaces]:
    with with_interfaces(tmp_path, broker) as found:
        yield found


def test_a_reply_goes_out_by_the_door_that_its_command_came_by(interfaces: Interfaces) -> None:
    assert interfaces.post("health")["ok"]
    assert interfaces.say("health\n").startswith(b"RSS=")
    assert interfaces.commands.client.on(f"{BASE}/reply/health") == []


def test_a_picture_asked_for_over_http_is_told_over_mqtt_with_a_link_that_opens(interfaces: Interfaces) -> None:
    facts = interfaces.post("save", formats=["jpg"])["data"]
    wait_until(lambda: interfaces.commands.client.latest(f"{BASE}/media/last"), "the facts on their topic")
    told = json.loads(interfaces.commands.client.latest(f"{BASE}/media/last") or b"{}")
    assert (told["id"], told["url"]) == (facts["id"], facts["url"])
    _, picture = interfaces.get(told["url"].removeprefix(interfaces.url))
    assert picture == Path(facts["path"]).read_bytes()
    assert decode(picture).shape == (240, 320, 3)


def test_a_setting_changed_by_one_door_is_seen_through_the_others(interfaces: Interfaces) -> None:
    assert interfaces.say("set night.gain 9\n").strip() == b"OK: changed night.gain from 6 to 9"
    wait_until(lambda: interfaces.commands.client.latest(f"{BASE}/config/night.gain") == b"9", "the topic")
    values = {each["key"]: each["value"] for each in json.loads(interfaces.get("/api/config")[1])["settings"]}
    assert values["night.gain"] == 9


def test_the_stream_and_the_snapshot_show_the_camera(interfaces: Interfaces) -> None:
    assert decode(interfaces.get("/snapshot.jpg?fresh=1")[1]).shape == (240, 320, 3)
    with interfaces.open("/stream") as stream:
        head = stream.read(200)
    assert head.startswith(b"--frame\r\nContent-Type: image/jpeg\r\n")


def test_health_is_not_ok_without_a_broker_and_the_view_goes_on(interfaces: Interfaces, broker: Mosquitto) -> None:
    assert interfaces.get("/healthz") == (200, b"ok")
    broker.stop()
    wait_until(lambda: json.loads(interfaces.get("/api/state")[1])["broker"] is False, "the loss to be seen")
    assert decode(interfaces.get("/snapshot.jpg?fresh=1")[1]).shape == (240, 320, 3)
    assert interfaces.post("save", formats=["jpg"])["ok"]


def test_a_clean_stop_ends_streams_too(interfaces: Interfaces) -> None:
    with interfaces.open("/stream") as stream:
        stream.read(1000)
        code, took_s = interfaces.node.stop()
    assert (code, took_s < bar(5)) == (0, True)
    assert "Traceback" not in interfaces.node.log()


@pytest.mark.parametrize(("host", "is_told"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_home_assistant_is_told_an_address_only_where_it_can_be_reached(
    broker: Mosquitto, tmp_path: Path, host: str, is_told: bool
) -> None:
    port = free_port()
    view = {"mjpeg_server": {"enable": True, "port": port}, "http": {"host": host}}
    sections: dict[str, Any] = view
    with RunningNode(tmp_path, broker.port, **sections) as node, broker.client() as client:
        commands = CommandClient(client)
        commands.wait_online()
        wait_until(lambda: "the live view is at" in node.log(), "the live view", 20)
        assert commands.ask("health")["ok"]
        topic = "homeassistant/device/pi_cam_node_porch/config"
        if is_told:
            wait_until(lambda: str(port).encode() in (client.latest(topic) or b""), "the address")
        url = json.loads(client.latest(topic) or b"{}")["device"].get("configuration_url", "")
        assert url.startswith("http://") == url.endswith(f":{port}") == is_told, url
