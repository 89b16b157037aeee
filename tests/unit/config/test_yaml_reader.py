"""Parsing of handwritten settings files, and error messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.config import Config
from pi_cam_node.config.loader import parse


def read(text: str) -> Config:
    return parse(text, Path("/somewhere/c.yaml"))


@pytest.mark.parametrize(
    "text",
    [
        "node:\n  id: t1\t# mine\n",
        "node:\n  id:\tt1\n",
        "node:\t\n  id: \t t1\t \n",
        "node: {id:\tt1}\t# mine\n",
        "node:\n  id:\t't1'\n",
        "\t# a comment\nnode:\n  id: t1\n\t\n",
        "# K\u00a0uche\nnode:\n  id: t1\n",
    ],
)
def test_tabs_and_odd_blanks_that_mean_nothing_are_taken(text: str) -> None:
    assert read(text).node.id == "t1"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("node:\n\tid: t1\n", "c.yaml:2: found a tab; expected blanks for the indentation"),
        ("mqtt:\n\u00a0\u00a0port: 1883\n", "c.yaml:2: found the character U+00A0 at the beginning"),
        ("node: {id: a}\n\u3000mqtt: {port: 1}\n", "c.yaml:2: found the character U+3000 at the beginning"),
        ("node:\n  name: 'a\tb'\n", "c.yaml:2: node.name: found 'a\\tb', a line break or another control"),
        ('node:\n  name: "\\UFFFFFFFF"\n', "c.yaml:2: found a number that is out of range, after \\U in quotes"),
        ('node: {name: "\\U00110000"}\n', "c.yaml:1: found a number that is out of range, after \\U in quotes"),
        ("%YAML 1." + "9" * 5000 + "\n---\n", "c.yaml:1: found a number that is out of range"),
        ('export:\n  base_dir: "/a\\ud800"\n', "c.yaml:2: found half of a character"),
        ("MQTT:\n  port: 1\n", "c.yaml:1: MQTT: unknown key; did you mean mqtt?"),
        ("mqtt:\n  Port: 1\n", "c.yaml:2: mqtt.Port: unknown key; did you mean mqtt.port?"),
        ("mqtt: {host: '${MQTT_HOST}'}\n", "which nothing fills in; give the value, or PI_CAM_NODE__MQTT__HOST"),
        ("mqtt: {host: $MQTT_HOST}\n", "which nothing fills in; give the value, or PI_CAM_NODE__MQTT__HOST"),
    ],
)
def test_what_cannot_be_meant_is_said_in_words(text: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert why in str(caught.value)


def test_a_password_may_look_like_a_variable() -> None:
    password = read("mqtt: {username: u, password: '$ecret'}\n").mqtt.password
    assert password is not None
    assert password.get_secret_value() == "$ecret"


def test_a_character_may_be_written_as_json_writes_it() -> None:
    assert read('{"node": {"name": "\\ud83d\\ude00"}}').node.name == "\U0001f600"
