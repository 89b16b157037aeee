"""Loading of ``console.yaml``."""

from __future__ import annotations

from pathlib import Path

import pytest

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.console.config import is_contact
from pi_cam_node.console.config.loader import load

PATH = Path("/etc/pi_cam_node/console.yaml")


def problems_of(text: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load(PATH, {}, text.encode())
    return raised.value.problems


def test_without_a_file_everything_has_its_default() -> None:
    loaded = load(None, {})
    assert (loaded.config.console.port, loaded.config.mqtt.host, loaded.rules, loaded.cameras) == (
        8090,
        "localhost",
        (),
        (),
    )
    assert loaded.base_url == "http://127.0.0.1:8090"


def test_relative_paths_start_at_the_file() -> None:
    assert load(PATH, {}, b"console: {base_dir: data}").config.console.base_dir == PATH.parent / "data"


def test_variables_of_the_console_win_and_those_of_the_node_are_not_its_own() -> None:
    environ = {
        "PI_CAM_NODE_CONSOLE__CONSOLE__PORT": "9000",
        "PI_CAM_NODE__NIGHT__GAIN": "3",
        "PI_CAM_NODE_CONSOLE_PUSH_HOSTS": "x",
    }
    assert load(PATH, environ, b"console: {port: 8000}").config.console.port == 9000


def test_every_fault_is_told_with_its_line() -> None:
    text = (
        "consol: {port: 1}\nrules:\n  - when: {sensor: Door!, becomes: open}\n    do: []\n  - 4\nmqtt: {port: 99999}\n"
    )
    problems = problems_of(text)
    assert f"{PATH}:1: consol: unknown key; did you mean console?" in problems
    assert any(one.startswith(f"{PATH}:3: rules[0].when.sensor: ") for one in problems)
    assert any(one.startswith(f"{PATH}:4: rules[0].do: ") for one in problems)
    assert any(one.startswith(f"{PATH}:5: rules[1]: ") for one in problems)
    assert any(one.startswith(f"{PATH}:6: mqtt.port: ") for one in problems)


def test_a_rule_reads_as_people_write_it() -> None:
    text = """
rules:
  - when: {sensor: front_door, becomes: open}
    if: {mode: away, between: [22:00, 06:00]}
    do: [{past: porch, at: 2}, {push: [anna], text: Door}]
    again_after: 60
"""
    rule = load(PATH, {}, text.encode()).rules[0]
    assert rule.condition.between == ("22:00", "06:00")
    assert (rule.do[0].past, rule.do[0].at, rule.do[1].push) == ("porch", 2.0, ["anna"])


def test_two_cameras_of_one_id_are_refused() -> None:
    text = "cameras:\n  - {id: a, source: synthetic}\n  - {id: a, source: synthetic}\n"
    assert problems_of(text) == [f"{PATH}: cameras: two have the id a"]


@pytest.mark.parametrize(
    "url", ["ftp://x", "https://", "https://cam.example.org/path", "https://a@cam.example.org", "cam.example.org"]
)
def test_a_public_url_is_an_origin(url: str) -> None:
    assert problems_of(f"console: {{public_url: '{url}'}}")


def test_a_trusted_proxy_is_an_address_or_a_network() -> None:
    loaded = load(PATH, {}, b"console: {trusted_proxies: [10.77.0.1, 10.0.0.0/8]}")
    assert loaded.config.console.trusted_proxies == ["10.77.0.1", "10.0.0.0/8"]
    assert problems_of("console: {trusted_proxies: [hub.example.org]}")


@pytest.mark.parametrize(
    ("subject", "is_taken"),
    [
        ("mailto:anna@posteo.de", True),
        ("https://anna.dev/contact", True),
        ("mailto:anna@localhost", False),
        ("mailto:anna@example.com", False),
        ("mailto:anna@mail.example.org", False),
        ("https://pi-cam-node.invalid", False),
        ("anna@posteo.de", False),
        ("", False),
    ],
)
def test_a_vapid_subject_is_a_real_address(subject: str, is_taken: bool) -> None:
    assert is_contact(subject) is is_taken
