"""Requests of ``call``, and its handling of replies, without a broker."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import BadRequest, ConfigError
from pi_cam_node.cli import target as target_module
from pi_cam_node.cli.call import command, picture
from pi_cam_node.cli.call.request import request_of
from pi_cam_node.cli.main import BAD_USE
from pi_cam_node.core.commands.all import registry
from pi_cam_node.mqtt.blocking_client import Received
from pi_cam_node.mqtt.messages.topics import Topics


@pytest.fixture(autouse=True)
def bare(mocker: MockerFixture) -> None:
    """Know nothing from the environment."""
    mocker.patch("os.environ", {"PATH": ""})


class Broker:
    """Holds retained texts."""

    def __init__(self, **retained: str) -> None:
        self._retained = {topic.replace("__", "/"): text for topic, text in retained.items()}

    def retained(self, _filters: object) -> dict[str, str]:
        return self._retained


def target(*typed: str) -> target_module.Target:
    return target_module.target_of(command.parser().parse_intermixed_args(list(typed)))


def node_of(broker: Broker, *typed: str) -> str:
    return target_module.topics_of(target(*typed), broker).node_id  # type: ignore[arg-type]


def sent(verb: str, words: str) -> dict[str, Any]:
    request = request_of(verb, words.split())
    fields: dict[str, Any] = json.loads(request.payload)
    assert fields["id"] == request.id
    return fields


@pytest.mark.parametrize(
    ("verb", "words", "fields"),
    [
        ("save", "jpg png", {"formats": ["jpg", "png"]}),
        ("save", "", {}),
        ("set", "night.gain 8", {"key": "night.gain", "value": "8"}),
        ("shortstream", "3", {"n": "3"}),
        ("pastStack", '{"at":2}', {"at": 2}),
        ("pastStack", '{"at":2,"id":"mine"}', {"at": 2, "id": "mine"}),
        ("from_a_newer_node", "this that", {"words": "this that"}),
        ("from_a_newer_node", "", {}),
        ("pastStack", "at=2", {"at": 2}),
        ("pastStack", "2", {"at": 2.0}),
        ("pastStack", "jpg at=2.5 count=1", {"formats": ["jpg"], "at": 2.5, "count": 1}),
        ("pastStack", "formats=jpg,png method=median", {"formats": ["jpg", "png"], "method": "median"}),
        ("pastStack", "at=2026-11-29T10:00:00Z", {"at": "2026-11-29T10:00:00Z"}),
        ("save", "thumbnail=on", {"thumbnail": "on"}),
        ("set", "key=night.gain value=8", {"key": "night.gain", "value": "8"}),
        ("set", "node.name value=3", {"key": "node.name", "value": "value=3"}),
        ("erase", "confirm=porch", {"confirm": "porch"}),
        ("media", "n=3", {"limit": "3"}),
        ("media", "3 kind=recording", {"limit": "3", "kind": "recording"}),
    ],
)
def test_words_become_the_fields_that_the_node_would_make_of_them(
    verb: str, words: str, fields: dict[str, Any]
) -> None:
    made = sent(verb, words)
    assert {key: made[key] for key in fields} == fields
    assert set(made) == {"id", *fields}


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("set", "night.gain"),
        ("get", ""),
        ("save", "{jpg}"),
        ("save", '{"a":'),
        ("pastStack", "2 at=3"),
        ("pastStack", "2 3"),
        ("pastStack", "at=2 at=3"),
    ],
)
def test_what_cannot_be_a_request_is_refused_before_it_is_sent(verb: str, words: str) -> None:
    with pytest.raises(BadRequest, match="ERROR"):
        request_of(verb, words.split())


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        (["#"], "cannot be a command"),
        ([""], "cannot be a command"),
        (["a/b"], "cannot be a command"),
        (["sav\udce9"], "cannot be a command"),
        (["save", "\udce9"], "not UTF-8"),
        (["frobnicate", "\udce9"], "not UTF-8"),
        (["save", '{"id":"\\ud800"}'], "not UTF-8"),
        (["save", '{"id":null}'], "without an id"),
        (["save", '{"id":""}'], "1 to 128 characters"),
        (["save", json.dumps({"id": "x" * 200})], "1 to 128 characters"),
        (["frobnicate", "x" * 70_000], "larger than"),
        (["set", "night.gain"], "ERROR"),
        (["health", "--node", "+"], "--node"),
        (["health", "--node", "\udce9"], "--node"),
        (["health", "--host", "\udce9"], "HOST"),
        (["health", "--base-topic", "\udce9"], "BASE_TOPIC"),
        *((["health", "--timeout", s], "expected over 0") for s in ("inf", "nan", "1e12", "0", "soon")),
        (["health", "--timeout=-1"], "expected over 0"),
    ],
)
def test_an_invalid_request_is_wrong_use_and_no_broker_is_asked(
    typed: list[str], why: str, mocker: MockerFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    mocker.patch.object(command, "connect", side_effect=lambda _: pytest.fail("a broker was asked"))
    try:
        code: object = command.main(typed)
    except SystemExit as ended:  # argparse's way
        code = ended.code
    assert code == BAD_USE
    assert why in capsys.readouterr().err


def test_two_requests_never_share_an_id() -> None:
    assert request_of("save").id != request_of("save").id


def test_the_help_lists_the_registry() -> None:
    said = command.parser().format_help()
    for known in registry().values():
        assert f"  {known.usage}" in said
        assert known.summary in said


def test_without_a_word_the_broker_is_the_one_on_this_machine() -> None:
    mqtt = target("health").config.mqtt
    assert (mqtt.host, mqtt.port, mqtt.base_topic) == ("localhost", 1883, "pi_cam_node")


def test_what_is_typed_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "node.yaml"
    file.write_text("node: {id: porch}\nmqtt: {host: far, port: 8883, username: anna, password: secret}\n")
    typed = target("save", "jpg", "--config", str(file), "--port", "1884")
    assert (typed.config.mqtt.host, typed.config.mqtt.port, typed.node_id) == ("far", 1884, "porch")
    assert target("save", "--config", str(file), "--node", "gate").node_id == "gate"


def test_a_password_comes_from_the_file_named(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("secret\nmore\n")
    mqtt = target("health", "--username", "anna", "--password-file", str(file)).config.mqtt
    assert mqtt.password is not None
    assert (mqtt.username, mqtt.password.get_secret_value()) == ("anna", "secret")


def test_a_port_that_is_none_is_named() -> None:
    with pytest.raises(ConfigError, match="PORT"):
        target("health", "--port", "70000")


def test_the_only_node_is_meant_where_none_is_named() -> None:
    assert node_of(Broker(pi_cam_node__porch__info="{}"), "health") == "porch"


def test_the_only_node_that_is_online_is_meant() -> None:
    broker = Broker(
        pi_cam_node__porch__info="{}", pi_cam_node__gate__info="{}", pi_cam_node__gate__availability="online"
    )
    assert node_of(broker, "health") == "gate"


def test_of_several_nodes_one_must_be_named() -> None:
    broker = Broker(pi_cam_node__porch__info="{}", pi_cam_node__gate__info="{}")
    with pytest.raises(target_module.NoSingleNode, match="--node gate or --node porch") as refused:
        node_of(broker, "health")
    assert refused.value.code == BAD_USE
    assert node_of(broker, "health", "--node", "porch") == "porch"


def test_without_any_node_the_exit_code_says_no_answer() -> None:
    with pytest.raises(target_module.NoSingleNode, match="no node below garden/") as refused:
        node_of(Broker(), "health", "--base-topic", "garden")
    assert refused.value.code == target_module.NO_ANSWER


def test_the_message_goes_to_stdout_and_a_refusal_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    reply = {"ok": False, "code": "unknown_key", "message": "ERROR: invalid key x", "data": {"nearest": "y"}}
    assert command.show(reply, as_json=False) == command.REFUSED
    said = capsys.readouterr()
    assert said.out == "ERROR: invalid key x\n"
    assert "unknown_key; did you mean y?" in said.err
    assert command.show({"ok": True, "message": "done"}, as_json=True) == command.OK
    assert json.loads(capsys.readouterr().out) == {"ok": True, "message": "done"}


def test_control_characters_of_a_reply_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever may write below the node's `reply/` could move the cursor, or fill the clipboard."""
    odd = "\x1b]0;title\x07\x9b2J\u2028"
    reply = {"ok": False, "code": odd, "message": f"one\n\ttwo {odd}", "data": {"nearest": odd}}
    for as_json in (False, True):
        command.show(reply, as_json=as_json)
        said = capsys.readouterr()
        assert not set(said.out + said.err) & set(odd) - set("]0;title2J")
        assert json.loads(said.out) == reply if as_json else said.out.startswith("one\n\ttwo \\x1b]0")


