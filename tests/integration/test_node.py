"""A whole node with a real broker, from a user's view."""

from __future__ import annotations

import base64
import json
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pi_cam_node.imaging.jpeg import decode
from pi_cam_node.storage.events import schema
from pi_cam_node.system.systemd import RESTARTED_BY
from tests.support.bars import bar
from tests.support.broker import Client, Mosquitto, StartBroker, wait_until
from tests.support.running_node import BASE, CommandClient, RunningNode

pytestmark = pytest.mark.broker


@pytest.fixture
def node(broker: Mosquitto, tmp_path: Path) -> Iterator[RunningNode]:
    with RunningNode(tmp_path, broker.port) as running:
        yield running


@pytest.fixture
def commands(broker: Mosquitto, node: RunningNode) -> Iterator[CommandClient]:
    with broker.client() as client:
        commands = CommandClient(client)
        commands.wait_online()
        yield commands


def test_the_birth_comes_in_order_and_ends_with_availability(commands: CommandClient) -> None:
    topics = [message.topic for message in commands.client.received]
    last = topics.index(f"{BASE}/availability")
    born = topics[:last]
    assert born.index(f"{BASE}/info") < born.index(f"{BASE}/config/night.gain") < born.index(f"{BASE}/state/last_error")
    assert born.index(f"{BASE}/state/last_error") < born.index("homeassistant/device/pi_cam_node_porch/config")
    assert f"{BASE}/camera/availability" in born


def test_states_are_bare_scalars_and_retained(commands: CommandClient, broker: Mosquitto) -> None:
    wait_until(lambda: commands.state("mode") == "day", "the mode")
    wait_until(lambda: commands.state("brightness"), "a brightness")
    assert 0 <= float(commands.state("brightness")) <= 255
    assert commands.state("motion") == commands.state("privacy") == "OFF"
    with broker.client() as late:
        late.subscribe(f"{BASE}/state/#")
        wait_until(lambda: late.latest(f"{BASE}/state/mode") == b"day", "the retained mode")
        assert all(message.retain for message in late.received)


def test_info_says_what_the_node_is_and_no_secret(commands: CommandClient) -> None:
    wait_until(lambda: json.loads(commands.client.latest(f"{BASE}/info") or b"{}").get("resolution"), "the resolution")
    info = json.loads(commands.client.latest(f"{BASE}/info") or b"{}")
    assert info["resolution"] == [320, 240]
    assert info["source"] == "synthetic"
    assert len(info["boot"]) == 8
    assert info["session"] == 1
    assert "save" in info["commands"]


def test_save_answers_with_a_picture_that_is_on_disk(commands: CommandClient, node: RunningNode) -> None:
    reply = commands.ask("save", formats=["jpg", "png", "npy"], thumbnail=True)
    assert reply["ok"], reply
    for path in map(Path, reply["data"]["paths"]):
        assert path.stat().st_size > 0
        assert path.is_relative_to(node.folder / "captures")
    assert decode(Path(reply["data"]["path"]).read_bytes()).shape == (240, 320, 3)
    assert decode(base64.b64decode(reply["data"]["thumbnail"])).shape[1] == 320
    wait_until(lambda: commands.client.latest(f"{BASE}/media/last/image"), "the picture on its topic")
    last = json.loads(commands.client.latest(f"{BASE}/media/last") or b"{}")
    assert last["id"] == reply["data"]["id"]
    thumbnail = base64.b64decode(commands.client.latest(f"{BASE}/media/thumbnail") or b"", validate=True)
    assert len(thumbnail) <= 48 * 1024
    assert [m for m in commands.client.received if m.topic == f"{BASE}/event/picture_saved"]


def test_plain_text_commands_are_answered_too(commands: CommandClient) -> None:
    commands.client.publish(f"{BASE}/cmd", "save jpg")
    wait_until(lambda: b'"final"' in (commands.client.latest(f"{BASE}/reply/save") or b""), "the final reply")
    assert json.loads(commands.client.latest(f"{BASE}/reply/save") or b"")["message"].startswith(
        "Saved single full-res"
    )
    commands.client.publish(f"{BASE}/set/night.gain", "9")
    wait_until(lambda: commands.client.latest(f"{BASE}/config/night.gain") == b"9", "the new gain")
    commands.client.publish("pi_cam_node/all/cmd/health")
    wait_until(lambda: commands.client.latest(f"{BASE}/reply/health"), "the reply to all")
    commands.client.publish(f"{BASE}/cmd/nonsense")
    wait_until(lambda: commands.client.latest(f"{BASE}/reply/nonsense"), "the refusal")
    assert json.loads(commands.client.latest(f"{BASE}/reply/nonsense") or b"")["message"] == "UNKNOWN_COMMAND"


