"""Output and settings of the demo."""

from __future__ import annotations

import errno
import os
import shlex
import socket
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.camera.sources.synthetic import script
from pi_cam_node.cli.call.command import parser
from pi_cam_node.cli.demo import brokers, guide
from pi_cam_node.cli.demo.brokers import Broker, BrokerKind, NoBrokerHere
from pi_cam_node.cli.demo.command import main, say, settings_of
from pi_cam_node.core.commands.all import registry


def kind(name: str, program: str | None) -> BrokerKind:
    return BrokerKind(name, lambda *_: [], lambda: program, "", "auto")


def typed(port: int, *, has_clients: bool) -> list[list[str]]:
    """Return the lines of the walk, split as a shell does."""
    lines = guide.next_steps(port, "pi-cam-node", has_clients=has_clients).splitlines()
    return [shlex.split(line) for line in lines if line.startswith("    ")]


@pytest.mark.parametrize("has_clients", [True, False])
@pytest.mark.parametrize("port", [1883, 18830])
def test_the_next_steps_use_existing_verbs_and_the_right_port(port: int, has_clients: bool) -> None:
    calls = [words[2:] for words in typed(port, has_clients=has_clients) if words[:2] == ["pi-cam-node", "call"]]
    assert len(calls) >= 4
    for words in calls:
        options = parser().parse_intermixed_args(words)
        assert options.verb in registry()
        assert (options.port or 1883) == port


def test_the_next_steps_save_and_look_back_with_mosquitto_or_without() -> None:
    for has_clients in (True, False):
        text = guide.next_steps(1883, "pi-cam-node", has_clients=has_clients)
        assert ("mosquitto_sub" in text) == ("mosquitto_pub" in text) == has_clients
        assert "save" in text
        assert "pastStack" in text


def test_another_port_is_in_every_line() -> None:
    assert all("18830" in words for words in typed(18830, has_clients=True))


def test_the_program_is_named_as_it_can_be_typed_here(
    mocker: MockerFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "elsewhere"))
    mocker.patch("sys.argv", [str(tmp_path / ".venv" / "bin" / "pi-cam-node")])
    assert guide.program_name() == ".venv/bin/pi-cam-node"
    mocker.patch("sys.argv", ["/opt/my cam/pi-cam-node"])
    assert guide.program_name() == "'/opt/my cam/pi-cam-node'"
    mocker.patch("sys.argv", ["/opt/pi_cam_node/__main__.py"])
    assert guide.program_name().endswith(" -m pi_cam_node")


def test_a_program_in_the_path_needs_no_folder(
    mocker: MockerFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "pi-cam-node"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    mocker.patch("sys.argv", [str(program)])
    assert guide.program_name() == "pi-cam-node"


def test_mosquitto_is_preferred_to_amqtt(mocker: MockerFixture) -> None:
    assert [k.name for k in brokers.KINDS] == ["mosquitto", "amqtt"]
    mocker.patch.object(brokers, "KINDS", (kind("mosquitto", None), kind("amqtt", "python")))
    assert brokers.choose().name == "amqtt"
    with pytest.raises(NoBrokerHere, match="mosquitto is not installed"):
        brokers.choose("mosquitto")
    mocker.patch.object(brokers, "KINDS", (kind("mosquitto", None), kind("amqtt", None)))
    with pytest.raises(NoBrokerHere, match="apt-get install mosquitto"):
        brokers.choose()


@pytest.mark.parametrize("port", ["99999", "-5", "many", "9" * 5000, "\u0661"])
def test_a_port_that_is_none_is_wrong_use(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([f"--port={port}"])
    assert ended.value.code == 2
    assert "expected 1 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "said"), [(errno.EADDRINUSE, "the port 80 is taken"), (errno.EACCES, "not to be had: Permission denied")]
)
def test_a_port_without_permission_is_not_called_taken(number: int, said: str, mocker: MockerFixture) -> None:
    class Refused(socket.socket):
        def bind(self, _address: object) -> None:
            raise OSError(number, os.strerror(number))

    mocker.patch.object(socket, "socket", Refused)
    with pytest.raises(NoBrokerHere, match=said):
        brokers.choose_port(80)


def test_the_demo_goes_on_when_its_stdout_is_closed(mocker: MockerFixture) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stdout:  # its end flushes, and would complain
        mocker.patch("sys.stdout", stdout)
        say("first brightness")
        say("restarting")
        mocker.stopall()


def test_the_settings_show_a_night_within_a_few_minutes(tmp_path: Path) -> None:
    broker = Broker(kind("amqtt", "python"), 18830, tmp_path)
    loaded = settings_of(broker, tmp_path, tmp_path / "a: 'b'")
    assert (loaded.config.mqtt.host, loaded.config.mqtt.port) == ("127.0.0.1", 18830)
    assert loaded.config.export.base_dir == tmp_path / "a: 'b'"
    light = script.parse(loaded.config.camera.source.partition("?")[2])
    assert light.lux_at(0) > 100 > 1 > light.lux_at(90)
    assert light.lux_at(150) == light.lux_at(0)
    assert loaded.config.night.dwell_s < 60


def test_the_demo_ignores_environment_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PI_CAM_NODE__MQTT__HOST", "the.real.broker")
    assert settings_of(Broker(kind("amqtt", ""), 1, tmp_path), tmp_path, tmp_path).config.mqtt.host == "127.0.0.1"
