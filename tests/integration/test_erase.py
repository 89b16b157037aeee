"""Erase on a real disk and broker: the node's data is removed permanently, everything else is kept."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pi_cam_node.core.commands.erase import ERASED_CODE
from tests.support.broker import Mosquitto, StartBroker, wait_until
from tests.support.interfaces import with_interfaces
from tests.support.running_node import BASE, REPOSITORY, RunningNode

pytestmark = pytest.mark.broker

DISCOVERY = "homeassistant/device/pi_cam_node_porch/config"
FOREIGN = ("pi_cam_node/cellar/state/mode", "homeassistant/device/other/config", f"{BASE}/cmd/theirs")


def held(broker: Mosquitto) -> set[str]:
    """Return every topic that holds something."""
    with broker.client() as late:
        late.subscribe("pi_cam_node/#", "homeassistant/#", "retained/end")
        late.publish("retained/end", b"x")
        late.wait_for("retained/end")
        return {message.topic for message in late.received if message.retain}


def put_foreign(broker: Mosquitto, folder: Path) -> None:
    """Leave a file and a topic that are not the node's."""
    folder.mkdir(exist_ok=True)
    (folder / "holiday.jpg").write_bytes(b"mine")
    with broker.client() as other:
        for topic in FOREIGN:
            other.publish(topic, b"theirs", retain=True)


def cli(node: RunningNode, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pi_cam_node", "erase", "--config", str(node.config), *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_leaves_nothing_of_ours_and_ends_the_node(broker: Mosquitto, tmp_path: Path) -> None:
    with with_interfaces(tmp_path, broker, homeassistant={"camera_fps": 10}) as interfaces:
        saved = [interfaces.commands.ask("save")["data"] for _ in range(2)]
        put_foreign(broker, tmp_path / "captures")
        refused = interfaces.commands.ask("erase", confirm="yes")
        assert refused["code"] == "bad_request"
        assert Path(saved[0]["path"]).exists()
        assert DISCOVERY in held(broker)
        reply = interfaces.commands.ask("erase", confirm="porch", timeout_s=40)
        assert reply["ok"], reply
        facts = reply["data"]
        assert (facts["pictures"], facts["files"], facts["topics_left"]) == (2, 12, 0), (
            "three files a picture, the count of starts, the names, the key of links, and three of the event database"
        )
        assert facts["size_bytes"] > sum(picture["bytes"] for picture in saved)
        assert facts["topics"] > 50
        assert interfaces.node.process.wait(20) == ERASED_CODE
        assert held(broker) == set(FOREIGN)
        assert [path.name for path in (tmp_path / "captures").iterdir()] == ["holiday.jpg"]
        assert "Traceback" not in interfaces.node.log()
    assert [path.name for path in tmp_path.glob("node.yaml*")] == ["node.yaml"], "the settings are the user's"


def test_over_http_it_is_answered_too(broker: Mosquitto, tmp_path: Path) -> None:
    with with_interfaces(tmp_path, broker) as interfaces:
        assert interfaces.post("erase")["code"] == "bad_request"
        reply = interfaces.post("erase", confirm="porch")
        assert (reply["ok"], reply["data"]["topics_left"]) == (True, 0), reply
        assert interfaces.node.process.wait(20) == ERASED_CODE
    assert held(broker) == set()


def test_the_program_erases_for_a_node_that_was_killed(broker: Mosquitto, tmp_path: Path) -> None:
    with with_interfaces(tmp_path, broker) as interfaces:
        interfaces.commands.ask("save", formats=["jpg"])
        interfaces.commands.ask("privacy", enable=True)
        put_foreign(broker, tmp_path / "captures")
        running = cli(interfaces.node, "--yes")
        assert (running.returncode, "the node runs" in running.stderr) == (2, True), running.stderr
        interfaces.node.process.kill()
        interfaces.node.process.wait(10)
        wait_until(lambda: interfaces.commands.client.latest(f"{BASE}/availability") == b"offline", "the last will", 30)
        asked = cli(interfaces.node)
        assert (asked.returncode, "nothing was erased" in asked.stderr) == (2, True)
        assert f"{BASE}/info" in held(broker)
        done = cli(interfaces.node, "--yes")
        assert done.returncode == 0, done.stderr
        assert "erased 1 picture (10 files, " in done.stdout, (
            "picture, side-car, marks of privacy here and there, count of starts, names, key of links, event database"
        )
        assert held(broker) == set(FOREIGN)
        assert [path.name for path in (tmp_path / "captures").iterdir()] == ["holiday.jpg"]
        again = cli(interfaces.node, "--yes")
        assert (again.returncode, again.stdout.startswith("erased 0 pictures (0 files, 0 bytes)")) == (0, True)


def test_without_a_broker_the_disk_is_erased_and_the_rest_is_said(start_broker: StartBroker, tmp_path: Path) -> None:
    broker = start_broker()
    with RunningNode(tmp_path, broker.port) as node:
        wait_until(lambda: "is open" in node.log(), "the camera", 20)
        node.stop()
    (tmp_path / "captures").mkdir(exist_ok=True)
    (tmp_path / "captures" / ".http_token").write_text("secret\n")
    broker.stop()
    done = cli(node, "--yes")
    assert (done.returncode, list((tmp_path / "captures").iterdir())) == (1, [])
    assert "the retained topics stay: nothing listens" in done.stderr


def test_a_broker_that_lets_nobody_look_is_emptied_all_the_same(start_broker: StartBroker, tmp_path: Path) -> None:
    rights = (f"write {BASE}/#", f"read {BASE}/cmd/#", "write homeassistant/#")
    acl = "user node\n" + "".join(f"topic {right}\n" for right in rights) + "user eye\ntopic read #\n"
    broker = start_broker(users={"node": "one", "eye": "two"}, acl=acl)
    mqtt = {"host": "127.0.0.1", "port": broker.port, "username": "node", "password": "one"}
    with RunningNode(tmp_path, broker.port, mqtt=mqtt) as node, broker.client(username="eye", password="two") as eye:
        eye.subscribe("#")
        eye.wait_for(f"{BASE}/availability", b"online", 30)
        node.stop()
        assert cli(node, "--yes").returncode == 0
        never_retained = ("telemetry", "event/", "reply/", "probe", "homeassistant/")
        passing = tuple(f"{BASE}/{topic}" for topic in never_retained)
        left = [topic for topic in eye.table() if not topic.startswith(passing)]
        wait_until(
            lambda: (
                not [t for t in eye.table() if t.startswith((BASE, "homeassistant/")) and not t.startswith(passing)]
            ),
            f"an empty broker, that held {left}",
        )
