"""Evaluation of given findings by the doctor."""

from __future__ import annotations

import dataclasses
import errno
import os
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.base.units import MIB
from pi_cam_node.cli.doctor import broker_checks, camera_checks, machine_checks, node_checks, packages, unit_checks
from pi_cam_node.cli.doctor.command import line_of
from pi_cam_node.cli.doctor.finding import Finding, failed, ok
from pi_cam_node.cli.doctor.node_checks import NodeOnBroker
from pi_cam_node.config import Config, HomeAssistantConfig, MqttConfig
from pi_cam_node.config.loader import LoadedConfig
from pi_cam_node.mqtt.messages.topics import topics_of
from tests.support.frames import frame_of

CONFIG = Config.model_validate({"node": {"id": "porch"}})
TOPICS = topics_of(CONFIG)
RUNNING = NodeOnBroker(TOPICS, online=True, health={"ok": True, "data": {"fps": 9.9}}, retained={})
ABSENT = NodeOnBroker(TOPICS, online=False, health=None, retained={})


def with_retained(seen: NodeOnBroker, **texts: str) -> NodeOnBroker:
    """Return what was seen, with texts on topics whose slashes are written as double underscores."""
    return dataclasses.replace(seen, retained={topic.replace("__", "/"): text for topic, text in texts.items()})


def states(findings: object) -> list[str]:
    return [finding.state for finding in findings]  # type: ignore[attr-defined]


def importing(**broken: Exception) -> packages.Import:
    """Return an import in which some modules fail."""

    def import_module(name: str) -> ModuleType:
        if name in broken:
            raise broken[name]
        return ModuleType(name)

    return import_module


def test_whole_packages_are_told_with_their_versions() -> None:
    (finding,) = packages.check(importing())
    assert finding.state == "ok"
    assert f"numpy {np.__version__}" in finding.text


def test_a_package_that_cannot_be_imported_fails() -> None:
    findings = list(packages.check(importing(cv2=ImportError("libGL.so.1: cannot open"))))
    assert states(findings) == ["failed"]
    assert "libGL.so.1" in findings[0].text


def test_simplejpeg_for_another_numpy_is_a_warning_with_its_remedy() -> None:
    findings = list(packages.check(importing(simplejpeg=ValueError("numpy.dtype size changed"))))
    assert states(findings) == ["warning", "ok"]
    assert "apt's numpy" in findings[0].advice
    assert states(packages.check(importing(simplejpeg=ImportError("no module")))) == ["warning", "ok"]


def test_every_fault_of_the_configuration_is_a_failure() -> None:
    assert states(machine_checks.check_configuration(ConfigError(["a: wrong", "b: wrong"]))) == ["failed", "failed"]


def test_what_is_unwise_in_the_configuration_is_a_warning() -> None:
    loaded = LoadedConfig(CONFIG, Path("my.yaml"), ("everybody can read it",))
    assert states(machine_checks.check_configuration(loaded)) == ["warning", "ok"]
    assert "porch" in list(machine_checks.check_configuration(loaded))[-1].text


def test_an_unsynchronised_clock_is_a_warning() -> None:
    assert machine_checks.check_clock(lambda: True).state == "ok"
    assert machine_checks.check_clock(lambda: False).state == "warning"


@pytest.mark.parametrize(
    ("free_mib", "budget_mib", "state"),
    [(2000, 0, "ok"), (150, 0, "warning"), (2000, 64, "warning"), (100, 200, "failed")],
)
def test_memory_is_judged_by_what_the_ring_gets(free_mib: int, budget_mib: int, state: str) -> None:
    config = Config.model_validate({"node": {"id": "porch", "memory_bytes": budget_mib * MIB}})
    finding = machine_checks.check_memory(config, free_mib * MIB)
    assert finding.state == state
    assert bool(finding.advice) == (state != "ok")


@pytest.mark.parametrize(("free_mib", "state"), [(1000, "ok"), (300, "warning"), (100, "failed")])
def test_a_disk_is_judged_by_its_reserve(free_mib: int, state: str) -> None:
    assert machine_checks.judge_free_space("/captures", free_mib * MIB, 200 * MIB).state == state


def test_a_folder_that_cannot_be_made_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    config = Config.model_validate({"export": {"base_dir": str(tmp_path / "file" / "captures")}})
    assert machine_checks.check_disk(config).state == "failed"


def test_a_folder_that_may_not_be_looked_for_is_a_failure(tmp_path: Path, mocker: MockerFixture) -> None:
    captures, stat = tmp_path / "closed" / "captures", os.stat
    captures.parent.mkdir()

    def closed(path: Path, **how: bool) -> object:
        if path == captures:
            raise PermissionError(errno.EACCES, "Permission denied")
        return stat(path, **how)

    def not_ours(dir: Path) -> None:  # noqa: A002 - the name it has in tempfile
        raise PermissionError(errno.EACCES, f"{dir} is closed")

    mocker.patch.object(os, "stat", closed)
    mocker.patch("tempfile.TemporaryFile", not_ours)
    finding = machine_checks.check_disk(Config.model_validate({"export": {"base_dir": str(captures)}}))
    assert finding.state == "failed"
    assert f"{captures.parent} cannot be written" in finding.text


