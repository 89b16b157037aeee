"""``pi-cam-node setup``: written settings, questions, refusals; the search for brokers is replaced."""

from __future__ import annotations

import builtins
import getpass
import socket
import sys
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.cli import setup
from pi_cam_node.cli.main import main
from pi_cam_node.config import Config, loader
from pi_cam_node.config.sections.node import default_node_id
from pi_cam_node.mqtt.broker_discovery import FoundBroker

FOUND = FoundBroker("kitchen", "kitchen.local", "192.0.2.7", 1884)


class Home:
    """Network and terminal with the answers that a test gives them."""

    def __init__(self, mocker: MockerFixture, folder: Path) -> None:
        self.file = folder / "etc" / "config.yaml"
        self.questions: list[str] = []
        self._mocker = mocker
        self.network()
        mocker.patch.object(sys, "stdin", mocker.Mock(isatty=lambda: False))

    def network(self, *brokers: FoundBroker, resolves: bool = False, local_broker: bool = False) -> None:
        self._mocker.patch.object(setup, "find_brokers", return_value=list(brokers))
        self._mocker.patch.object(setup, "_listens_here", return_value=local_broker)
        entries = [(0, 0, 0, "", (FOUND.address, 0))]
        looked_up = {"return_value": entries} if resolves else {"side_effect": socket.gaierror()}
        self._mocker.patch("socket.getaddrinfo", **looked_up)

    def terminal(self, *lines: str, password: str = "") -> None:
        typed = iter(lines)

        def answer(question: str) -> str:
            self.questions.append(question)
            try:
                return next(typed)
            except StopIteration:
                raise EOFError from None

        self._mocker.patch.object(sys, "stdin", self._mocker.Mock(isatty=lambda: True))
        self._mocker.patch.object(builtins, "input", answer)
        self._mocker.patch.object(getpass, "getpass", return_value=password)

    def run(self, *arguments: str) -> int:
        return main(["setup", "--config", str(self.file), *arguments])

    @property
    def config(self) -> Config:
        return loader.load(self.file, {}).config


@pytest.fixture
def home(mocker: MockerFixture, tmp_path: Path) -> Home:
    return Home(mocker, tmp_path)


def test_arguments_say_all(home: Home, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("pass\n")
    words = ["--host", "broker.lan", "--port", "1885", "--username", "anna", "--node", "porch", "--open-page"]
    assert home.run(*words, "--password-file", str(secret), "--camera", "rtsp://cam/1") == 0
    config = home.config
    assert (config.mqtt.host, config.mqtt.port, config.mqtt.username) == ("broker.lan", 1885, "anna")
    assert config.mqtt.password is not None
    assert config.mqtt.password.get_secret_value() == "pass"
    assert (config.node.id, config.camera.source, config.http.host) == ("porch", "rtsp://cam/1", "0.0.0.0")
    assert home.file.stat().st_mode & 0o777 == 0o600
    assert home.file.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("typed", "host", "port"),
    [
        ("broker.lan", "broker.lan", 1883),
        ("broker.lan:1884", "broker.lan", 1884),
        ("[fd00::1]:1884", "fd00::1", 1884),
        ("fd00::1", "fd00::1", 1883),
    ],
)
def test_a_broker_is_named_with_or_without_port(home: Home, typed: str, host: str, port: int) -> None:
    assert home.run("--host", typed) == 0
    assert (home.config.mqtt.host, home.config.mqtt.port) == (host, port)


@pytest.mark.parametrize("words", [["--host", ""], ["--host", "broker.lan:0"], ["--host", "a", "--port", "0"]])
def test_what_is_said_is_not_taken_for_what_is_left_out(home: Home, words: list[str]) -> None:
    home.network(FOUND, resolves=True, local_broker=True)
    assert home.run(*words) == 2
    assert not home.file.exists()


