"""Supported templates of sensors; no other template is evaluated."""

from __future__ import annotations

import time

import pytest

from pi_cam_node.console.sensors.templates import parse


@pytest.mark.parametrize(
    ("text", "payload", "value"),
    [
        (None, b"ON", "ON"),
        ("", b"ON", "ON"),
        ("{{ value }}", b"ON", "ON"),
        ("{{ value | lower }}", b"ON", "on"),
        ("{{ value_json.contact }}", b'{"contact": false}', "false"),
        ('{{ value_json["contact"] }}', b'{"contact": true}', "true"),
        ("{{value_json['state']|lower}}", b'{"state": "OPEN"}', "open"),
        ("{{ value_json.POWER1 }}", b'{"POWER1": "OFF"}', "OFF"),
        ("{{ value_json.contact }}", b'{"battery": 9}', None),
        ("{{ value_json.contact }}", b"no JSON", None),
        ("{{ value_json.contact }}", b"[1]", None),
        ("{{ value_json.n }}", b'{"n": 2.5}', "2.5"),
    ],
)
def test_shapes(text: str | None, payload: bytes, value: str | None) -> None:
    template = parse(text)
    assert template is not None
    assert template.value(payload) == value


@pytest.mark.parametrize(
    "text",
    [
        "{% for i in range(9**9) %}{% endfor %}",
        "{{ value_json.a.b }}",
        "{{ value_json.a | int }}",
        "{{ value_json['a\\'] }}",
        "{{ ''.__class__ }}",
        "{{ value_json.a }}x",
        "{{ value_json['a\" ] }}",
        42,
        "{{ value_json." + "a" * 300 + " }}",
    ],
)
def test_anything_else_is_not_read(text: object) -> None:
    assert parse(text) is None


def test_a_hostile_template_costs_nothing() -> None:
    began_s = time.process_time()
    assert parse("{{ value_json[" + " " * 180) is None
    assert time.process_time() - began_s < 0.5