@pytest.mark.parametrize(("nearest", "said"), [(None, "`help` lists the commands"), ("save", "did you mean save?")])
def test_an_unknown_command_suggests_the_nearest_one_or_help(
    capsys: pytest.CaptureFixture[str], nearest: str | None, said: str
) -> None:
    reply = {"ok": False, "code": "unknown_verb", "message": "UNKNOWN_COMMAND", "data": {"nearest": nearest}}
    assert command.show(reply, as_json=False) == command.REFUSED
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("code", sorted(command.HINTS))
def test_a_refusal_says_what_to_do_next(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.show({"ok": False, "code": code, "message": "no"}, as_json=False) == command.REFUSED
    assert capsys.readouterr().err == f"refused: {code}; {command.HINTS[code]}\n"


@pytest.mark.parametrize(("words", "value"), [([""], ""), (["a", "", "b"], "a  b"), (["a  b"], "a  b")])
def test_an_empty_word_empties_a_text(words: list[str], value: str) -> None:
    fields = json.loads(request_of("set", ["overlay.text", *words]).payload)
    assert (fields["key"], fields["value"]) == ("overlay.text", value)


def test_a_name_that_is_no_argument_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadRequest) as refused:
        request_of("pastStack", ["jpg", "when=2"])
    assert refused.value.text.startswith("ERROR: the command has no argument when: it has formats, thumbnail, at,")
    assert request_of("set", ["overlay.text", "a=b"]).verb == "set"