def test_past_stack_shows_what_was_before_the_command(commands: CommandClient) -> None:
    wait_until(lambda: float(commands.state("ring_seconds") or 0) >= 5, "five seconds in the ring", 20)
    for arguments in ({"at": 3}, {"at": 2, "span_s": 1.5, "method": "median"}, {"at": 1, "count": 1}):
        reply = commands.ask("pastStack", formats=["jpg"], **arguments)
        assert reply["ok"], reply
        came, first = (datetime.fromisoformat(at) for at in (reply["received"], reply["data"]["first_at"]))
        assert (came - first).total_seconds() == pytest.approx(float(str(arguments["at"])), abs=1.5)
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3))
    assert commands.ask("pastStack", at=moment, formats=["jpg"])["ok"]
    assert commands.ask("pastStack", at=3000)["code"] == "no_frames"


def test_a_response_topic_wins_and_correlation_data_comes_back(commands: CommandClient, broker: Mosquitto) -> None:
    with broker.client() as me:
        me.subscribe("me/reply")
        me.publish(f"{BASE}/cmd/health", b"", reply_to="me/reply", correlation=b"\x00\x07")
        wait_until(lambda: me.on("me/reply"), "the reply on my topic")
        assert me.on("me/reply")[0].correlation == b"\x00\x07"
    assert commands.client.on(f"{BASE}/reply/health") == []


def test_shortstream_sends_raw_frames_and_then_the_count(commands: CommandClient) -> None:
    wait_until(lambda: commands.ask("health")["data"]["ring_frames"] >= 3, "three frames in the ring")
    reply = commands.ask("shortstream", n=3)
    frames = commands.client.on(f"{BASE}/shortstream")
    assert reply["message"].startswith("STREAM_DONE: sent=3, skipped=0, available=")
    assert [dict(frame.user)["index"] for frame in frames] == ["0", "1", "2"]
    assert {"count", "frame", "time"} <= set(dict(frames[0].user))
    assert decode(frames[0].payload).shape == (240, 320, 3)


def test_overwrite_config_makes_a_change_last(commands: CommandClient, node: RunningNode) -> None:
    assert commands.ask("set", key="night.gain", value=11)["ok"]
    reply = commands.ask("overwrite_config")
    assert reply["message"] == f"OK: configuration dumped to {node.config}"
    assert "gain: 11" in node.config.read_text()


def test_a_live_change_of_size_reaches_the_camera(commands: CommandClient) -> None:
    assert commands.ask("set", key="camera.width", value=256)["ok"]

    def is_new_size() -> bool:
        picture = commands.client.latest(f"{BASE}/frame")
        return picture is not None and decode(picture).shape[1] == 256

    wait_until(is_new_size, "frames of the new size", 20)
    assert commands.client.latest(f"{BASE}/camera/availability") == b"online"


def test_night_is_forced_and_released(commands: CommandClient) -> None:
    wait_until(lambda: commands.state("mode") == "day", "day")
    assert commands.ask("set", key="night.exposure_us", value=200000)["ok"]
    assert commands.ask("set", key="night.override", value="night")["ok"]
    wait_until(lambda: commands.state("mode") == "night", "night", 20)
    assert commands.ask("night_level")["message"].endswith("STATUS=NIGHT")
    assert commands.ask("set", key="night.override", value="day")["ok"]
    wait_until(lambda: commands.state("mode") == "day", "day again", 20)


def test_a_retained_command_is_refused(commands: CommandClient, node: RunningNode, broker: Mosquitto) -> None:
    commands.client.publish(f"{BASE}/cmd/save", b"jpg", retain=True)
    wait_until(lambda: commands.client.latest(f"{BASE}/reply/save"), "the live delivery answered")
    # The broker delivers a live publication without the flag; only the next connect meets the retained one.
    pictures = len(list((node.folder / "captures").glob("*.jpg")))
    node.stop()
    node.start()
    wait_until(
        lambda: json.loads(commands.client.latest(f"{BASE}/info") or b"{}").get("session") == 1, "the node again"
    )
    commands.wait_online()
    assert commands.ask("health")["ok"]
    assert len(list((node.folder / "captures").glob("*.jpg"))) == pictures


