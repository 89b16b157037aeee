"""Privacy on a whole node: after the reply no interface shows a picture until it is switched off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.broker import Mosquitto, wait_until
from tests.support.interfaces import Interfaces, parts_of, with_interfaces
from tests.support.running_node import BASE

pytestmark = pytest.mark.broker

PICTURES = ("frame", "media/last/image", "media/thumbnail", "media/last")


@pytest.fixture
def interfaces(broker: Mosquitto, tmp_path: Path) -> Iterator[Interfaces]:
    with with_interfaces(tmp_path, broker, homeassistant={"camera_fps": 10}) as found:
        yield found


def retained(broker: Mosquitto) -> dict[str, bytes]:
    """Return what a late subscriber gets."""
    with broker.client() as late:
        late.subscribe(f"{BASE}/#", "retained/end")
        late.publish("retained/end", b"x")
        late.wait_for("retained/end")
        return {message.topic.removeprefix(f"{BASE}/"): message.payload for message in late.received if message.retain}


def test_privacy_lets_go_of_the_camera_and_takes_every_picture_away(interfaces: Interfaces, broker: Mosquitto) -> None:
    saved = interfaces.commands.ask("save", formats=["jpg"], thumbnail=True)["data"]
    wait_until(lambda: set(PICTURES) <= set(retained(broker)), "pictures on every topic")
    camera = interfaces.node.camera_pid()
    assert camera is not None
    reply = interfaces.commands.ask("privacy", enable=True)
    assert (reply["code"], reply["message"], reply["data"]) == ("ok", "OK: privacy is on", {"privacy": True})
    assert not psutil.pid_exists(camera)
    assert interfaces.node.camera_pid() is None
    held = retained(broker)
    assert not set(PICTURES) & set(held)
    assert (held["state/privacy"], held["config/privacy.enable"], held["state/ring_seconds"]) == (b"ON", b"on", b"0.0")
    assert (held["camera/availability"], held["availability"]) == (b"offline", b"online")
    assert Path(saved["path"]).exists(), "saved files stay"


def test_every_door_refuses_pictures_with_privacy_on(interfaces: Interfaces) -> None:
    saved = interfaces.commands.ask("save", formats=["jpg"])["data"]
    interfaces.commands.ask("privacy", enable=True)
    interfaces.commands.client.clear()
    for verb in ("save", "pastStack", "shortstream"):
        assert interfaces.commands.ask(verb)["code"] == "privacy_on"
        assert interfaces.post(verb)["code"] == "privacy_on"
        assert b"privacy is on" in interfaces.say(f"{verb}\n")
    assert interfaces.streamed(3)[0] == []
    media = f"/media/{saved['id']}"
    for path in ("/stream", "/snapshot.jpg", "/snapshot.jpg?fresh=1", "/shortstream", media, f"{media}/thumbnail"):
        status, body = interfaces.get(path)
        assert (status, body[:2]) != (200, b"\xff\xd8"), path
        assert (status, b"privacy is on" in body) == (403, True), path
    state = json.loads(interfaces.get("/api/state")[1])
    assert (state["states"]["privacy"], state["states"]["camera"], state["media"]) == ("ON", "offline", [])
    assert interfaces.get("/healthz")[0] == 200, "it is well: it does what it was told"
    assert interfaces.commands.client.on(f"{BASE}/frame") == []


def test_a_reply_that_is_told_again_has_lost_its_thumbnail(interfaces: Interfaces) -> None:
    commands, command = interfaces.commands, json.dumps({"id": "mine", "formats": ["jpg"], "thumbnail": True})
    commands.client.publish(f"{BASE}/cmd/save", command)
    wait_until(lambda: commands.finals("mine"), "the picture")
    assert commands.finals("mine")[0]["data"]["thumbnail"]
    commands.ask("privacy", enable=True)
    commands.client.clear()
    commands.client.publish(f"{BASE}/cmd/save", command)
    wait_until(lambda: commands.finals("mine"), "the same reply again")
    assert commands.finals("mine")[0]["ok"]
    assert "thumbnail" not in commands.finals("mine")[0]["data"]


def test_a_stream_under_way_shows_that_privacy_is_on_and_goes_on_afterwards(interfaces: Interfaces) -> None:
    with interfaces.open("/stream") as stream:
        (first,) = parts_of(stream, 1)
        assert "x-frame-id" in first[0]
        interfaces.commands.ask("privacy", enable=True)
        placeholder = next(headers for headers, _ in parts_of(stream, 20) if "x-placeholder" in headers)
        assert placeholder["x-placeholder"] == "privacy"
        interfaces.commands.ask("privacy", enable=False)
        assert any("x-frame-id" in headers for headers, _ in parts_of(stream, 40))


def test_switched_off_frames_come_back_by_themselves(interfaces: Interfaces, broker: Mosquitto) -> None:
    before = interfaces.commands.ask("shortstream", n=1)["data"]["available"]
    assert before >= 1
    assert interfaces.commands.ask("set", key="privacy.enable", value="on")["message"].startswith(
        "OK: changed privacy.enable"
    )
    reply = interfaces.commands.ask("set", key="privacy.enable", value="off")
    assert reply["message"] == "OK: changed privacy.enable from on to off"
    assert retained(broker)["state/privacy"] == b"OFF"
    wait_until(lambda: interfaces.commands.client.latest(f"{BASE}/camera/availability") == b"online", "frames", 20)
    assert interfaces.commands.ask("save", formats=["jpg"])["ok"]
    assert interfaces.get("/snapshot.jpg")[0] == 200


def test_the_last_pictures_return_after_it_also_over_a_restart(broker: Mosquitto, tmp_path: Path) -> None:
    media = {"media/last", "media/last/image", "media/thumbnail", "media/event", "media/event/image"}
    with with_interfaces(tmp_path, broker, motion={"enable": True}) as interfaces:
        interfaces.commands.ask("trigger", name="door", seconds=1)
        wait_until(lambda: media <= set(retained(broker)), "the picture of the event", 60)
        interfaces.commands.ask("save", formats=["jpg"])
        before = retained(broker)
        interfaces.commands.ask("privacy", enable=True)
        assert not media & set(retained(broker))
        interfaces.commands.ask("privacy", enable=False)
        wait_until(lambda: media <= set(retained(broker)), "the pictures again", 60)
        assert facts_of(retained(broker), media) == facts_of(before, media)
        interfaces.commands.ask("privacy", enable=True)
        interfaces.node.stop()
    with with_interfaces(tmp_path, broker, online=False, motion={"enable": True}) as interfaces:
        wait_until(lambda: interfaces.commands.state("privacy") == "ON", "privacy", 60)
        assert not media & set(retained(broker))
        interfaces.commands.ask("privacy", enable=False)
        wait_until(lambda: media <= set(retained(broker)), "the pictures of before", 60)
        assert facts_of(retained(broker), media) == facts_of(before, media)


def facts_of(held: dict[str, bytes], topics: set[str]) -> dict[str, object]:
    """Return what topics tell of pictures; links differ, for privacy ends them."""
    told: dict[str, object] = {topic: held[topic] for topic in topics if topic.endswith("image")}
    for topic in ("media/last", "media/event"):
        told[topic] = {key: value for key, value in json.loads(held[topic]).items() if key != "url"}
    return told


def test_it_outlives_a_restart_without_being_written_into_the_file(broker: Mosquitto, tmp_path: Path) -> None:
    with with_interfaces(tmp_path, broker) as interfaces:
        interfaces.commands.ask("privacy", enable=True)
        assert interfaces.commands.ask("overwrite_config")["ok"]
        assert "enable: true\n  masks" not in interfaces.node.config.read_text()
        interfaces.node.stop()
    with with_interfaces(tmp_path, broker, online=False) as interfaces:
        wait_until(lambda: interfaces.commands.client.latest(f"{BASE}/availability") == b"online", "the node")
        wait_until(lambda: interfaces.commands.state("privacy") == "ON", "privacy")
        assert interfaces.node.camera_pid() is None
        assert interfaces.commands.ask("save")["code"] == "privacy_on"
        assert interfaces.commands.ask("privacy", enable=False)["ok"]
        interfaces.commands.wait_online()
        assert list(tmp_path.glob("captures/.privacy*")) == []
