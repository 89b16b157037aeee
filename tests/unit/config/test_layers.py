"""Precedence of the environment over the file, and relative paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from pi_cam_node.config.layers import variable
from pi_cam_node.config.loader import load
from pi_cam_node.config.settings import catalogue, value_of
from tests.support.config_folder import Folder


@pytest.mark.parametrize(
    ("name", "text", "key", "value"),
    [
        ("MQTT__HOST", "broker", "mqtt.host", "broker"),
        ("MQTT__TLS__ENABLE", "on", "mqtt.tls.enable", True),
        ("RING__DOWNSCALE__WIDTH", "128", "ring.downscale.width", 128),
        ("RING__MAX_BYTES", "1 GiB", "ring.max_bytes", 1 << 30),
        ("EXPORT__AUTO_SAVE_INTERVAL_S", "1 h", "export.auto_save_interval_s", 3600.0),
        ("EXPORT__FORMATS", "png jpg", "export.formats", ["png", "jpg"]),
        ("NODE__NAME", "", "node.name", ""),
        ("LOGGING__FILE", "", "logging.file", None),
    ],
)
def test_accepts_a_variable(folder: Folder, name: str, text: str, key: str, value: object) -> None:
    assert variable(key) == f"PI_CAM_NODE__{name}"
    assert value_of(folder.load("", **{name: text}).config, key) == value


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("MQTT__PORT", "abc", "PI_CAM_NODE__MQTT__PORT: mqtt.port: found 'abc', expected a whole number"),
        ("MQTT__PORT", "", "PI_CAM_NODE__MQTT__PORT: mqtt.port: found nothing, expected a whole number"),
        ("MQTT__HOTS", "a", "PI_CAM_NODE__MQTT__HOTS: unknown key; did you mean PI_CAM_NODE__MQTT__HOST?"),
        ("MQTT", "a", "PI_CAM_NODE__MQTT: mqtt is a section, expected a variable for one of its keys"),
        ("", "a", "PI_CAM_NODE__: unknown key"),
        ("mqtt__host", "a", "PI_CAM_NODE__mqtt__host: names are written in capitals: PI_CAM_NODE__MQTT__HOST"),
        ("PRIVACY__X", "1", "PI_CAM_NODE__PRIVACY__X: unknown key"),
        ("NODE__NAME", "\udcff", "PI_CAM_NODE__NODE__NAME: node.name: found '\\udcff', expected text"),
    ],
)  # fmt: skip
def test_rejects_a_variable(folder: Folder, name: str, text: str, problem: str) -> None:
    problems = folder.problems("", **{name: text})
    assert problems[0].startswith(problem)
    assert len(problems) == 1
    assert problems[0].encode()


def test_a_variable_wins_over_the_file(folder: Folder) -> None:
    loaded = folder.load("mqtt:\n  host: a\n  port: 1\n", MQTT__HOST="b")
    assert (loaded.config.mqtt.host, loaded.config.mqtt.port) == ("b", 1)


def test_a_variable_mends_a_faulty_line(folder: Folder) -> None:
    assert folder.load("mqtt:\n  port: x\n", MQTT__PORT="1884").config.mqtt.port == 1884


def test_every_setting_has_a_variable(folder: Folder) -> None:
    for key in catalogue():
        assert "." not in variable(key)
    texts = dict.fromkeys(("mqtt.username", "mqtt.base_topic", "node.name"), "a")
    loaded = folder.load("", **{variable(key).removeprefix("PI_CAM_NODE__"): text for key, text in texts.items()})
    assert {key: value_of(loaded.config, key) for key in texts} == texts


PATHS = [key for key, info in catalogue().items() if info.is_path]


def test_relative_paths_start_at_the_folder_of_the_file(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    for name in ("pw", "ca.pem", "cert.pem", "key.pem"):
        folder.put(name, "x\n")
    loaded = folder.load(
        "export:\n  base_dir: ./pictures\n"
        "logging:\n  file: log/node.log\n"
        "mqtt:\n  username: u\n  password_file: pw\n"
        "  tls: {enable: on, ca: ca.pem, cert: cert.pem, key: key.pem}\n"
        "http:\n  token_file: token\n  tls: {enable: on, cert: cert.pem, key: key.pem}\n"
        "camera:\n  source: file:films/a.avi\n"
    )
    assert {key: value_of(loaded.config, key) for key in PATHS} == {
        "export.base_dir": str(tmp_path / "pictures"),
        "http.tls.cert": str(tmp_path / "cert.pem"),
        "http.tls.key": str(tmp_path / "key.pem"),
        "http.token_file": str(tmp_path / "token"),
        "logging.file": str(tmp_path / "log/node.log"),
        "mqtt.password_file": str(tmp_path / "pw"),
        "mqtt.tls.ca": str(tmp_path / "ca.pem"),
        "mqtt.tls.cert": str(tmp_path / "cert.pem"),
        "mqtt.tls.key": str(tmp_path / "key.pem"),
    }
    assert loaded.config.camera.source == f"file:{tmp_path}/films/a.avi"


def test_the_folder_holds_where_the_file_is_named_relatively(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.load("")
    monkeypatch.chdir(folder.path)
    assert load(Path("config.yaml"), {}).config.export.base_dir == folder.path / "captures"


def test_absolute_paths_and_the_home_stay_what_they_are(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    config = folder.load("export:\n  base_dir: ~/pictures\nlogging:\n  file: /var/log/node.log\n").config
    assert config.export.base_dir == Path("/home/somebody/pictures")
    assert config.logging.file == Path("/var/log/node.log")
