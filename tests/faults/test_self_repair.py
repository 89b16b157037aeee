"""Bad settings: the camera delivers nothing, the node crashes, the file cannot be read."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.runtime.start_counter import SAFE_START
from pi_cam_node.runtime.startup import begin
from tests.faults.hanging_driver import HANGS_FROM_PX
from tests.faults.supervised_node import SupervisedNode
from tests.faults.thread_faults import CRASH_PX
from tests.support.bars import bar
from tests.support.broker import Mosquitto, wait_until
from tests.support.running_node import BASE, CommandClient

pytestmark = pytest.mark.faults

SLACK_S = 15.0

SETTINGS = b"""# the porch
node: {id: porch, groups: [garden, front]}
mqtt: {host: 127.0.0.1, username: porch, base_topic: home/cams}
camera: {source: synthetic, width: 640, height: 480, framerate: 12.5}
night: {dark_threshold: 40, bright_threshold: 200, exposure_us: 1 s}
export: {formats: [jpg], save_before_s: 3.5, base_dir: pictures}
http: {allowed_hosts: [porch.lan]}
"""


def info_of(commands: CommandClient) -> dict[str, Any]:
    return dict(json.loads(commands.client.latest(f"{BASE}/info") or b"{}"))


# ------------------------------------------------------------------ a change


@pytest.mark.promise("C11", "B9")
def test_a_change_that_starves_the_camera_goes_back_and_is_said(
    broker: Mosquitto, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    with SupervisedNode(tmp_path, broker, node={"memory_bytes": 1 << 30}) as service, broker.client() as client:
        commands = CommandClient(client)
        commands.wait_online(60)
        service.wait_served(commands)
        on_disk = service.config.read_bytes()
        for key, value in (
            ("night.exposure_us", "200s"),
            ("camera.framerate", "0"),
            ("camera.width", "99999"),
            ("ring.size", "1000000000"),
            ("ring.max_bytes", "1000000000000"),
        ):
            assert commands.ask("set", key=key, value=value)["code"] == "out_of_range"
        began_s = time.monotonic()
        assert commands.ask("set", key="camera.width", value=HANGS_FROM_PX)["ok"]
        refused = commands.ask("overwrite_config", 60.0)
        assert not refused["ok"]
        wait_until(lambda: client.latest(f"{BASE}/config/camera.width") == b"320", "the old width", 60)
        back_s = time.monotonic() - began_s
        wait_until(lambda: "rolled back: camera.width" in _last_error(commands), "what happened, on last_error", 10)
        event = json.loads(client.latest(f"{BASE}/event/settings_rolled_back") or b"{}")
        assert event["settings"] == {"camera.width": 320}
        assert "rolled back camera.width" in service.log.read_text()
        frames_s = service.wait_served(commands) - began_s
        assert service.config.read_bytes() == on_disk
        assert len(service.kinds("start")) == 1
    assert back_s <= 30 + SLACK_S
    figure(
        f"5 of 5 absurd values refused; a size that hangs the driver went back after {back_s:.1f} s (at most 30), "
        f"frames again after {frames_s:.1f} s; file unchanged"
    )


def _last_error(commands: CommandClient) -> str:
    """Return `last_error` as it is now, without earlier values."""
    return (commands.client.latest(f"{BASE}/state/last_error") or b"").decode()


@pytest.mark.promise("C11", "B9")
def test_a_mode_that_the_camera_refuses_goes_back(
    broker: Mosquitto, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    camera = {"source": "synthetic?refuse=night"}
    with SupervisedNode(tmp_path, broker, camera=camera) as service, broker.client() as client:
        commands = CommandClient(client)
        commands.wait_online(60)
        service.wait_served(commands)
        began_s = time.monotonic()
        assert commands.ask("set", key="night.override", value="night")["ok"]
        wait_until(lambda: "rolled back: night.override" in _last_error(commands), "what happened, on last_error", 60)
        took_s = time.monotonic() - began_s
        assert commands.ask("get", key="night.override")["data"]["value"] == "auto"
    assert took_s <= bar(30 + SLACK_S)
    figure(f"a refused mode went back after {took_s:.1f} s (at most 30)")


# ------------------------------------------------------------------ a file that crashes the node


@pytest.mark.promise("C9", "B9")
def test_a_crash_loop_ends_in_a_safe_mode_that_takes_orders(
    broker: Mosquitto, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    began_s = time.monotonic()
    with SupervisedNode(tmp_path, broker, camera={"width": CRASH_PX}) as service, broker.client() as client:
        commands = CommandClient(client)
        service.wait("start", SAFE_START, 120)
        wait_until(lambda: info_of(commands).get("safe_mode"), "safe mode", 60)
        wait_until(lambda: client.latest(f"{BASE}/availability") == b"online", "the node", 30)
        reached_s = time.monotonic() - began_s
        service.wait("ready", 1, 30)
        assert client.latest(f"{BASE}/camera/availability") == b"offline"
        assert "safe mode" in commands.state("last_error")
        assert "4 starts in a row came to nothing" in info_of(commands)["trouble"]
        assert client.latest("homeassistant/device/pi_cam_node_porch/config")
        wait_until(lambda: service.healthz() == "not ok", "the live view", 30)
        assert commands.ask("save")["code"] == "camera_down"
        assert commands.ask("set", key="camera.width", value=320)["ok"]
        assert commands.ask("overwrite_config")["ok"]
        assert commands.ask("restart")["ok"]
        assert service.wait("exit", SAFE_START, 30)["rc"] == 75
        back_s = service.wait_served(commands) - began_s
        assert info_of(commands)["start"] == 1
        assert len(service.kinds("start")) == SAFE_START + 1
    assert reached_s <= 60 + SLACK_S
    assert yaml.safe_load(service.config.read_text())["camera"]["width"] == 320
    figure(
        f"reachable and explaining itself by start {SAFE_START} after {reached_s:.1f} s (at most 60); mended by set, "
        f"overwrite_config and restart, frames after {back_s:.1f} s"
    )


@pytest.mark.promise("C9", "B9")
def test_the_third_start_uses_the_last_good_settings(
    broker: Mosquitto, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    service = SupervisedNode(tmp_path, broker, camera={"width": CRASH_PX})
    good = yaml.safe_load(service.config.read_text())
    good["camera"]["width"] = 640
    service.config.with_name("node.yaml.good").write_text(yaml.safe_dump(good))
    began_s = time.monotonic()
    with service, broker.client() as client:
        commands = CommandClient(client)
        commands.wait_online(60)
        took_s = service.wait_served(commands) - began_s
        assert len(service.kinds("start")) == 3
        assert info_of(commands)["settings_from"] == "last good"
        assert commands.ask("get", key="camera.width")["data"]["value"] == 640
        assert str(CRASH_PX) in service.config.read_text()
    assert took_s <= bar(60 + SLACK_S)
    figure(f"frames with the last good settings at start 3, after {took_s:.1f} s")


# ------------------------------------------------------------------ a file that cannot be used


@pytest.mark.promise("C10")
def test_a_damaged_file_gives_a_node_with_the_last_good_settings(
    broker: Mosquitto, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    service = SupervisedNode(tmp_path, broker)
    whole = service.config.read_bytes()
    service.config.with_name("node.yaml.good").write_bytes(whole)
    bad = whole[: len(whole) // 2] + b"\0\xff\xfe: ["
    service.config.write_bytes(bad)
    with service, broker.client() as client:
        commands = CommandClient(client)
        commands.wait_online(60)
        service.wait_served(commands)
        assert info_of(commands)["settings_from"] == "last good"
        wait_until(lambda: "not usable, and left as it is" in _last_error(commands), "what happened, on last_error", 30)
        assert service.config.read_bytes() == bad
        assert commands.ask("set", key="night.gain", value=7)["ok"]
        written = commands.ask("overwrite_config", 60.0)
        assert written["ok"], written
        assert commands.ask("restart")["ok"]
        service.wait("start", 2, 30)
        service.wait_served(commands)
        wait_until(lambda: info_of(commands)["settings_from"] == "file", "the settings of the file", 10)
        assert commands.ask("get", key="night.gain")["data"]["value"] == 7
    assert service.config.with_name("node.yaml.bad").read_bytes() == bad
    figure("a torn file: the last good settings run, said on info and last_error; overwrite_config mends the file")


@pytest.mark.promise("C10")
@pytest.mark.short
def test_no_damage_keeps_the_node_from_having_settings(
    tmp_path: Path, long: bool, figure: Callable[[str], None]
) -> None:
    file, chance = tmp_path / "node.yaml", random.Random(10)
    file.with_name("node.yaml.good").write_bytes(SETTINGS)
    damages = [SETTINGS[:at] for at in range(len(SETTINGS) + 1)]
    flips = 1000 if long else 300
    for _ in range(flips):
        torn = bytearray(SETTINGS)
        for _ in range(chance.choice((1, 1, 2, 8))):
            torn[chance.randrange(len(torn))] ^= 1 << chance.randrange(8)
        damages.append(bytes(torn))
    lines = SETTINGS.splitlines(keepends=True)
    damages += [b"".join(lines[:n] + lines[n + 1 :]) for n in range(len(lines))]
    fell_back = refused = 0
    for damaged in damages:
        file.with_name("node.yaml.starts").unlink(missing_ok=True)
        file.write_bytes(damaged)
        loaded, start = begin(file, {})
        assert loaded.config.node.id
        assert file.read_bytes() == damaged
        fell_back += start.has_last_good
    file.with_name("node.yaml.good").unlink()
    for damaged in damages[::7]:
        file.write_bytes(damaged)
        try:
            begin(file, {})
        except ConfigError as error:
            refused += bool(error.problems)
    assert fell_back
    assert refused
    figure(
        f"{len(damages)} damages ({len(SETTINGS)} cuts, {flips} flips, lost lines): settings every time, {fell_back} "
        f"times the last good ones, never a traceback"
    )
