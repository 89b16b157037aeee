"""Sources of the password, and masking of secrets."""

from __future__ import annotations

import os

import pytest

from pi_cam_node.config.loader import LoadedConfig, load
from pi_cam_node.config.settings import secrets_of, tree_of
from tests.support.config_folder import Folder

CANARY = "canary-77ab"


def password_of(loaded: LoadedConfig) -> str | None:
    password = loaded.config.mqtt.password
    return None if password is None else password.get_secret_value()


@pytest.mark.parametrize("content", [f"{CANARY}\n", CANARY, f"{CANARY}\r\nmore\n"])
def test_the_password_is_the_first_line_of_its_file(folder: Folder, content: str) -> None:
    folder.put("pw", content)
    loaded = folder.load("mqtt:\n  username: u\n  password_file: pw\n")
    assert password_of(loaded) == CANARY
    assert loaded.warnings == ()


def test_blanks_in_a_password_are_part_of_it(folder: Folder) -> None:
    folder.put("pw", f"  {CANARY} \n")
    assert password_of(folder.load("mqtt:\n  username: u\n  password_file: pw\n")) == f"  {CANARY} "
    assert password_of(folder.load(f"mqtt:\n  username: u\n  password: ' {CANARY}'\n")) == f" {CANARY}"
    assert password_of(folder.load("mqtt: {username: u}", MQTT__PASSWORD=f"{CANARY} ")) == f"{CANARY} "


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("\nsecond\n", "found nothing in the first line, expected the password"),
        ("", "found nothing in the first line, expected the password"),
        (b"\xff\xfe\n", "found bytes that are not UTF-8, expected text"),
        ("x" * 5000, "found a first line of over 4096 bytes, expected the password"),
    ],
)
def test_rejects_a_password_file(folder: Folder, content: str | bytes, problem: str) -> None:
    folder.put("pw", content)
    problems = folder.problems("mqtt:\n  username: u\n  password_file: pw\n")
    assert problems == [f"config.yaml:3: mqtt.password_file: pw: {problem}"]


def test_a_missing_password_file_is_told_beside_the_other_faults(folder: Folder) -> None:
    problems = folder.problems("mqtt:\n  username: u\n  password_file: pw\n  port: 0\n")
    assert problems[0] == "config.yaml:3: mqtt.password_file: pw: cannot be read: No such file or directory"
    assert problems[1].startswith("config.yaml:4: mqtt.port: ")


def test_a_pipe_is_no_password_file(folder: Folder) -> None:
    os.mkfifo(folder.path / "pw")
    assert "found no regular file" in folder.problems("mqtt:\n  username: u\n  password_file: pw\n")[0]


def test_missing_certificates_are_told_at_start(folder: Folder) -> None:
    problems = folder.problems("mqtt:\n  tls:\n    enable: on\n    ca: ca.pem\n")
    assert problems == ["config.yaml:4: mqtt.tls.ca: ca.pem: cannot be read: No such file or directory"]


def test_two_passwords_in_one_place_are_refused(folder: Folder) -> None:
    folder.put("pw", "one")
    problems = folder.problems(f"mqtt:\n  username: u\n  password: {CANARY}\n  password_file: pw\n")
    assert problems == ["config.yaml:4: mqtt.password_file: found beside mqtt.password, expected one of them"]


@pytest.mark.parametrize(
    ("file", "environ", "password"),
    [
        ("password: a", {"MQTT__PASSWORD": "b"}, "b"),
        ("password_file: pw", {"MQTT__PASSWORD": "b"}, "b"),
        ("password_file: absent", {"MQTT__PASSWORD": "b"}, "b"),
        ("password_file: pw", {"MQTT__PASSWORD": ""}, "from the file"),
        ("password: a", {"MQTT__PASSWORD_FILE": "pw"}, "from the file"),
        ("password: a", {"MQTT__PASSWORD_FILE": ""}, "a"),
        ("password: a", {"MQTT__PASSWORD": ""}, None),
        ("port: 1", {}, None),
    ],
)
def test_the_environment_says_what_the_password_is(
    folder: Folder, file: str, environ: dict[str, str], password: str | None
) -> None:
    folder.put("pw", "from the file\n")
    assert password_of(folder.load(f"mqtt:\n  username: u\n  {file}\n", **environ)) == password


