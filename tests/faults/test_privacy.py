"""Privacy under faults: the node is killed, the marker file is damaged, the camera does not close."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.faults.conftest import FaultyProxy
from tests.support.bars import bar
from tests.support.broker import Mosquitto, wait_until
from tests.support.interfaces import Interfaces, with_interfaces
from tests.support.running_node import BASE

pytestmark = pytest.mark.faults

# Long enough for the camera to open and deliver, had it been taken up.
LOOK_S = 3.0
PICTURES = ("frame", "media/last/image", "media/thumbnail", "media/last")


def shown(interfaces: Interfaces) -> list[str]:
    """Return the interfaces that showed a picture since the node was restarted."""
    held = interfaces.commands.client.table()
    found = [topic for topic in PICTURES if f"{BASE}/{topic}" in held]
    found += [path for path in ("/snapshot.jpg", "/stream", "/shortstream") if interfaces.get(path)[0] != 403]
    found += [
        verb for verb in ("save", "pastStack", "shortstream") if interfaces.commands.ask(verb)["code"] != "privacy_on"
    ]
    return found + (["camera process"] if interfaces.node.camera_pid() else [])


def dark_for_a_while(interfaces: Interfaces) -> None:
    """Check every interface for as long as a camera needs to open."""
    wait_until(lambda: interfaces.commands.client.latest(f"{BASE}/availability") == b"online", "the node", 30)
    wait_until(lambda: interfaces.commands.state("privacy") == "ON", "privacy", 20)
    until_s = time.monotonic() + LOOK_S
    while time.monotonic() < until_s:
        assert shown(interfaces) == []


@pytest.mark.short
@pytest.mark.promise("P1")
def test_a_node_killed_in_privacy_comes_back_in_privacy(
    broker: Mosquitto, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    with with_interfaces(tmp_path, broker, homeassistant={"camera_fps": 10}) as interfaces:
        assert interfaces.commands.ask("save", formats=["jpg"])["ok"]
        began_s = time.monotonic()
        assert interfaces.commands.ask("privacy", enable=True)["ok"]
        took_s = time.monotonic() - began_s
        interfaces.node.stop(signal.SIGKILL)
    with with_interfaces(tmp_path, broker, online=False, homeassistant={"camera_fps": 10}) as interfaces:
        dark_for_a_while(interfaces)
        assert interfaces.commands.ask("privacy", enable=False)["ok"]
        interfaces.commands.wait_online()
    figure(f"on after {took_s:.2f} s; after SIGKILL nothing shown by any door")


@pytest.mark.promise("P2")
@pytest.mark.parametrize("damage", ["garbage", "dangling link", "folder"])
def test_a_damaged_mark_means_on(broker: Mosquitto, tmp_path: Path, damage: str, figure: Callable[[str], None]) -> None:
    mark = tmp_path / "captures" / ".privacy_on"
    mark.parent.mkdir()
    if damage == "garbage":
        mark.write_bytes(b"\x00\xffoff")
    elif damage == "dangling link":
        mark.symlink_to("nowhere")
    else:
        mark.mkdir()
    with with_interfaces(tmp_path, broker, online=False) as interfaces:
        dark_for_a_while(interfaces)
    figure(f"{damage}: on")


@pytest.mark.promise("P3")
def test_a_camera_process_that_hangs_is_ended_all_the_same(
    broker: Mosquitto, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    with with_interfaces(tmp_path, broker) as interfaces:
        camera = interfaces.node.camera_pid()
        assert camera is not None
        psutil.Process(camera).suspend()
        began_s = time.monotonic()
        reply = interfaces.commands.ask("privacy", enable=True)
        took_s = time.monotonic() - began_s
        assert (reply["code"], psutil.pid_exists(camera)) == ("ok", False)
        assert shown(interfaces) == []
    figure(f"released after {took_s:.1f} s (at most 5)")


@pytest.mark.promise("P4")
def test_a_disk_that_refuses_leaves_the_camera_released(
    broker: Mosquitto, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    folder = tmp_path / "captures"
    folder.write_bytes(b"")  # nothing can be made in it, not even by root
    with with_interfaces(tmp_path, broker, online=False) as interfaces:
        dark_for_a_while(interfaces)
        reply = interfaces.commands.ask("privacy", enable=False)
        assert (reply["code"], interfaces.commands.state("privacy")) == ("not_saved", "ON"), reply
        folder.unlink()
        assert interfaces.commands.ask("privacy", enable=False)["ok"]
        interfaces.commands.wait_online()
        shutil.rmtree(folder, ignore_errors=True)
        folder.write_bytes(b"")
        reply = interfaces.commands.ask("privacy", enable=True)
        assert reply["code"] == "not_saved", reply
        assert reply["message"].startswith("ERROR: privacy is on, but: ")
        assert shown(interfaces) == []
    figure("camera released, not remembered, and the reply says so")


@pytest.mark.promise("P5")
def test_pictures_that_wait_for_the_broker_do_not_leave_any_more(
    broker: Mosquitto, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    with with_interfaces(tmp_path, broker, homeassistant={"camera_fps": 10}) as interfaces:
        broker.stop()
        assert interfaces.post("save", formats=["jpg"], thumbnail=True)["ok"]
        assert interfaces.post("privacy", enable=True)["ok"]
        broker.start()
        with broker.client() as late:
            late.subscribe(f"{BASE}/#")
            wait_until(lambda: late.latest(f"{BASE}/state/privacy") == b"ON", "the next birth", 40)
            wait_until(lambda: late.latest(f"{BASE}/availability") == b"online", "the end of the birth")
            assert [topic for topic in PICTURES if f"{BASE}/{topic}" in late.table()] == []
    figure("the birth after the outage holds no picture")


@pytest.mark.promise("P6")
def test_pictures_on_a_slow_link_are_not_sent_to_their_end(
    broker: Mosquitto, tmp_path: Path, faulty_link: FaultyProxy, figure: Callable[[str], None]
) -> None:
    link = faulty_link(broker)
    with with_interfaces(tmp_path, broker, mqtt={"port": link.port}) as interfaces:
        client = interfaces.commands.client
        wait_until(lambda: float(interfaces.commands.state("ring_seconds") or 0) >= 6, "pictures in the ring", 30)
        link.set("throttle", "60000")
        client.publish(f"{BASE}/cmd/shortstream", '{"n": 60}')
        client.wait_count(f"{BASE}/shortstream", 2, 20)
        assert interfaces.post("privacy", enable=True)["ok"]
        answered_s = time.monotonic()
        wait_until(lambda: client.latest(f"{BASE}/state/privacy") == b"ON", "the next birth", 60)
        told_s = time.monotonic() - answered_s
        late = [m for m in client.on(f"{BASE}/shortstream") if m.mono_s > answered_s + bar(1)]
        wait_until(
            lambda: not {f"{BASE}/{topic}" for topic in PICTURES} & set(client.table()), "no picture is retained"
        )
    figure(f"60 kB/s: {len(late)} pictures later than a second after the answer; told after {told_s:.1f} s")
    assert late == []
