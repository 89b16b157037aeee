"""Payloads on ``set/<key>``."""

from __future__ import annotations

import json

import pytest

from pi_cam_node.mqtt.messages.set_payload import command_of


@pytest.mark.parametrize(
    "payload",
    [b"8", b"8\n", b" 8 ", b'"8"', b'" 8 "', b"8\0", b"\xef\xbb\xbf8", b'\xef\xbb\xbf"8"\r\n\0', "\ufeff8".encode()],
)
def test_one_value_in_many_wrappings(payload: bytes) -> None:
    assert command_of("night.gain", payload) == b"night.gain 8"


@pytest.mark.parametrize(
    ("payload", "fields"),
    [
        (b'{"value": 8}', {"value": 8}),
        (b'{"value": true, "id": "7"}', {"value": True, "id": "7"}),
        (b'{"value": ["jpg"]}\n', {"value": ["jpg"]}),
    ],
)
def test_an_object_with_a_value_is_the_json_form_of_the_command(payload: bytes, fields: dict[str, object]) -> None:
    assert json.loads(command_of("night.gain", payload)) == {"key": "night.gain", **fields}


@pytest.mark.parametrize(
    "payload",
    [
        b'{"val": 8}',
        b'{"value": 8, "key": "night.enable"}',
        b'{"value": 8, "value": 9}',
        b'{"value"',
        b'"8',
        b"[8]",
        b"8,5",
        b"{" * 5000,
    ],
)
def test_what_has_no_one_meaning_is_left_to_the_command_as_it_came(payload: bytes) -> None:
    assert command_of("night.gain", payload) == b"night.gain " + payload


def test_what_is_not_utf_8_is_left_as_it_came() -> None:
    assert command_of("node.name", b"\xff\0") == b"node.name \xff\0"


def test_a_nul_within_is_no_wrapping() -> None:
    assert command_of("node.name", b"a\0b") == b"node.name a\0b"


@pytest.mark.parametrize("payload", [b"", b'""', b"  "])
def test_nothing_empties_a_text(payload: bytes) -> None:
    assert json.loads(command_of("overlay.text", payload)) == {"key": "overlay.text", "value": ""}