def test_every_value_that_words_stand_for_is_taken_by_the_model() -> None:
    for verb, words in (
        ("pastStack", "jpg at=2 count=1 thumbnail=on"),
        ("shortstream", "n=3"),
        ("save", "formats=png"),
    ):
        registry()[verb].arguments.model_validate({k: v for k, v in sent(verb, words).items() if k != "id"})


class Answers:
    """A connection that has received these messages."""

    def __init__(self, *received: Received) -> None:
        self._received = received

    def wait_for(self, found: Callable[[Sequence[Received]], Any], _timeout_s: float) -> Any:
        return found(self._received)


TOPICS = Topics("pi_cam_node", "porch", (), "homeassistant", "homeassistant/status")
SAVED = {"ok": True, "data": {"id": "new", "path": "/c/new.jpg", "paths": ["/c/new.jpg"], "sha256": "0" * 64}}


def last(picture_id: str, *, retained: bool = False) -> Received:
    return Received(TOPICS.media_last, json.dumps({"id": picture_id}).encode(), retained)


def image(data: bytes, *, retained: bool = False) -> Received:
    return Received(TOPICS.media_image, data, retained)


@pytest.mark.parametrize(
    "received",
    [
        (last("old", retained=True), image(b"old", retained=True), image(b"new"), last("new")),
        (image(b"old", retained=True), last("new"), image(b"new")),
        (last("old", retained=True), image(b"other"), last("other"), last("new"), image(b"new")),
        (image(b"new", retained=True), last("new", retained=True)),
    ],
)
def test_the_picture_of_the_reply_is_told_from_every_other(received: tuple[Received, ...]) -> None:
    assert picture.fetch(Answers(*received), TOPICS, SAVED, ".jpg") == b"new"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reply", "received"),
    [
        ({"ok": True, "data": {"rss_mib": 61.5}}, ()),
        (
            {"ok": True, "data": {"id": "new", "path": "/c/new.mp4", "kind": "clip", "bytes": 3}},
            (image(b"new"), last("new")),
        ),
        (SAVED, (last("old", retained=True), image(b"old", retained=True))),
        (SAVED, (image(b""), last("new"))),
    ],
)
def test_a_picture_that_cannot_be_had_is_an_error_and_never_another_picture(
    reply: dict[str, Any], received: tuple[Received, ...]
) -> None:
    with pytest.raises(picture.NoPicture):
        picture.fetch(Answers(*received), TOPICS, reply, ".jpg")  # type: ignore[arg-type]


