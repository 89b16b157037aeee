"""Strict parsing of untrusted JSON."""

from __future__ import annotations

import json
import sqlite3

import pytest

from pi_cam_node.base.strict_json import json_bytes, json_object, read_json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (rb'{"a": "\ud83d\ude00"}', {"a": "\U0001f600"}),
        (rb'{"\uD800": ["x\udc00", {"b": "\ud83d"}]}', {"\ufffd": ["x\ufffd", {"b": "\ufffd"}]}),
        (rb'"\\ud800"', r"\ud800"),
        (b"[NaN, Infinity, -Infinity, 1e999, -1e999]", [None] * 5),
        (b"[1, -12, 123456789012345678, 2.5]", [1, -12, 123456789012345678, 2.5]),
        (b"9223372036854775808", 9223372036854775808.0),
        (b"1" * 5000, None),
        ("\u00fc".join('""').encode(), "\u00fc"),
    ],
)
def test_what_is_read_can_be_stored_and_written_again(text: bytes, value: object) -> None:
    read = read_json(text)
    assert (read, type(read)) == (value, type(value)), "1 == 1.0, and a database takes no integer beyond 64 bits"
    assert read_json(text.decode()) == value
    assert json.loads(json_bytes(read)) == value
    with sqlite3.connect(":memory:") as db:
        db.execute("SELECT ?", (read if isinstance(read, str | int | float) else json.dumps(read),))
    db.close()


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b'"\xed\xa0\x80"', b"[" * 100_000, b'{"a":' * 100_000, b"nan"])
def test_what_is_no_json_is_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_json(text)
    assert json_object(text) == {}


def test_what_is_no_object_is_an_empty_one() -> None:
    assert json_object(b"[1]") == {}
    assert json_object(b'{"a": 1}') == {"a": 1}
