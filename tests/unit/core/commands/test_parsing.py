"""Parsing of command payloads from hubs, flows and editors, and errors."""

from __future__ import annotations

import json
import re
import time

import pytest

from pi_cam_node.base.errors import BadRequest
from pi_cam_node.core.commands.all import registry
from pi_cam_node.core.commands.parsing import open_envelope, validate
from pi_cam_node.core.commands.picture_arguments import SaveArguments
from pi_cam_node.core.commands.registry import Arguments
from pi_cam_node.core.inputs import CommandArrived

BOM = b"\xef\xbb\xbf"
# Words of pydantic and of Python's json that no refusal may have.
LIBRARY = re.compile(r"Input should|valid |Field required|should have|Expecting|Extra data|codec|delimiter")


def parsed(verb: str, payload: bytes) -> Arguments:
    return validate(open_envelope(CommandArrived(verb, payload, time.monotonic())))[1]


def refusal(verb: str, payload: bytes) -> str:
    with pytest.raises(BadRequest) as refused:
        parsed(verb, payload)
    return refused.value.text


@pytest.mark.parametrize(
    "payload",
    [
        b"jpg", b"JPG", b"jpeg", b"JPEG\n", b'"jpg"', b"jpg\0", BOM + b"jpg", BOM + b' "JPG"\0', b'"jpg\\u0000"',
        b'["jpg"]', b'{"formats": ["jpg"]}', b'{"formats": "jpg"}', b'{"formats": "jpeg, JPG"}',
        BOM + b'{"formats": ["JPEG"]}\0',
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_in_topic", [True, False])
def test_a_format_is_taken_in_any_spelling(payload: bytes, is_in_topic: bool) -> None:
    arguments = parsed("save", payload) if is_in_topic else parsed("", BOM + b"save " + payload)
    assert isinstance(arguments, SaveArguments)
    assert arguments.formats == ["jpg"]


@pytest.mark.parametrize("payload", [b"\0", BOM, b"PRESS\0", BOM + b"ON"])
def test_what_surrounds_a_press_is_no_argument(payload: bytes) -> None:
    assert parsed("save", payload) == SaveArguments()


@pytest.mark.parametrize(
    ("verb", "payload", "taken"),
    [
        ("record", b"true", {"state": "on", "seconds": None}),  # a switch of Node-RED or ioBroker
        ("record", b"yes", {"state": "on", "seconds": None}),
        ("record", b"No", {"state": "off", "seconds": None}),
        ("record", b"FALSE", {"state": "off", "seconds": None}),
        ("record", b"OFF", {"state": "off", "seconds": None}),
        ("record", b'{"state": true}', {"state": "on", "seconds": None}),
        ("record", b'{"state": "OFF"}', {"state": "off", "seconds": None}),
        ("record", b'{"state": "false"}', {"state": "off", "seconds": None}),
        ("record", b"10", {"state": "on", "seconds": 10.0}),
        ("record", b"30 s", {"state": "on", "seconds": 30.0}),  # a unit, as in settings
        ("record", b'{"seconds": "1 min"}', {"state": "on", "seconds": 60.0}),
        ("clip", b"3s", {"before_s": 3.0, "after_s": 0.0, "at": None}),
        ("clip", b'{"at": "500 ms", "after_s": "2"}', {"before_s": None, "after_s": 2.0, "at": 0.5}),
        ("clip", b'{"at": "2026-11-20T19:45:01Z"}', {"before_s": None, "after_s": 0.0, "at": "2026-11-20T19:45:01Z"}),
        ("explain", b"MOTION", {"what": "motion"}),
        ("explain", b'{"what": "Night"}', {"what": "night"}),
        ("keep", b"20261120T194501123Z-3f2a91c0-000042-single OFF",
         {"media_id": "20261120T194501123Z-3f2a91c0-000042-single", "off": True}),
        ("", b"record\ton", {"state": "on", "seconds": None}),
        ("set", b'night.gain "8"', {"key": "night.gain", "value": "8"}),  # as on set/<key>
        ("set", b"night.gain\t 8", {"key": "night.gain", "value": "8"}),
        ("set", b'overlay.text "a  b"', {"key": "overlay.text", "value": "a  b"}),
        ("set", b'overlay.text ""', {"key": "overlay.text", "value": ""}),
        ("set", b'overlay.text "a" and "b"', {"key": "overlay.text", "value": '"a" and "b"'}),
        ("set", b'overlay.text "\\ud800"', {"key": "overlay.text", "value": '"\\ud800"'}),
        ("", b'"record on"', {"state": "on", "seconds": None}),  # a whole line as a JSON string
        ("", b'record "ON"', {"state": "on", "seconds": None}),
        ("record", b'"{\\"state\\": \\"on\\"}"', {"state": "on", "seconds": None}),  # made to JSON twice
    ],
)  # fmt: skip
def test_what_switches_and_editors_send_is_taken_in_any_spelling(
    verb: str, payload: bytes, taken: dict[str, object]
) -> None:
    assert parsed(verb, payload).model_dump() == taken


@pytest.mark.parametrize(
    ("payload", "at", "formats"),
    [
        (b"2", 2, None), (b"2s", 2, None), (b"2 s", 2, None), (b"jpg 500 ms", 0.5, ["jpg"]),
        (b"1 min, png", 60, ["png"]),
        (b"jpg", None, ["jpg"]),
    ],
)  # fmt: skip
def test_a_picture_of_the_past_takes_seconds_with_a_unit(
    payload: bytes, at: float | None, formats: list[str] | None
) -> None:
    taken = parsed("pastStack", payload).model_dump()
    assert (taken["at"], taken["formats"]) == (at, formats)


@pytest.mark.parametrize("payload", [b"false", b"OFF", b"off", b"0", b'"false"', b"null"])
def test_a_sensor_at_rest_starts_no_event(payload: bytes) -> None:
    word = payload.decode().strip('"')
    assert (
        refusal("trigger", payload) == f"ERROR: nothing is started for a sensor that sends {word}; usage trigger [name]"
    )


@pytest.mark.parametrize(
    ("verb", "payload", "told"),
    [
        ("record", b"10 parsecs", "ERROR: seconds: expected a number above 0 to 86400 (found '10 parsecs')"),
        ("clip", b'{"before_s": "1e999"}', "ERROR: before_s: expected a number from 0 to 120.0"),
        ("pastStack", b'{"at": "1e999"}', "ERROR: at: expected a number, or text"),
        ("health", b"false", "ERROR: no arguments are taken; usage health"),
        ("save", b"gif", "ERROR: formats: unknown format 'gif'; known: jpg, png, npy (found \"['gif']\"); usage save"),
        ("save", b'{"formats": 3}', "ERROR: formats: expected a list of jpg, png, npy (found '3'); usage save"),
        ("save", b'{"formats": []}', "ERROR: formats: is empty (found '[]'); usage save"),
        ("save", b'{"thumbnail": 7}', "ERROR: thumbnail: expected true or false (found '7'); usage save"),
        ("shortstream", b"0", "ERROR: n: expected a whole number from 1 to 1000 (found '0'); usage shortstream"),
        ("pastStack", b'{"at": []}', "ERROR: at: expected a number, or text (found '[]'); usage pastStack"),
        ("set", b'{"key": "night.gain"}', "ERROR: value: is missing; usage set"),
        ("get", json.dumps({"key": "x" * 200}).encode(), "ERROR: key: at most 128 characters are taken (found 'xxxx"),
        (
            "save",
            b'{"a": 1,\n"b"}',
            "ERROR: the payload is not JSON: look at line 2, column 4",
        ),  # the same on every Python
        ("save", b'{"a": 1, "a": 2}', "ERROR: the payload is not JSON: a key occurs twice"),
        ("save", b'{"a": NaN}', "ERROR: the payload is not JSON: NaN is not a number"),
        ("save", b'{"id": "\\ud800"}', "ERROR: the payload is not JSON: half of a UTF-16 pair is no character"),
        ("save", b'{"a": ' + b"9" * 5000 + b"}", "ERROR: the payload is not JSON: a number has too many digits"),
        ("save", b'{"format": "jpg"}', "ERROR: format: unknown argument, did you mean formats?; usage save"),
        ("save", b'{"Thumbnail": 1}', "ERROR: Thumbnail: unknown argument, did you mean thumbnail?; usage save"),
        ("save", b'{"qqq": 1}', "ERROR: qqq: unknown argument; usage save"),
        ("save", "jpg".encode("utf-16"), "ERROR: the payload is not UTF-8 at byte 0; it is UTF-16"),
        ("save", b"jpg\xff", "ERROR: the payload is not UTF-8 at byte 3"),
    ],
)
def test_a_refusal_says_what_is_expected(verb: str, payload: bytes, told: str) -> None:
    assert refusal(verb, payload).startswith(told)


def refusal_or_nothing(verb: str, payload: bytes) -> str:
    try:
        parsed(verb, payload)
    except BadRequest as refused:
        return refused.text
    return ""


@pytest.mark.parametrize("value", [None, [], {}, "", "x" * 1000, -1, 1e99, 0.5])
def test_no_refusal_has_the_words_of_a_library(value: object) -> None:
    for verb, command in registry().items():
        for field in command.arguments.model_fields:
            told = refusal_or_nothing(verb, json.dumps({field: value}).encode())
            assert not LIBRARY.search(told), told
            assert "expected (" not in told, told


NUMBERS = [
    (command.verb, name)
    for command in registry().values()
    for name, field in command.arguments.model_fields.items()
    if re.search(r"\b(int|float)\b", str(field.annotation))
]


@pytest.mark.parametrize(("verb", "name"), NUMBERS)
def test_true_is_no_number_for_any_command(verb: str, name: str) -> None:
    """`trigger {"seconds": true}` made an event of one second."""
    assert f"{name}: a number is needed (found 'True')" in refusal(verb, f'{{"{name}": true}}'.encode())


@pytest.mark.parametrize("line", ["record 1_0", "events 1_0", "clip 1_0", "shortstream 1_0"])
def test_digits_with_underscores_are_no_number(line: str) -> None:
    verb, _, words = line.partition(" ")
    assert "a number is needed (found '1_0')" in refusal(verb, words.encode())