@pytest.mark.parametrize(("size_bytes", "is_meant"), [(9, True), (8, False)])
def test_a_clip_comes_by_its_link_alone(mocker: MockerFixture, size_bytes: int, is_meant: bool) -> None:
    clip = {"id": "c", "path": "/c/c.mp4", "kind": "clip", "bytes": size_bytes, "url": "http://127.0.0.1:1/media/c?s=1"}
    opened = mocker.patch("urllib.request.urlopen", return_value=io.BytesIO(b"a film of"))
    reply = {"ok": True, "data": clip}
    if is_meant:
        assert picture.fetch(Answers(), TOPICS, reply, ".mp4") == b"a film of"  # type: ignore[arg-type]
    else:
        with pytest.raises(picture.NoPicture, match="leads to another file"):
            picture.fetch(Answers(), TOPICS, reply, ".mp4")  # type: ignore[arg-type]
    opened.assert_called_once_with(clip["url"], timeout=picture.HTTP_TIMEOUT_S)


@pytest.mark.parametrize(
    ("output", "why"), [("", "the name of a file"), ("{tmp}", "the name of a file"), ("{tmp}/no/a.jpg", "no folder")]
)
def test_a_file_that_cannot_be_made_is_refused_before_a_picture_is_saved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], output: str, why: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["--port", "1", "save", "-o", output.format(tmp=tmp_path)])
    assert (ended.value.code, why in capsys.readouterr().err) == (BAD_USE, True)


def test_no_picture_is_written_into_a_terminal(mocker: MockerFixture, capsys: pytest.CaptureFixture[str]) -> None:
    mocker.patch("sys.stdout", mocker.Mock(isatty=lambda: True))
    with pytest.raises(SystemExit) as ended:
        command.main(["--port", "1", "save", "-o", "-"])
    assert (ended.value.code, "stdout is a terminal" in capsys.readouterr().err) == (BAD_USE, True)


def test_a_file_is_replaced_at_once_and_keeps_its_rights(tmp_path: Path) -> None:
    """A web server that reads it meanwhile gets the old picture or the new one."""
    old, new, pipe = tmp_path / "old.jpg", tmp_path / "new.jpg", tmp_path / "pipe"
    old.write_bytes(b"old")
    old.chmod(0o640)
    old_umask = os.umask(0o022)
    try:
        with old.open("rb") as reader:
            assert [command._write(b"picture", str(path)) for path in (old, new)] == [command.OK] * 2
            assert reader.read() == b"old"
    finally:
        os.umask(old_umask)
    assert [(path.read_bytes(), path.stat().st_mode & 0o777) for path in (old, new)] == [
        (b"picture", 0o640),
        (b"picture", 0o644),
    ]
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert command._write(b"picture", str(pipe)) == command.OK
    assert os.read(reading, 100) == b"picture"
    os.close(reading)