def test_a_camera_is_left_alone_in_doubt_and_the_doubt_is_told() -> None:
    private = Config.model_validate({"privacy": {"enable": True}})
    assert "privacy is on:" in camera_checks.check_camera(private).text
    finding = camera_checks.check_camera(private, "/captures/.privacy_on: Permission denied")
    assert finding.state == "skipped"
    assert "cannot be told (/captures/.privacy_on: Permission denied)" in finding.text


def test_checking_the_disk_leaves_no_file(tmp_path: Path) -> None:
    config = Config.model_validate({"export": {"base_dir": str(tmp_path / "captures")}})
    assert "will be made" in machine_checks.check_disk(config).text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "state"),
    [
        ({"host": "localhost"}, "ok"),
        ({"host": "::1"}, "ok"),
        ({"host": "127.0.0.1", "username": "anna"}, "ok"),
        ({"host": "broker.lan"}, "warning"),
        ({"host": "192.0.2.7", "username": "anna"}, "warning"),
        ({"host": "broker.lan", "username": "anna", "tls": {"enable": True}}, "ok"),
    ],
)
def test_a_login_is_judged_by_encryption_and_network(settings: dict[str, object], state: str) -> None:
    assert broker_checks.judge_login(MqttConfig.model_validate(settings)).state == state


def discovered(seen: NodeOnBroker, **settings: bool) -> list[str]:
    return states(node_checks.check_discovery(HomeAssistantConfig.model_validate(settings), seen))


def test_a_running_node_whose_discovery_is_not_seen_is_a_warning() -> None:
    assert discovered(RUNNING) == ["warning", "skipped"]
    assert discovered(with_retained(RUNNING, homeassistant__device__pi_cam_node_porch__config="{}"))[0] == "ok"
    assert discovered(ABSENT) == ["skipped", "skipped"]
    assert discovered(RUNNING, enable=False) == ["ok"]


def test_home_assistant_is_as_alive_as_its_status_says() -> None:
    assert discovered(with_retained(ABSENT, homeassistant__status="online"))[1] == "ok"
    assert discovered(with_retained(ABSENT, homeassistant__status="offline"))[1] == "warning"


def test_the_running_node_is_asked_for_its_camera() -> None:
    seen = with_retained(
        RUNNING, pi_cam_node__porch__camera__availability="online", pi_cam_node__porch__state__brightness="112.8"
    )
    finding = node_checks.check_running_camera(seen)
    assert finding.state == "ok"
    assert "112.8" in finding.text
    assert "9.9 frames" in finding.text


def test_a_running_node_without_frames_is_a_failure_with_its_reason() -> None:
    finding = node_checks.check_running_camera(
        with_retained(
            RUNNING,
            pi_cam_node__porch__camera__availability="offline",
            pi_cam_node__porch__state__last_error="camera_down: cable",
        )
    )
    assert finding.state == "failed"
    assert "camera_down: cable" in finding.text


def test_where_nothing_is_retained_the_reply_tells_of_the_camera() -> None:
    seen = dataclasses.replace(RUNNING, is_retained=False)
    assert node_checks.check_running_camera(seen).state == "ok"
    (discovery, _) = node_checks.check_discovery(HomeAssistantConfig(), seen)
    assert (discovery.state, "keeps no retained messages" in discovery.text) == ("warning", True)
    assert seen.health is not None
    dark = dataclasses.replace(seen, health={**seen.health, "data": {"fps": 0.0}})
    assert node_checks.check_running_camera(dark).state == "failed"


@pytest.mark.parametrize(("level", "state"), [(0, "warning"), (112, "ok"), (255, "warning")])
def test_a_black_or_white_frame_is_a_warning(level: int, state: str) -> None:
    pixels = np.full((48, 64, 3), level, np.uint8)
    frame = frame_of(pixels)
    assert camera_checks.judge_frame("v4l2:/dev/video0, 64 x 48", frame, 0.5).state == state


def test_advice_stands_below_what_it_is_about() -> None:
    assert line_of(ok("clock", "synchronised")) == "ok      clock          synchronised"
    assert line_of(failed("disk", "full", "free some")).splitlines()[1].strip() == "-> free some"
    assert line_of(ok("node", "\x1b[2Jporch")).endswith(r"\x1b[2Jporch")
    assert isinstance(ok("x", "y"), Finding)


UNIT = Path(__file__).parents[3] / "systemd" / "pi-cam-node.service"