@pytest.mark.promise("M17")
def test_the_same_id_three_times_is_one_file_and_three_equal_replies(
    commands: CommandClient, node: RunningNode, figure: Callable[[str], None]
) -> None:
    for _ in range(3):
        commands.client.publish(f"{BASE}/cmd/save", '{"id":"once","formats":["jpg"]}')
    wait_until(lambda: len(commands.finals("once")) == 3, "three replies")
    first, second, third = commands.finals("once")
    assert first == second == third
    assert len(list((node.folder / "captures").glob("*.jpg"))) == 1
    figure("the same id three times: 1 file, 3 equal replies")


@pytest.mark.promise("M17")
def test_a_known_id_on_another_command_is_refused_and_what_is_told_is_what_is(
    commands: CommandClient, figure: Callable[[str], None]
) -> None:
    def give(verb: str, **arguments: object) -> dict[str, Any]:
        before = len(commands.finals("1"))
        commands.client.publish(f"{BASE}/cmd/{verb}", json.dumps({"id": "1", **arguments}))
        wait_until(lambda: len(commands.finals("1")) > before, f"the reply to {verb}", 30)
        return commands.finals("1")[-1]

    assert give("privacy", enable=True)["ok"]
    refused = [give("privacy", enable=False), give("set", key="night.gain", value=7), give("save")]
    assert [reply["code"] for reply in refused] == ["bad_request"] * 3
    assert commands.client.latest(f"{BASE}/state/privacy") == b"ON", "nothing was done"
    assert commands.client.latest(f"{BASE}/config/night.gain") == b"6"
    assert give("privacy", enable=True)["ok"], "the first command again"
    assert commands.ask("privacy", enable=False)["ok"]
    figure("one id on four commands: the first is done, three are refused, and a repeat of the first is answered")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.promise("M19")
def test_a_signal_ends_it_cleanly_within_five_seconds(
    commands: CommandClient, node: RunningNode, how: signal.Signals, figure: Callable[[str], None]
) -> None:
    began_s = time.monotonic()
    code, took_s = node.stop(how)
    assert (code, took_s < bar(5)) == (0, True)
    offline_s = commands.client.wait_for(f"{BASE}/availability", "offline").mono_s - began_s
    figure(f"{how.name}: `offline` after {offline_s:.1f} s, ended after {took_s:.1f} s (at most 5)")
    assert commands.client.latest(f"{BASE}/camera/availability") == b"offline"
    assert "Traceback" not in node.log()


def test_a_signal_that_comes_twice_is_logged_once(commands: CommandClient, node: RunningNode) -> None:
    """A terminal sends it to the whole group of processes, and one of them may pass it on."""
    assert commands.ask("health")["ok"]
    node.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "SIGTERM: stopping" in node.log(), "the first one to be taken")
    assert node.stop()[0] == 0
    assert node.log().count("SIGTERM: stopping") == 1


def test_restart_exits_with_its_own_code_where_something_starts_the_node_again(
    broker: Mosquitto, tmp_path: Path
) -> None:
    with RunningNode(tmp_path, broker.port, {RESTARTED_BY: "a test"}) as node, broker.client() as client:
        commands = CommandClient(client)
        commands.wait_online()
        assert commands.ask("restart")["message"] == "OK: restarting"
        assert node.process.wait(10) == 75


def test_restart_replaces_the_process_where_nothing_starts_it_again(commands: CommandClient, node: RunningNode) -> None:
    boot, pid = commands.ask("health")["boot"], node.process.pid
    commands.client.clear()
    assert commands.ask("restart")["message"] == "OK: restarting"
    wait_until(lambda: commands.client.latest(f"{BASE}/availability") == b"online", "the node again", 20)
    assert commands.ask("health")["boot"] != boot
    assert (node.process.poll(), node.process.pid) == (None, pid)


# ------------------------------------------------------------------ the broker comes and goes


def test_a_broker_that_comes_late_is_found(start_broker: StartBroker, tmp_path: Path) -> None:
    broker = start_broker(start=False)
    with RunningNode(tmp_path, broker.port) as node:
        wait_until(lambda: "no broker" in node.log(), "the complaint", 20)
        broker.start()
        with broker.client() as client:
            CommandClient(client).wait_online()


@pytest.mark.promise("M2")
def test_a_broker_that_forgot_everything_is_told_again_within_three_seconds(
    commands: CommandClient, broker: Mosquitto, figure: Callable[[str], None]
) -> None:
    commands.ask("save", formats=["jpg"])
    before = retained(broker)
    for _ in range(3):
        broker.restart()
        assert retained(broker) >= before
    figure(f"a whole node: all {len(before)} topics within 3 s of the connect, 3 of 3")