def test_a_folder_is_no_file_that_exists(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.file.mkdir(parents=True)
    assert home.run("--host", "broker.lan") == 2
    assert "cannot be written: it is a folder" in capsys.readouterr().err


def test_the_port_of_tls_switches_tls_on(home: Home) -> None:
    assert home.run("--host", "broker.lan", "--port", "8883") == 0
    assert home.config.mqtt.tls.enable


def test_a_file_that_exists_stays_as_it_is(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.file.parent.mkdir()
    home.file.write_text("node: {id: mine}\n")
    assert home.run("--host", "other.lan", "--node", "other") == 0
    assert home.file.read_text() == "node: {id: mine}\n"
    assert "stays as it is" in capsys.readouterr().out


@pytest.mark.parametrize(("resolves", "host"), [(True, "kitchen.local"), (False, "192.0.2.7")])
def test_the_only_broker_is_taken_by_the_name_that_works_here(home: Home, resolves: bool, host: str) -> None:
    home.network(FOUND, resolves=resolves, local_broker=True)
    assert home.run() == 0
    assert (home.config.mqtt.host, home.config.mqtt.port) == (host, 1884)


def test_the_broker_of_this_machine_is_taken_where_none_announces_itself(home: Home) -> None:
    home.network(local_broker=True)
    assert home.run() == 0
    assert (home.config.mqtt.host, home.config.node.id) == ("localhost", default_node_id())


@pytest.mark.parametrize("brokers", [(), (FOUND, FoundBroker("attic", "attic.local", "192.0.2.8", 1883))])
def test_without_a_terminal_none_is_guessed(
    home: Home, capsys: pytest.CaptureFixture[str], brokers: tuple[FoundBroker, ...]
) -> None:
    home.network(*brokers)
    assert home.run() == 2
    said = capsys.readouterr().err
    assert "--host" in said
    assert all(broker.host in said for broker in brokers)
    assert not home.file.parent.exists()


def test_a_person_is_asked_and_offered_what_was_found(home: Home) -> None:
    home.network(FOUND)
    home.terminal("", "porch", "anna", password="pä:ss")
    assert home.run() == 0
    assert "192.0.2.7:1884" in home.questions[0]
    config = home.config
    assert (config.mqtt.host, config.mqtt.port, config.node.id) == ("192.0.2.7", 1884, "porch")
    assert config.mqtt.password is not None
    assert config.mqtt.password.get_secret_value() == "pä:ss"
    assert (home.file.parent / "config.password").stat().st_mode & 0o777 == 0o600
    assert "pä:ss" not in home.file.read_text()


def test_an_answer_that_cannot_be_is_asked_for_again(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.terminal("mqtt://broker.lan", "broker.lan:99999", "broker.lan:1884", "My Cam", "porch", "an\x07na", "anna")
    assert home.run() == 0
    config = home.config
    assert (config.mqtt.host, config.mqtt.port, config.node.id) == ("broker.lan", 1884, "porch")
    assert config.mqtt.username == "anna"
    told = capsys.readouterr().err
    assert "only the name or address goes here" in told
    assert "\n  '99999' is not a whole number from 1 to 65535\n" in told
    assert "\n  'My Cam' is not 1 to 64 of a–z, 0–9, _ and -\n" in told


def test_the_id_that_is_offered_is_one(home: Home) -> None:
    home.file = home.file.with_name("My cam.yaml")
    home.terminal("broker.lan", "", "")
    assert home.run() == 0
    assert home.config.node.id == default_node_id()


def test_a_terminal_that_ends_leaves_nothing(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.terminal("broker.lan")
    assert home.run() == 2
    assert "nothing was written" in capsys.readouterr().err
    assert not home.file.parent.exists()


@pytest.mark.parametrize("words", [["--node", "all"], ["--base-topic", "a/#"], ["--password-file", "/nowhere"]])
def test_what_is_not_usable_is_refused_and_nothing_written(
    home: Home, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert home.run("--host", "broker.lan", *words) == 2
    assert "nothing was changed or started" in capsys.readouterr().err
    assert not home.file.parent.exists()


def test_a_second_node_has_its_own_id_and_port(home: Home) -> None:
    assert home.run("--host", "broker.lan") == 0
    yard = home.file.with_name("yard.yaml")
    assert main(["setup", "--config", str(yard), "--host", "broker.lan"]) == 0
    config = loader.load(yard, {}).config
    assert (config.node.id, config.mjpeg_server.port) == ("yard", home.config.mjpeg_server.port + 1)


def test_a_folder_that_cannot_be_written_is_told(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.file.parent.write_text("a file where the folder should be")
    assert home.run("--host", "broker.lan") == 2
    assert "cannot be written" in capsys.readouterr().err
