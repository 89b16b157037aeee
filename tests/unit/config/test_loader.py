"""Loading of the configuration file: accepted settings, and error messages."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.config import Config
from pi_cam_node.config.loader import load, parse
from pi_cam_node.config.settings import catalogue, value_of, with_value
from pi_cam_node.config.writer import write_back
from tests.support.config_folder import Folder


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("", "night.gain", 6.0),
        ("# nothing\n", "night.gain", 6.0),
        ("---\nnight:\n  gain: 4\n", "night.gain", 4.0),
        ("\ufeffnight:\n  gain: 4\n", "night.gain", 4.0),
        ("night:\r\n  gain: 4\r\n", "night.gain", 4.0),
        ("night: {gain: 4}", "night.gain", 4.0),
        ("night:\n", "night.gain", 6.0),
        ("night: ~\n", "night.gain", 6.0),
        ("'night':\n  \"gain\": '4'\n", "night.gain", 4.0),
        ("night:\n  exposure_us: 2 s\n", "night.exposure_us", 2_000_000),
        ("night:\n  exposure_us: 1e6\n", "night.exposure_us", 1_000_000),
        ("night:\n  exposure_us: 1_000_000\n", "night.exposure_us", 1_000_000),
        ("night:\n  min_dark_frames: 010\n", "night.min_dark_frames", 10),
        ("ring:\n  max_bytes: 64 MiB\n", "ring.max_bytes", 64 << 20),
        ("ring:\n  downscale:\n    enable: on\n", "ring.downscale.enable", True),
        ("night:\n  enable: no\n", "night.enable", False),
        ("night:\n  enable: OFF\n", "night.enable", False),
        ("export:\n  formats: [png, npy]\n", "export.formats", ["png", "npy"]),
        ("export:\n  formats:\n    - png\n    - npy\n", "export.formats", ["png", "npy"]),
        ("export:\n  formats: png npy\n", "export.formats", ["png", "npy"]),
        ("node:\n  groups:\n", "node.groups", []),
        ("node:\n  groups: []\n", "node.groups", []),
        ("node:\n  groups: [1, on]\n", "node.groups", ["1", "on"]),
        ("node:\n  id: 007\n", "node.id", "007"),
        ("node:\n  name: on\n", "node.name", "on"),
        ("node:\n  name: 2026-11-20\n", "node.name", "2026-11-20"),
        ("node:\n  name:\n", "node.name", ""),
        ("node:\n  name: 'null'\n", "node.name", "null"),
        ("node:\n  id:\n", "node.id", Config().node.id),
        ("mqtt:\n  protocol: 5\n", "mqtt.protocol", "5"),
        ("mqtt:\n  username: 1e5\n", "mqtt.username", "1e5"),
        ("mqtt:\n  tls:\n    ca:\n", "mqtt.tls.ca", None),
        ("logging:\n  level: warning\n", "logging.level", "WARNING"),
    ],
)
def test_accepts_a_file(folder: Folder, text: str, key: str, value: object) -> None:
    loaded = folder.load(text)
    assert value_of(loaded.config, key) == value
    assert loaded.path == folder.file
    assert loaded.warnings == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("night:\n  gain: much\n", "config.yaml:2: night.gain: found 'much', expected a number from 1 to 64"),
        ("night:\n  gain: 65", "config.yaml:2: night.gain: found '65', expected a number from 1 to 64"),
        ("night:\n  gain: true\n", "config.yaml:2: night.gain: found 'true', expected a number from 1 to 64"),
        ("night:\n  gain: .nan\n", "config.yaml:2: night.gain: found '.nan', expected a number from 1 to 64"),
        ("night:\n  min_dark_frames: 1:30\n", "found '1:30', expected a whole number from 1 to 100000"),
        ("night:\n  gain:\n", "config.yaml:2: night.gain: found nothing, expected a number from 1 to 64"),
        ("night:\n  gain: [1]\n", "config.yaml:2: night.gain: found a list, expected a number from 1 to 64"),
        ("night:\n  gain:\n    a: 1\n", "config.yaml:2: night.gain: found a section, expected a number from 1 to 64"),
        ("night:\n  enable: 2\n", "config.yaml:2: night.enable: found '2', expected on or off"),
        ("night: 5\n", "config.yaml:1: night: found a value, expected a section with enable, override, "),
        ("night: [a]\n", "config.yaml:1: night: found a list, expected a section with enable, override, "),
        ("night:\n  gian: 4\n", "config.yaml:2: night.gian: unknown key; did you mean night.gain?"),
        ("nigth:\n  gain: 4\n", "config.yaml:1: nigth: unknown key; did you mean night?"),
        ("dark_threshold: 4\n", "config.yaml:1: dark_threshold: unknown key; did you mean night.dark_threshold?"),
        ("mqtt:\n  tsl: {}\n", "config.yaml:2: mqtt.tsl: unknown key; did you mean mqtt.tls?"),
        ("xyzzy: 4\n", "config.yaml:1: xyzzy: unknown key"),
        ("? ''\n: 1", "config.yaml:1: nothing: unknown key"),
        ("'a\\nb': 4\n", r"config.yaml:1: a\nb: unknown key"),
        ('"a\\nb": 4\n', r"config.yaml:1: 'a\nb': unknown key"),
        ("night.gain: 4\n", "config.yaml:1: night.gain: found a dot in a name, expected sections"),
        ("privacy:\n  enabel: on\n", "config.yaml:2: privacy.enabel: unknown key; did you mean privacy.enable?"),
        ("night:\n  gain: 4\n  gain: 5\n", "config.yaml:3: night.gain: given twice, first in line 2"),
        ("night:\nring:\nnight:\n", "config.yaml:3: night: given twice, first in line 1"),
        ("export:\n  formats: [png, gif]\n", "config.yaml:2: export.formats: found 'gif', expected one of jpg"),
        ("export:\n  formats: [[png]]\n", "export.formats: found a list in the list, expected a list of jpg"),
        ("export:\n  formats:\n", "export.formats: found nothing, expected a list of jpg, png, npy; 1 to 3"),
        ("export:\n  formats: [~]\n", "export.formats: found nothing, expected one of jpg, png, npy"),
        ("export:\n  base_dir: ''\n", "export.base_dir: found nothing, a folder must be named"),
        ("node:\n  id: all\n", "config.yaml:2: node.id: found 'all', the name is reserved for commands"),
        ("node:\n  id: Büro\n", "node.id: found 'Büro', expected 1 to 64 of a–z, 0–9, _ and -"),
        ('node:\n  name: "a\\nb"\n', r"node.name: found 'a\nb', a line break or another control character is in it"),
        ("night:\n  dark_threshold: 250\n", "config.yaml:2: night: dark_threshold (250) must be below bright_"),
        ("night:\n  gain: 4\n  bright_threshold: 50\n", "config.yaml:3: night: dark_threshold (50) must be below"),
        ("- a\n", "config.yaml:1: found no section; expected lines like `camera:`"),
        ("text\n", "config.yaml:1: found no section; expected lines like `camera:`"),
        ("night:\n\tgain: 4\n", "config.yaml:2: found a tab; expected blanks for the indentation"),
        ("night:\n  gain: 4\n mode: still\n", "in line 1; is the line indented as its neighbours are?"),
        ("night: gain: 4\n", "config.yaml:1: not YAML: mapping values are not allowed here"),
        ("overlay:\n  text: {name} {time}\n", "in line 2; put the value in quotes"),
        ("overlay:\n  text: {name}: {time}\n", "mapping values are not allowed here; put the value in quotes"),
        ("overlay:\n  text: {time}\n", "found a section, expected text of at most 200 characters, in quotes if it"),
        ("a: 'b\n\n", "end of stream, while scanning a quoted scalar that began in line 1"),
        ("a: [b\n", "config.yaml:2: not YAML: "),
        ("a: &a [x]\nb: *a\n", "config.yaml:1: found an anchor or alias (& or *); write the value out"),
        ("a: *a\n", "config.yaml:1: found an anchor or alias (& or *); write the value out"),
        ("a: !!python/object/apply:os.system [x]\n", "config.yaml:1: found a tag (!…)"),
        ("? [a]\n: 1\n", "config.yaml:1: found no plain word for the name of a setting"),
        ("a: 1\n---\nb: 2\n", "config.yaml:2: found a second document; expected one"),
        ("a: " + "[" * 5000, "config.yaml:1: nested deeper than 8 levels"),
        ("a: " + "{b: " * 5000, "config.yaml:1: nested deeper than 8 levels"),
        ("a: 1\nb: \0\n", r"config.yaml:2: the character '\x00' is not allowed"),
        ("a: 1\n".encode("utf-16"), "config.yaml:1: found UTF-16, expected UTF-8"),
        (b"a: 1\nb: \xff\n", "config.yaml:2: found the byte 0xff, expected UTF-8"),
        (b"#" * (1 << 20) + b"\n", "config.yaml: larger than 1 MiB, expected a configuration file"),
    ],
)  # fmt: skip
@pytest.mark.promise("X3")
def test_rejects_a_file(folder: Folder, text: str | bytes, problem: str) -> None:
    problems = folder.problems(text)
    assert problems[0].startswith(problem) or problem in problems[0]
    assert len(problems) == 1


def test_every_fault_is_told_at_once_in_the_order_of_the_lines(folder: Folder) -> None:
    text = "night:\n  gain: x\n  gian: 4\nring:\n  size: 1\nsecrets: {}\nmqtt:\n  port: 0\n  port: 1\n"
    problems = folder.problems(text, MQTT__KEEPALIVE_S="0", MQTT__HOTS="a")
    places = [problem.split(" ")[0] for problem in problems]
    assert places == [
        *("config.yaml:2:", "config.yaml:3:", "config.yaml:5:", "config.yaml:6:", "config.yaml:8:", "config.yaml:9:"),
        *("PI_CAM_NODE__MQTT__HOTS:", "PI_CAM_NODE__MQTT__KEEPALIVE_S:"),
    ]


def test_a_conflict_is_not_told_of_a_section_that_is_faulty_anyway(folder: Folder) -> None:
    problems = folder.problems("night:\n  dark_threshold: [1]\n  bright_threshold: 20\n")
    assert problems == ["config.yaml:2: night.dark_threshold: found a list, expected a number from 0 to 255"]


def test_a_file_full_of_faults_is_answered_with_fifty(folder: Folder) -> None:
    problems = folder.problems("".join(f"key{n}: 1\n" for n in range(2000)))
    assert len(problems) == 51
    assert problems[-1] == "… and 1950 more"


@pytest.mark.parametrize("name", ["absent.yaml", "."])
def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read: (No such file|Is a directory)"):
        load(tmp_path / name, {})


def test_without_a_file_everything_has_its_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    loaded = load(None, {"HOME": "/", "PI_CAM_NODE_OTHER": "x"})
    assert loaded.path is None
    assert loaded.config.export.base_dir == tmp_path / "captures"
    assert loaded.config.model_copy(update={"export": Config().export}) == Config()


def test_parse_opens_nothing(tmp_path: Path) -> None:
    config = parse("mqtt: {password_file: absent, tls: {ca: absent}}", tmp_path / "config.yaml")
    assert config.mqtt.password_file == tmp_path / "absent"
    assert config.mqtt.password is None


def nested(key: str, value: Any) -> str:
    lines = [f"{'  ' * depth}{part}:" for depth, part in enumerate(key.split("."))]
    return "\n".join(lines) + f" {value}\n"


@pytest.mark.parametrize("key", catalogue())
def test_a_fault_in_any_setting_names_its_line_key_and_what_was_expected(folder: Folder, key: str) -> None:
    info = catalogue()[key]
    problems = folder.problems(nested(key, "{a: b}"))
    quotes = ", in quotes if it begins with { or [" if info.kind == "text" else ""
    assert problems == [f"config.yaml:{key.count('.') + 1}: {key}: found a section, expected {info.expected}{quotes}"]


@effort(max_examples=200, deadline=None)
@given(text=st.one_of(st.text(), st.text(alphabet="abnight: \n-[]{}#&*!|>'\"%@`,?~0123456789.\t")))
@pytest.mark.promise("X3")
def test_no_text_does_anything_but_load_or_be_refused(text: str) -> None:
    try:
        config = parse(text, Path("/somewhere/config.yaml"))
    except ConfigError as refused:
        told = refused.problems
        assert told
        assert all(problem.startswith(("/somewhere/config.yaml:", "… and ")) for problem in told)
    else:
        assert Config.model_validate(config.model_dump()) == config


# ---------------------------------------------------------------- where the pictures go


def test_a_state_folder_that_may_not_be_searched_is_no_fault_of_the_file(
    folder: Folder, tmp_path: Path, mocker: MockerFixture
) -> None:
    path = folder.put("config.yaml", "")
    denied = PermissionError(errno.EACCES, "Permission denied")
    mocker.patch("os.stat", side_effect=denied)
    config = load(path, {"STATE_DIRECTORY": str(tmp_path / "state")}, b"").config
    assert config.export.base_dir == tmp_path / "state" / "captures"


def test_a_service_keeps_its_pictures_in_its_state_folder(folder: Folder, tmp_path: Path) -> None:
    path = folder.put("config.yaml", "export: {base_dir: ./captures}\n")
    state = tmp_path / "state"
    assert load(path, {"STATE_DIRECTORY": str(state)}).config.export.base_dir == state / "captures"
    assert load(path, {"STATE_DIRECTORY": f"{state}:/elsewhere"}).config.export.base_dir == state / "captures"
    assert load(path, {}).config.export.base_dir == folder.path / "captures"
    path.write_text("")
    assert load(path, {"STATE_DIRECTORY": str(state)}).config.export.base_dir == state / "captures"


def test_an_absolute_folder_of_pictures_is_taken_as_it_is(folder: Folder, tmp_path: Path) -> None:
    for name in (str(folder.path / "captures"), "/srv/pictures"):
        path = folder.put("config.yaml", f"export: {{base_dir: {name}}}\n")
        assert load(path, {"STATE_DIRECTORY": str(tmp_path / "state")}).config.export.base_dir == Path(name)


def test_pictures_that_are_beside_the_file_already_stay_there(folder: Folder, tmp_path: Path) -> None:
    path, state = folder.put("config.yaml", ""), tmp_path / "state"
    (folder.path / "captures").mkdir()
    assert load(path, {"STATE_DIRECTORY": str(state)}).config.export.base_dir == folder.path / "captures"
    (state / "captures").mkdir(parents=True)
    assert load(path, {"STATE_DIRECTORY": str(state)}).config.export.base_dir == state / "captures"


def test_the_state_folder_is_not_written_into_the_file(folder: Folder, tmp_path: Path) -> None:
    path = folder.put("config.yaml", "night: {gain: 4}\n")
    config = load(path, {"STATE_DIRECTORY": str(tmp_path / "state")}).config
    write_back(path, with_value(config, "night.gain", "5"))
    assert path.read_text() == "night: {gain: 5}\n"


@pytest.mark.parametrize(
    "topic",
    [
        "pi_cam_node/porch",
        "pi_cam_node/porch/availability",
        "pi_cam_node/porch/cmd/save",
        "pi_cam_node/all/cmd/save",
        "homeassistant/device/pi_cam_node_porch/config",
    ],
)
def test_one_of_the_node_s_own_topics_is_not_where_home_assistant_says_that_it_started(
    folder: Folder, topic: str
) -> None:
    (problem,) = folder.problems(f"node: {{id: porch}}\nhomeassistant:\n  birth_topic: {topic}\n")
    assert f":3: homeassistant.birth_topic: found {topic}, which is one of the node's own topics" in problem
    assert "homeassistant/status" in problem


@pytest.mark.parametrize("topic", ["ha/status", "pi_cam_node/porch2/status", "homeassistant/status"])
def test_every_other_topic_may_be_where_home_assistant_says_that_it_started(folder: Folder, topic: str) -> None:
    text = f"node: {{id: porch}}\nmqtt: {{base_topic: pi_cam_node}}\nhomeassistant: {{birth_topic: {topic}}}\n"
    assert folder.load(text).config.homeassistant.birth_topic == topic