def retained(broker: Mosquitto) -> set[str]:
    """Return the node's retained topics, each published within three seconds of its connect."""
    with broker.client() as client:
        client.subscribe(f"{BASE}/#", "homeassistant/#")
        client.wait_for(f"{BASE}/availability", "online", 30)
        begun_s = client.on(f"{BASE}/info")[0].mono_s
        client.wait_for(f"{BASE}/frame")
        told = {m.topic for m in client.received if m.mono_s - begun_s < 3 and "/event/" not in m.topic}
        return told - {f"{BASE}/telemetry"}


def pictures_kept(broker: Mosquitto) -> set[str]:
    """Return the topics of pictures that a client finds at the broker."""
    with broker.client() as late:
        late.subscribe(f"{BASE}/#")
        late.subscribe("end")
        late.publish("end", b"x")
        late.wait_for("end")  # after everything that was retained
        topics = {m.topic.removeprefix(f"{BASE}/") for m in late.received if m.retain and m.payload}
        return {topic for topic in topics if topic.startswith(("frame", "media/"))}


def test_pictures_that_are_deleted_or_switched_off_do_not_stay_at_the_broker(
    commands: CommandClient, node: RunningNode, broker: Mosquitto, tmp_path: Path
) -> None:
    commands.ask("trigger", seconds=1)
    commands.client.wait_for(f"{BASE}/media/event/image", lambda m: bool(m.payload))
    event = json.loads(commands.client.latest(f"{BASE}/media/event") or b"{}")
    commands.ask("save", formats=["jpg"])
    all_of = {"frame", "media/last", "media/last/image", "media/thumbnail", "media/event", "media/event/image"}
    wait_until(lambda: pictures_kept(broker) == all_of, "every picture")
    assert commands.ask("delete", media_id=event["picture_id"])["ok"]
    wait_until(lambda: pictures_kept(broker) == all_of - {"media/event", "media/event/image"}, "the event's to go")
    for key in ("homeassistant.camera_fps", "mqtt.image_max_bytes", "export.thumbnail_px"):
        assert commands.ask("set", key=key, value=0)["ok"]
    wait_until(lambda: pictures_kept(broker) == {"media/last"}, "what is switched off to go")
    commands.ask("set", key="mqtt.image_max_bytes", value=262_144)
    commands.ask("save", formats=["jpg"])
    wait_until(lambda: pictures_kept(broker) == {"media/last", "media/last/image"}, "the next picture")
    assert node.stop()[0] == 0
    for picture in (tmp_path / "captures").iterdir():
        if picture.is_file():
            picture.unlink()
    commands.client.clear()
    node.start()
    commands.wait_online()
    wait_until(lambda: pictures_kept(broker) <= {"frame"}, "what is no longer there to go")


def test_a_wrong_password_is_no_connection(start_broker: StartBroker, tmp_path: Path) -> None:
    broker = start_broker(users={"porch": "right", "watch": "w"})
    login = {"username": "porch", "password": "wrong-canary"}
    with RunningNode(tmp_path, broker.port, mqtt=login) as node:
        wait_until(lambda: "no broker" in node.log(), "the refusal", 20)
        with broker.client(username="watch", password="w") as client:
            client.subscribe("#")
            time.sleep(1)
            assert client.received == []
        assert "wrong-canary" not in node.log()
        assert node.running


# ------------------------------------------------------------------ the camera dies, and nothing else


@pytest.mark.promise("M20", "B6")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
@pytest.mark.promise("C1")
def test_a_dead_or_stopped_camera_process_costs_frames_and_nothing_else(
    commands: CommandClient, node: RunningNode, how: signal.Signals, figure: Callable[[str], None]
) -> None:
    victim = node.camera_pid()
    assert victim is not None
    sessions = json.loads(commands.client.latest(f"{BASE}/info") or b"{}")["session"]
    commands.client.clear()
    began_s = time.monotonic()
    os.kill(victim, how)
    wait_until(lambda: commands.client.on(f"{BASE}/camera/availability"), "camera offline", bar(10))
    told = commands.client.on(f"{BASE}/camera/availability")[0]
    assert told.payload == b"offline"
    assert told.mono_s - began_s < bar(7)  # contracted: max(5 s, 3 frame intervals, exposure + 3 s), and the way here
    wait_until(lambda: commands.client.latest(f"{BASE}/camera/availability") == b"online", "frames again", 30)
    back_s = commands.client.on(f"{BASE}/camera/availability")[-1].mono_s - began_s
    assert commands.ask("save", formats=["jpg"])["ok"]
    assert commands.client.on(f"{BASE}/availability") == []
    figure(
        f"camera process {how.name}: its topic `offline` after {told.mono_s - began_s:.1f} s (at most 10), "
        f"frames again after {back_s:.1f} s, the node's topic untouched"
    )
    assert json.loads(commands.client.latest(f"{BASE}/info") or b"{}").get("session", sessions) == sessions


