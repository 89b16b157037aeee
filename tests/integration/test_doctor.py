"""`pi-cam-node doctor` with real brokers, nodes and cameras."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pytest_mock import MockerFixture

from pi_cam_node.cli import main as main_module
from pi_cam_node.cli.doctor.command import main
from tests.support.broker import Mosquitto, StartBroker, free_port, wait_until
from tests.support.certificates import Authority
from tests.support.running_node import REPOSITORY, CommandClient, RunningNode


class Report:
    """What the doctor printed, by check."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        self.text = text

    def state(self, check: str) -> str:
        """Return the worst that was found by a check; empty where it was not made."""
        order = ["failed", "warning", "skipped", "ok"]
        lines = [line for line in self.text.splitlines() if line[8:].startswith(f"{check} ")]
        return min((line.split()[0] for line in lines), key=order.index, default="")


class DoctorRunner:
    """Runs the doctor on settings written to a file."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._file = folder / "node.yaml"
        self._folder = folder
        self._capsys = capsys
        self.http_port = free_port()

    def run(self, port: int, source: str = "synthetic", wait_s: int = 0, **mqtt: Any) -> Report:
        tree = {
            "node": {"id": "porch"},
            "mqtt": {"host": "127.0.0.1", "port": port, **mqtt},
            "camera": {"source": source, "width": 320, "height": 240},
            "export": {"base_dir": str(self._folder / "captures")},
            "mjpeg_server": {"port": self.http_port},
        }
        self._file.write_text(yaml.safe_dump(tree))
        self._file.chmod(0o600)
        self._capsys.readouterr()
        code = main(["--config", str(self._file), "--wait", str(wait_s)])
        return Report(code, self._capsys.readouterr().out)


@pytest.fixture
def doctor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> DoctorRunner:
    return DoctorRunner(tmp_path, capsys)


@pytest.fixture
def node(broker: Mosquitto, tmp_path: Path) -> Iterator[RunningNode]:
    with RunningNode(tmp_path, broker.port) as running, broker.client() as client:
        CommandClient(client).wait_online()
        yield running


def test_a_working_installation_has_no_findings(broker: Mosquitto, doctor: DoctorRunner) -> None:
    report = doctor.run(broker.port)
    assert report.code == 0, report.text
    for check in (
        "packages",
        "configuration",
        "memory",
        "disk",
        "events",
        "video",
        "HTTP",
        "broker",
        "login",
        "protocol",
        "ACL",
        "node",
        "camera",
    ):
        assert report.state(check) == "ok", report.text
    assert "porch is not running" in report.text
    assert "synthetic, 320 x 240: first frame after" in report.text
    assert "MQTT 5" in report.text


def test_a_running_node_is_asked_because_it_holds_the_camera(
    broker: Mosquitto, node: RunningNode, doctor: DoctorRunner
) -> None:
    report = doctor.run(broker.port, source="v4l2:/dev/nothing-here")
    assert report.code == 0, report.text
    assert "porch runs and answers: RSS=" in report.text
    assert "the running node has it: brightness" in report.text
    assert report.state("discovery") == "ok"
    assert node.running


@pytest.mark.parametrize("files", [(), ("config.yaml",)], ids=["no file", "the reference as it is shipped"])
def test_without_a_named_node_the_doctor_looks_at_the_one_that_call_would_ask(
    broker: Mosquitto,
    node: RunningNode,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mocker: MockerFixture,
    capsys: pytest.CaptureFixture[str],
    files: tuple[str, ...],
) -> None:
    (tmp_path / "checkout").mkdir()
    monkeypatch.chdir(tmp_path / "checkout")
    Path("config.yaml").write_text((REPOSITORY / "config.yaml").read_text())
    mocker.patch.object(main_module, "DEFAULT_FILES", tuple(map(Path, files)))
    code = main(["--port", str(broker.port)])
    report = capsys.readouterr().out
    assert code == 0, report
    assert "porch runs and answers" in report
    assert node.running


def test_two_nodes_with_one_id_are_told(
    broker: Mosquitto, node: RunningNode, tmp_path: Path, doctor: DoctorRunner
) -> None:
    (tmp_path / "second").mkdir()
    client_id = {"client_id": "another-board"}
    with RunningNode(tmp_path / "second", broker.port, mqtt=client_id) as second:
        wait_until(lambda: "connected" in second.log(), "the second node", 20)
        report = doctor.run(broker.port)
    assert (report.code, report.state("node")) == (1, "failed"), report.text
    assert "two nodes answer as porch" in report.text
    assert node.running


def test_the_page_of_a_running_node_is_asked(broker: Mosquitto, tmp_path: Path, doctor: DoctorRunner) -> None:
    with RunningNode(tmp_path, broker.port, mjpeg_server={"enable": True, "port": doctor.http_port}) as running:
        wait_until(lambda: "the live view is at" in running.log(), "its page", 60)
        report = doctor.run(broker.port, wait_s=60)
    assert (report.code, report.state("HTTP")) == (0, "ok"), report.text
    assert f"the node answers at http://127.0.0.1:{doctor.http_port}/" in report.text


def test_a_port_of_the_page_that_another_program_has_is_told(broker: Mosquitto, doctor: DoctorRunner) -> None:
    with socket.create_server(("127.0.0.1", doctor.http_port)) as taken:
        taken.setblocking(False)
        report = doctor.run(broker.port)
    assert (report.code, report.state("HTTP")) == (1, "failed"), report.text
    assert f"http://127.0.0.1:{doctor.http_port}/ is taken by another program" in report.text
    assert "choose another mjpeg_server.port" in report.text


def test_a_node_that_has_just_been_started_is_waited_for(
    broker: Mosquitto, tmp_path: Path, doctor: DoctorRunner
) -> None:
    with RunningNode(tmp_path, broker.port):
        report = doctor.run(broker.port, wait_s=90)
    assert report.code == 0, report.text
    assert "porch runs and answers" in report.text
    assert "the running node has it" in report.text


def test_a_node_that_was_started_and_does_not_come_is_a_failure(broker: Mosquitto, doctor: DoctorRunner) -> None:
    report = doctor.run(broker.port, wait_s=1)
    assert (report.code, report.state("node")) == (1, "failed"), report.text
    assert "porch was started and is not online after 1 s" in report.text
    assert "journalctl" in report.text


def test_a_node_that_hangs_does_not_answer(broker: Mosquitto, node: RunningNode, doctor: DoctorRunner) -> None:
    node.process.send_signal(signal.SIGSTOP)
    try:
        report = doctor.run(broker.port)
    finally:
        node.process.send_signal(signal.SIGCONT)
    assert report.code == 1
    assert report.state("node") == "failed"
    assert "does not answer" in report.text


def test_a_discovery_message_that_is_gone_is_missed(broker: Mosquitto, node: RunningNode, doctor: DoctorRunner) -> None:
    with broker.client() as client:
        client.publish("homeassistant/device/pi_cam_node_porch/config", "", retain=True)
    report = doctor.run(broker.port)
    assert report.state("discovery") == "warning", report.text
    assert "topic readwrite homeassistant/device/pi_cam_node_porch/config" in report.text


def test_home_assistant_that_went_is_a_warning(broker: Mosquitto, doctor: DoctorRunner) -> None:
    with broker.client() as client:
        client.publish("homeassistant/status", "offline", retain=True)
    report = doctor.run(broker.port)
    assert (report.code, report.state("Home Assistant")) == (0, "warning")


def test_without_a_broker_what_is_behind_it_is_skipped_and_the_rest_examined(doctor: DoctorRunner) -> None:
    report = doctor.run(free_port())
    assert report.code == 1
    assert report.state("broker") == "failed"
    assert report.state("ACL") == report.state("node") == report.state("discovery") == "skipped"
    assert report.state("camera") == "ok"


def test_a_port_without_a_broker_behind_it_is_told_from_none(doctor: DoctorRunner) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        report = doctor.run(listener.getsockname()[1], protocol="5")
    assert report.state("broker") == "failed"
    assert "does not answer as a broker would" in report.text


def test_a_wrong_password_is_found_and_not_shown(start_broker: StartBroker, doctor: DoctorRunner) -> None:
    broker = start_broker(users={"anna": "right-one"})
    report = doctor.run(broker.port, username="anna", password="wrong-one")
    assert (report.code, report.state("login")) == (1, "failed")
    assert "wrong-one" not in report.text
    assert doctor.run(broker.port, username="anna", password="right-one").state("login") == "ok"


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
@pytest.mark.parametrize("right", ["read", "write"])
def test_an_acl_that_is_too_narrow_is_found(
    start_broker: StartBroker, doctor: DoctorRunner, protocol: str, right: str
) -> None:
    broker = start_broker(users={"anna": "x"}, acl=f"user anna\ntopic {right} pi_cam_node/porch/#\n")
    report = doctor.run(broker.port, username="anna", password="x", protocol=protocol)
    assert (report.code, report.state("ACL")) == (1, "failed")
    assert "topic readwrite pi_cam_node/porch/#" in report.text


def test_a_camera_that_is_not_there_is_found_with_its_reason(broker: Mosquitto, doctor: DoctorRunner) -> None:
    report = doctor.run(broker.port, source="v4l2:/dev/nothing-here")
    assert (report.code, report.state("camera")) == (1, "failed")
    assert "/dev/nothing-here" in report.text


def test_a_configuration_that_is_wrong_ends_the_examination(broker: Mosquitto, doctor: DoctorRunner) -> None:
    report = doctor.run(broker.port, source="synthetic?lux=bright")
    assert (report.code, report.state("configuration")) == (1, "failed")
    assert report.state("broker") == ""


@pytest.mark.parametrize("topic", ["availability", "info", "state/#", "cmd/#", "set/#", "camera/availability"])
def test_a_single_topic_that_the_running_node_may_not_use_is_told(
    start_broker: StartBroker, tmp_path: Path, doctor: DoctorRunner, topic: str
) -> None:
    forbidden = f"pi_cam_node/porch/{topic}"
    acl = f"user anna\ntopic readwrite #\ntopic deny {forbidden}\nuser other\ntopic readwrite #\n"
    broker = start_broker(users={"anna": "x", "other": "x"}, acl=acl)
    login: dict[str, Any] = {"username": "anna", "password": "x", "protocol": "5"}
    with RunningNode(tmp_path, broker.port, mqtt=login) as node:
        if topic == "cmd/#":
            with broker.client(username="other", password="x") as client:
                CommandClient(client).wait_online()
        else:
            wait_until(lambda: f"publish on {forbidden.rstrip('#')}" in node.log(), "the node to find out", 60)
        report = doctor.run(broker.port, **login)
        assert node.running
    assert (report.code, report.state("ACL")) == (1, "failed"), report.text
    assert forbidden.rstrip("#") in report.text
    assert (report.state("node") == "failed") == (topic == "availability"), report.text
    assert ("frames arrive, but" in report.text) == (topic == "camera/availability"), report.text


def test_a_certificate_that_is_refused_comes_with_advice_for_certificates(
    doctor: DoctorRunner, start_broker: StartBroker, authority: Authority
) -> None:
    cert, key = authority.issue("broker.example")
    broker = start_broker([f"certfile {cert}", f"keyfile {key}"])
    report = doctor.run(broker.port, tls={"enable": True, "ca": str(authority.ca)})
    assert "the certificate of 127.0.0.1" in report.text
    assert "mqtt.host is a name that the certificate has" in report.text
    assert "is the broker running" not in report.text