def unit_with(folder: Path, *drop_ins: str) -> unit_checks.Unit:
    """Return the shipped unit with drop-ins, as it would be found in a folder."""
    (folder / unit_checks.UNIT_NAME).write_text(UNIT.read_text())
    (folder / f"{unit_checks.UNIT_NAME}.d").mkdir()
    for number, text in enumerate(drop_ins):
        (folder / f"{unit_checks.UNIT_NAME}.d" / f"{number}.conf").write_text(f"[Service]\n{text}\n")
    unit = unit_checks.find_unit(CONFIG_FILE, (folder / "elsewhere", folder))
    assert unit is not None
    return unit


CONFIG_FILE = Path("/etc/pi_cam_node/config.yaml")


@pytest.mark.parametrize(
    ("host", "source", "drop_in", "state"),
    [
        ("192.168.1.5", "auto", "", "ok"),
        ("127.0.0.1", "auto", "", "ok"),
        ("::1", "auto", "", "ok"),
        ("203.0.113.9", "auto", "", "failed"),
        ("203.0.113.9", "auto", "IPAddressAllow=203.0.113.0/24", "ok"),
        ("203.0.113.9", "auto", "IPAddressDeny=", "ok"),
        ("203.0.113.9", "auto", "IPAddressAllow=any", "ok"),
        ("127.0.0.1", "rtsp://user:secret@203.0.113.9/stream", "", "failed"),
        ("2001:db8::1", "auto", "", "failed"),
    ],
)
def test_a_unit_that_shuts_the_node_out_from_broker_or_camera_is_found(
    tmp_path: Path, host: str, source: str, drop_in: str, state: str
) -> None:
    config = Config.model_validate(
        {"mqtt": {"host": host}, "camera": {"source": source}, "export": {"base_dir": "/var/lib/pi-cam-node/captures"}}
    )
    findings = list(unit_checks.check_unit(unit_with(tmp_path, drop_in), config, CONFIG_FILE))
    assert states(findings) == [state]
    assert "secret" not in str(findings)


@pytest.mark.parametrize(
    ("folder", "state"),
    [("/var/lib/pi-cam-node/captures", "ok"), ("/etc/pi_cam_node/captures", "ok"), ("/home/pi/captures", "warning")],
)
def test_a_folder_that_the_unit_does_not_let_write_is_a_warning(tmp_path: Path, folder: str, state: str) -> None:
    config = Config.model_validate({"mqtt": {"host": "127.0.0.1"}, "export": {"base_dir": folder}})
    assert states(unit_checks.check_unit(unit_with(tmp_path), config, CONFIG_FILE)) == [state]


def test_a_unit_for_another_file_says_nothing_of_these_settings(tmp_path: Path) -> None:
    config = Config.model_validate({"mqtt": {"host": "203.0.113.9"}})
    assert states(unit_checks.check_unit(unit_with(tmp_path), config, tmp_path / "my.yaml")) == ["ok"]
    assert unit_checks.find_unit(None, (tmp_path / "nowhere",)) is None


def test_the_node_of_another_file_is_judged_by_the_instance_that_runs_it(tmp_path: Path) -> None:
    unit_with(tmp_path, "IPAddressAllow=any")
    (tmp_path / "pi-cam-node@.service").write_text(UNIT.with_name("pi-cam-node@.service").read_text())
    yard = Path("/etc/pi_cam_node/yard.yaml")
    folder = "/var/lib/pi-cam-node/yard/captures"
    config = Config.model_validate({"mqtt": {"host": "203.0.113.9"}, "export": {"base_dir": folder}})
    unit = unit_checks.find_unit(yard, (tmp_path,))
    assert unit is not None
    findings = list(unit_checks.check_unit(unit, config, yard))
    assert states(findings) == ["failed"]
    assert "systemctl edit pi-cam-node@yard" in findings[0].advice
    (tmp_path / "pi-cam-node@yard.service.d").mkdir()
    (tmp_path / "pi-cam-node@yard.service.d" / "own.conf").write_text("[Service]\nIPAddressAllow=203.0.113.9\n")
    unit = unit_checks.find_unit(yard, (tmp_path,))
    assert unit is not None
    assert states(unit_checks.check_unit(unit, config, yard)) == ["ok"]


@pytest.mark.parametrize(("host", "warned"), [("3f2a91c0de77", True), ("raspberrypi", False), ("deadbeef", False)])
def test_the_host_name_of_a_container_is_a_warning(host: str, warned: bool, mocker: MockerFixture) -> None:
    mocker.patch("socket.gethostname", return_value=host)
    assert [finding.state for finding in machine_checks.check_node_id(Config())] == ["warning"] * warned
    named = Config.model_validate({"node": {"id": host}})
    assert list(machine_checks.check_node_id(named)) == []