# ------------------------------------------------------------------ hostile input

GARBAGE = [b"", b"\xff\xfe", b"{", b"[" * 5000, b'{"a":' * 2000, b"\x00" * 100, b'{"id":"\\ud800"}', b"NaN", b"null"]


def wait_for_health(listener: Client, name: str) -> dict[str, Any]:
    topic = f"{BASE}/reply/health"
    return dict(json.loads(listener.wait_for(topic, lambda m: json.loads(m.payload)["id"] == name).payload))


def test_ten_thousand_hostile_payloads_and_health_is_answered_throughout(
    node: RunningNode, commands: CommandClient, broker: Mosquitto
) -> None:
    verbs = ["set", "get", "save", "pastStack", "shortstream", "help", "night_level", "../x", "überfall", "x" * 200]
    # Paced by the answers, since a broker drops what comes faster than a client reads; and asked by somebody who
    # listens to health alone, since it also drops what a slow listener of everything does not fetch.
    took_ms = []
    with broker.client() as attacker, broker.client() as listener:
        listener.subscribe(f"{BASE}/reply/health")
        for number in range(10_000):
            verb = verbs[number % len(verbs)]
            payload = GARBAGE[number % len(GARBAGE)] if number % 3 else os.urandom(number % 300)
            topic = f"{BASE}/set/{verb}" if number % 7 == 0 else f"{BASE}/cmd/{verb}"
            attacker.publish(topic, payload, qos=0)
            if number % 250 == 249:
                listener.publish(f"{BASE}/cmd/health", f'{{"id":"{number}"}}')
                took_ms.append(wait_for_health(listener, str(number))["took_ms"])
        attacker.publish(f"{BASE}/cmd/save", os.urandom(1_000_000))
        listener.publish(f"{BASE}/cmd/health", '{"id":"last"}')
        wait_for_health(listener, "last")
    assert len(took_ms) == 40
    assert node.running
    assert "Traceback" not in node.log()


def test_events_that_are_not_stored_are_the_last_error(start_broker: StartBroker, tmp_path: Path) -> None:
    broker = start_broker()
    with closing(sqlite3.connect(tmp_path / "node.yaml.events.db")) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    with RunningNode(tmp_path, broker.port), Client(broker.port) as client:
        commands = CommandClient(client)
        wait_until(lambda: "newer version" in str(commands.state("last_error")), "the words about the database", 30)


def test_no_secret_reaches_a_topic_or_the_log(start_broker: StartBroker, tmp_path: Path) -> None:
    broker = start_broker(users={"porch": "canary-secret-1", "watch": "w"})
    secrets = {"PI_CAM_NODE__MQTT__PASSWORD": "canary-secret-1"}
    source = {"source": "rtsp://viewer:canary-secret-2@127.0.0.1:9/live"}
    with RunningNode(tmp_path, broker.port, secrets, mqtt={"username": "porch"}, camera=source) as node:
        with Client(broker.port, username="watch", password="w") as client:
            commands = CommandClient(client)
            wait_until(lambda: client.latest(f"{BASE}/availability") == b"online", "the node", 30)
            wait_until(lambda: commands.state("last_error") != "ok", "the camera's fault", 30)
            for verb in ("dump_config", "health", "help"):
                commands.ask(verb)
            commands.ask("get", key="mqtt.password")
            commands.ask("get", key="camera.source")
            everything = b"\n".join(m.topic.encode() + m.payload for m in client.received)
        node.stop()
        assert b"canary-secret" not in everything
        assert "canary-secret" not in node.log()


def test_the_node_works_without_libraries_for_pixels(node: RunningNode, commands: CommandClient) -> None:
    """Frames come, are kept, shown and saved, and what needs pixels runs elsewhere."""
    assert commands.ask("save")["code"] == "ok"
    assert commands.ask("pastStack", at=0)["code"] == "ok"
    mapped = Path(f"/proc/{node.process.pid}/maps").read_text()
    found = [
        name for name in ("numpy", "cv2", "opencv", "simplejpeg", "libjpeg", "turbojpeg", "PIL/") if name in mapped
    ]
    assert found == []