def test_a_password_without_a_username_is_refused(folder: Folder) -> None:
    problems = folder.problems(f"mqtt:\n  password: {CANARY}\n")
    assert problems == [
        "config.yaml:2: mqtt.password: found without mqtt.username, expected both; MQTT 3.1.1 knows no password alone"
    ]


@pytest.mark.parametrize(
    ("text", "mode", "warning"),
    [
        (f"mqtt: {{username: u, password: {CANARY}}}", 0o644, "holds mqtt.password, and everybody"),
        (f"camera: {{source: 'rtsp://u:{CANARY}@cam/'}}", 0o604, "holds camera.source, and everybody"),
        (f"mqtt: {{username: u, password: {CANARY}}}", 0o640, ""),
        ("mqtt: {username: u, password: ''}", 0o644, ""),
        ("camera: {source: 'rtsp://cam/'}", 0o644, ""),
        ("mqtt: {username: u, password_file: pw}", 0o644, "mqtt.password_file: not only its owner can read"),
        ("mqtt: {tls: {ca: pw}}", 0o600, "mqtt.tls.enable is off"),
        ("mqtt: {tls: {ca: pw, enable: on}}", 0o600, ""),
    ],
)
def test_warns_of_what_is_unwise(folder: Folder, text: str, mode: int, warning: str) -> None:
    folder.put("pw", CANARY, mode)
    folder.put("config.yaml", text, mode)
    warnings = load(folder.file, {}).warnings
    assert len(warnings) == bool(warning)
    assert warning in "".join(warnings)
    assert CANARY not in "".join(warnings)


@pytest.mark.parametrize(
    ("text", "environ"),
    [
        (f"mqtt: {{username: u, password: {CANARY}}}", {}),
        ("mqtt: {username: u}", {"MQTT__PASSWORD": CANARY}),
        ("mqtt: {username: u, password_file: pw}", {}),
        (f"camera: {{source: 'rtsp://u:{CANARY}@cam/'}}", {}),
        ("", {"CAMERA__SOURCE": f"rtsp://u:{CANARY}@cam/"}),
    ],
)
def test_a_secret_is_shown_nowhere(folder: Folder, text: str, environ: dict[str, str]) -> None:
    folder.put("pw", CANARY)
    loaded = folder.load(text, **environ)
    assert secrets_of(loaded.config) == {CANARY}
    assert CANARY not in repr(loaded)
    assert CANARY not in str(tree_of(loaded.config))


@pytest.mark.parametrize(
    "line",
    [
        f"  password: [{CANARY}]",
        f"  password: {{{CANARY}: 1}}",
        f"  password: !{CANARY}",
        f"  password: &{CANARY}",
        f"  password: *{CANARY}",
        f"  password: '{CANARY}",
        f'  password: "{CANARY}\\x01"',
        f"  password: {CANARY}: x",
        f"  password: {CANARY * 200}",
        f"  password: {CANARY}\n  password_file: absent",
        f"  host: user:{CANARY}@broker",
        f"  host: mqtt://user:{CANARY}@broker:1883",
    ],
)  # fmt: skip
def test_a_fault_never_repeats_a_secret(folder: Folder, line: str) -> None:
    assert CANARY not in "".join(folder.problems(f"mqtt:\n  username: u\n{line}\n"))


def test_a_fault_in_a_variable_never_repeats_a_secret(folder: Folder) -> None:
    environ = {
        "MQTT__PASSWORD": CANARY + "\x01",
        "CAMERA__SOURCE": f"rtmp://u:{CANARY}@cam",
        "MQTT__PASWORD": CANARY,
        "MQTT": CANARY,
    }
    problems = folder.problems("", **environ)
    assert len(problems) == 5
    assert CANARY not in "".join(problems)
