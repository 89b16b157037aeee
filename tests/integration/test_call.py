"""``pi-cam-node call`` with a real node: output and exit codes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.cli.call import command
from pi_cam_node.cli.call import request as request_module
from pi_cam_node.cli.call.command import main
from pi_cam_node.cli.main import BAD_USE
from pi_cam_node.cli.target import NO_ANSWER
from pi_cam_node.imaging import jpeg
from tests.support.broker import Mosquitto, StartBroker, free_port, wait_until
from tests.support.running_node import CommandClient, RunningNode

Call = Callable[..., int]


@pytest.fixture
def node(broker: Mosquitto, tmp_path: Path) -> Iterator[RunningNode]:
    """A node that is slow enough for a save to be announced first."""
    with RunningNode(tmp_path, broker.port, camera={"framerate": 1}) as running, broker.client() as client:
        CommandClient(client).wait_online()
        yield running


@pytest.fixture
def call(broker: Mosquitto, node: RunningNode) -> Call:
    assert node.running
    return lambda *words: main(["--host", "127.0.0.1", "--port", str(broker.port), "--timeout", "20", *words])


def test_the_only_node_saves_and_its_message_is_all_of_stdout(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("save", "jpg") == command.OK
    said = capsys.readouterr()
    assert said.out.startswith("Saved single full-resolution image: ")
    assert said.out.count("\n") == 1
    assert said.err == "accepted\n"
    assert Path(said.out.removeprefix("Saved single full-resolution image: ").split(" (")[0]).exists()


def test_the_picture_comes_over_mqtt_where_there_is_no_link(call: Call, tmp_path: Path) -> None:
    assert call("save", "jpg", "-o", str(tmp_path / "porch.jpg")) == command.OK
    assert jpeg.decode((tmp_path / "porch.jpg").read_bytes()).shape == (240, 320, 3)


def test_the_picture_comes_by_the_link_in_the_format_of_the_file(
    broker: Mosquitto, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    served = {"enable": True, "port": free_port()}
    with RunningNode(tmp_path, broker.port, mjpeg_server=served) as running, broker.client() as client:
        CommandClient(client).wait_online()
        wait_until(lambda: "the live view is at" in running.log(), "the live view", 20)
        to = ["--port", str(broker.port)]
        assert main([*to, "pastStack", "at=0", "png", "-o", str(tmp_path / "past.png")]) == command.OK
        assert (tmp_path / "past.png").read_bytes().startswith(b"\x89PNG")
        capsysbinary.readouterr()
        assert main([*to, "save", "jpg", "-o", "-"]) == command.OK
        said = capsysbinary.readouterr()
        assert jpeg.decode(said.out).ndim == 3
        assert b"Saved single full-resolution image" in said.err


def test_without_a_picture_in_the_reply_it_is_said(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("health", "-o", str(tmp_path / "health.jpg")) == NO_ANSWER
    assert "names no picture and no clip" in capsys.readouterr().err
    assert not (tmp_path / "health.jpg").exists()


def test_help_names_the_arguments(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("help", "pastStack") == command.OK
    said = capsys.readouterr().out
    assert all(name in said for name in ("pastStack [formats", "  at: ", "  count: ", "  span_s: ", "  method: "))


def test_json_prints_the_whole_reply(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--json", "set", "night.gain", "8") == command.OK
    reply = json.loads(capsys.readouterr().out)
    assert (reply["verb"], reply["stage"], reply["node"]) == ("set", "final", "porch")
    assert reply["data"]["new"] == 8


def test_an_id_of_one_s_own_is_kept(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--json", "get", '{"key":"night.gain","id":"mine"}') == command.OK
    assert json.loads(capsys.readouterr().out)["id"] == "mine"


@pytest.mark.parametrize(
    ("words", "message", "code"),
    [
        (("set", "night.gian", "8"), "ERROR: invalid key night.gian", "unknown_key; did you mean night.gain?"),
        (("frobnicate", "1"), "UNKNOWN_COMMAND", "unknown_verb"),
        (("save", "gif"), "unknown format 'gif'", "bad_request"),
    ],
)
def test_a_refusal_has_its_own_exit_code(
    call: Call, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str, code: str
) -> None:
    assert call(*words) == command.REFUSED
    said = capsys.readouterr()
    assert message in said.out
    assert code in said.err


def test_the_file_of_the_node_says_where_it_is(node: RunningNode, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(node.config), "health"]) == command.OK
    assert capsys.readouterr().out.startswith("RSS=")


def test_mqtt_3_1_1_will_do(call: Call, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PI_CAM_NODE__MQTT__PROTOCOL", "3.1.1")
    assert call("night_level") == command.OK
    assert "STATUS=DAY" in capsys.readouterr().out


def test_a_ticket_comes_to_its_asker_and_by_mqtt_3_1_1_to_nobody(
    call: Call, broker: Mosquitto, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with broker.client() as client:
        client.subscribe("pi_cam_node/porch/reply/+")
        assert call("--json", "ticket") == command.OK
        assert json.loads(capsys.readouterr().out)["data"]["ticket"]
        wait_until(lambda: client.received, "a reply", 5)
        assert {message.topic.startswith("pi_cam_node/porch/reply/call-") for message in client.received} == {True}
    monkeypatch.setenv("PI_CAM_NODE__MQTT__PROTOCOL", "3.1.1")
    assert call("ticket") == command.REFUSED
    assert "forbidden" in capsys.readouterr().err


def test_of_several_nodes_one_must_be_named(call: Call, broker: Mosquitto, capsys: pytest.CaptureFixture[str]) -> None:
    with broker.client() as client:
        client.publish("pi_cam_node/gate/info", "{}", retain=True)
        client.publish("pi_cam_node/gate/availability", "online", retain=True)
    assert call("health") == BAD_USE
    assert "--node gate or --node porch" in capsys.readouterr().err
    assert call("--node", "porch", "health") == command.OK


def test_a_node_that_went_is_said_to_be_offline(
    node: RunningNode, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    node.stop()
    assert call("--timeout", "0.5", "health") == NO_ANSWER
    assert "porch is offline" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["porch", "prch"], ids=["offline", "unknown"])
def test_a_node_that_is_not_there_is_not_waited_for(
    node: RunningNode, call: Call, capsys: pytest.CaptureFixture[str], mocker: MockerFixture, name: str
) -> None:
    """Formerly a wrong name was reported only after a minute."""
    mocker.patch.object(request_module, "SILENCE_S", 0.5)
    node.stop()
    began_s = time.monotonic()
    assert call("--node", name, "health") == NO_ANSWER
    assert time.monotonic() - began_s < command.TIMEOUT_S / 2
    assert f"{name} is offline" in (said := capsys.readouterr().err) or f"knows no node {name}" in said


def test_a_node_that_is_slow_is_waited_for(node: RunningNode, call: Call, mocker: MockerFixture) -> None:
    mocker.patch.object(request_module, "SILENCE_S", 0.0)
    assert call("save", "jpg") == command.OK


def test_a_command_that_takes_longer_than_one_waits_is_not_called_unanswered(
    broker: Mosquitto, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with RunningNode(tmp_path, broker.port, camera={"framerate": 0.1}) as running, broker.client() as client:
        CommandClient(client).wait_online()
        assert running.running
        assert main(["--port", str(broker.port), "--timeout", "1.5", "save"]) == NO_ANSWER
        assert "took the command but has not finished within 1.5 s" in capsys.readouterr().err


def test_a_node_that_nobody_knows_is_said_to_be_unknown(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--node", "prch", "--timeout", "0.5", "health") == NO_ANSWER
    assert "no node prch; --node takes porch" in capsys.readouterr().err


def test_without_a_node_nothing_is_sent(broker: Mosquitto, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", str(broker.port), "health"]) == NO_ANSWER
    assert "knows no node" in capsys.readouterr().err


def test_without_a_broker_the_doctor_is_recommended(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", str(free_port()), "health"]) == NO_ANSWER
    said = capsys.readouterr().err
    assert "nothing listens on" in said
    assert "pi-cam-node doctor" in said


def test_a_wrong_password_is_said_and_not_shown(
    start_broker: StartBroker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broker = start_broker(users={"anna": "right-one"})
    password = tmp_path / "password"
    login = ["--port", str(broker.port), "--username", "anna", "--password-file", str(password)]
    password.write_text("wrong-one\n")
    assert main([*login, "health"]) == NO_ANSWER
    said = capsys.readouterr().err
    assert "Not authorized" in said
    assert "wrong-one" not in said
    password.write_text("right-one\n")
    main([*login, "health"])
    assert "knows no node" in capsys.readouterr().err


def test_what_an_acl_forbids_is_said(start_broker: StartBroker, capsys: pytest.CaptureFixture[str]) -> None:
    broker = start_broker(users={"anna": "x"}, acl="user anna\ntopic read pi_cam_node/#\n")
    login = ["--port", str(broker.port), "--username", "anna", "--node", "porch"]
    password = Path(broker._conf.parent / "password")
    password.write_text("x\n")
    assert main([*login, "--password-file", str(password), "health"]) == NO_ANSWER
    assert "does not let this login publish on pi_cam_node/porch/cmd/health" in capsys.readouterr().err
