"""The live view and the old text port of a whole node: what comes by one door is seen through the others."""

from __future__ import annotations

import json
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pi_cam_node.imaging.jpeg import decode
from tests.support.broker import Mosquitto, free_port, wait_until
from tests.support.running_node import BASE, Asker, RunningNode

pytestmark = pytest.mark.broker


class Doors:
    """A running node with all its doors open, and who knocks."""

    def __init__(self, asker: Asker, node: RunningNode, http_port: int, tcp_port: int) -> None:
        self.asker, self.node, self.tcp_port = asker, node, tcp_port
        self.url = f"http://127.0.0.1:{http_port}"

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return bytes(answer.read())

    def post(self, verb: str, **arguments: Any) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/api/commands/{verb}", json.dumps(arguments).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return dict(json.load(answer))

    def say(self, line: str) -> str:
        with socket.create_connection(("127.0.0.1", self.tcp_port), 10) as conversation:
            conversation.sendall(line.encode())
            return b"".join(iter(lambda: conversation.recv(65536), b"")).decode()


@pytest.fixture
def doors(broker: Mosquitto, tmp_path: Path) -> Iterator[Doors]:
    http, tcp = free_port(), free_port()
    sections: dict[str, Any] = {
        "mjpeg_server": {"enable": True, "port": http},
        "network": {"trigger_enable": True, "trigger_port": tcp},
    }
    with RunningNode(tmp_path, broker.port, **sections) as node, broker.client() as client:
        asker = Asker(client)
        asker.wait_online()
        wait_until(lambda: "the live view is at" in node.log(), "the live view", 20)
        yield Doors(asker, node, http, tcp)


def test_a_reply_goes_out_by_the_door_that_its_command_came_by(doors: Doors) -> None:
    assert doors.post("health")["ok"]
    assert doors.say("health\n").startswith("RSS=")
    assert doors.asker.client.on(f"{BASE}/reply/health") == []


def test_a_picture_asked_for_over_http_is_told_over_mqtt_with_a_link_that_opens(doors: Doors) -> None:
    facts = doors.post("save", formats=["jpg"])["data"]
    wait_until(lambda: doors.asker.client.latest(f"{BASE}/media/last"), "the facts on their topic")
    told = json.loads(doors.asker.client.latest(f"{BASE}/media/last") or b"{}")
    assert (told["id"], told["url"]) == (facts["id"], facts["url"])
    picture = doors.get(told["url"].removeprefix(doors.url))
    assert picture == Path(facts["path"]).read_bytes()
    assert decode(picture).shape == (240, 320, 3)


def test_a_setting_changed_by_one_door_is_seen_through_the_others(doors: Doors) -> None:
    assert doors.say("set night.gain 9\n").strip() == "OK: changed night.gain from 6 to 9"
    wait_until(lambda: doors.asker.client.latest(f"{BASE}/config/night.gain") == b"9", "the topic")
    values = {each["key"]: each["value"] for each in json.loads(doors.get("/api/config"))["settings"]}
    assert values["night.gain"] == 9


def test_the_stream_and_the_snapshot_show_the_camera(doors: Doors) -> None:
    assert decode(doors.get("/snapshot.jpg?fresh=1")).shape == (240, 320, 3)
    with urllib.request.urlopen(f"{doors.url}/stream", timeout=10) as stream:
        head = stream.read(200)
    assert head.startswith(b"--frame\r\nContent-Type: image/jpeg\r\n")


def test_health_is_not_ok_without_a_broker_and_the_view_goes_on(doors: Doors, broker: Mosquitto) -> None:
    assert doors.get("/healthz") == b"ok"
    broker.stop()
    wait_until(lambda: json.loads(doors.get("/api/state"))["broker"] is False, "the loss to be seen")
    assert decode(doors.get("/snapshot.jpg?fresh=1")).shape == (240, 320, 3)
    assert doors.post("save", formats=["jpg"])["ok"]


def test_a_clean_stop_ends_streams_too(doors: Doors) -> None:
    with urllib.request.urlopen(f"{doors.url}/stream", timeout=10) as stream:
        stream.read(1000)
        code, took_s = doors.node.stop()
    assert (code, took_s < 5) == (0, True)
    assert "Traceback" not in doors.node.log()


@pytest.mark.parametrize(("host", "is_told"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_home_assistant_is_told_an_address_only_where_it_can_be_reached(
    broker: Mosquitto, tmp_path: Path, host: str, is_told: bool
) -> None:
    port = free_port()
    view = {"mjpeg_server": {"enable": True, "port": port}, "http": {"host": host}}
    sections: dict[str, Any] = view
    with RunningNode(tmp_path, broker.port, **sections) as node, broker.client() as client:
        asker = Asker(client)
        asker.wait_online()
        wait_until(lambda: "the live view is at" in node.log(), "the live view", 20)
        assert asker.ask("health")["ok"]
        topic = "homeassistant/device/pi_cam_node_porch/config"
        if is_told:
            wait_until(lambda: str(port).encode() in (client.latest(topic) or b""), "the address")
        url = json.loads(client.latest(topic) or b"{}")["device"].get("configuration_url", "")
        assert url.startswith("http://") == url.endswith(f":{port}") == is_told, url
