"""Secrets are not leaked: each place that takes a secret gets one, and all outputs of a run are searched for them."""

from __future__ import annotations

import http.client
import re
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from pi_cam_node.config.settings import catalogue
from tests.support.broker import Client, Mosquitto, free_port, wait_until
from tests.support.running_node import BASE, CommandClient, RunningNode

pytestmark = pytest.mark.broker

TOKEN = "canary-of-http-5d1e"
PASSWORD = "canary-of-mqtt-77ab"
LOGIN = "canary-of-camera-41c9"
# Every setting that is a secret, may carry one, or names a file that holds one, and the test that looks after it.
CANARIES = {"mqtt.password": PASSWORD, "camera.source": LOGIN, "http.token_file": TOKEN}
ELSEWHERE = {
    "mqtt.password_file": "tests/unit/config/test_secrets.py; its content becomes mqtt.password",
    "mqtt.tls.key": "handed to OpenSSL by path and never read",
    "http.tls.key": "handed to OpenSSL by path and never read",
}
SOUNDS_SECRET = re.compile(r"pass|token|secret|credential|login|auth|(^|[._])key$")
PATHS = ("/", "/api/config", "/api/state", "/api/openapi.json", "/metrics", "/health", "/snapshot.jpg", "/nowhere")
OWN_SECRETS = {"node.yaml", "token"}


def test_no_secret_field_is_without_a_canary() -> None:
    secret = {key for key, info in catalogue().items() if info.secret or SOUNDS_SECRET.search(key)}
    assert secret <= CANARIES.keys() | ELSEWHERE.keys()


@pytest.fixture
def node(broker: Mosquitto, tmp_path: Path) -> Iterator[RunningNode]:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    (tmp_path / "token").chmod(0o600)
    running = RunningNode(
        tmp_path,
        broker.port,
        mqtt={"username": "porch", "password": PASSWORD},
        camera={"source": f"rtsp://admin:{LOGIN}@127.0.0.1:9/live"},
        http={"token_file": str(tmp_path / "token")},
        mjpeg_server={"enable": True, "port": free_port()},
        logging={"level": "DEBUG", "file": str(tmp_path / "log" / "node.log")},
        telemetry={"interval_s": 1},
    )
    running.config.chmod(0o600)
    with running:
        yield running


def ask_everything(commands: CommandClient) -> None:
    """Put every question that there is, and some that are refused."""
    commands.ask("dump_config")
    for key in catalogue():
        commands.ask("get", key=key)
    for key in CANARIES:
        commands.ask("set", key=key, value="other")
    for verb in ("health", "help", "save", "pastStack", "overwrite_config", "night_level"):
        commands.ask(verb)


def told(client: Client) -> Iterator[tuple[str, bytes]]:
    for message in list(client.received):
        yield message.topic, message.payload


def processes(node: RunningNode) -> Iterator[tuple[str, bytes]]:
    """Yield what anybody on the machine may read of the node's processes."""
    family = psutil.Process(node.process.pid)
    for process in (family, *family.children(recursive=True)):
        for what in ("cmdline", "environ"):
            path = Path(f"/proc/{process.pid}/{what}")
            try:
                yield str(path), path.read_bytes()
            except OSError:
                continue  # it ended while it was looked at


def served(node: RunningNode, port: int) -> Iterator[tuple[str, bytes]]:
    for path in PATHS:
        for login in ({"Authorization": f"Bearer {TOKEN}"}, {"Authorization": f"Bearer {TOKEN}x"}, {}):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", path, headers=login)
            response = connection.getresponse()
            yield f"{path} {response.status}", str(response.getheaders()).encode() + response.read()
            connection.close()


def files_of(node: RunningNode) -> Iterator[tuple[str, bytes]]:
    for path in node.folder.rglob("*"):
        if path.is_file() and path.name not in OWN_SECRETS and not path.name.startswith("node.yaml"):
            yield str(path), path.read_bytes()


def test_no_secret_is_anywhere_but_where_it_was_put(broker: Mosquitto, node: RunningNode) -> None:
    with broker.client() as client:
        commands = CommandClient(client)
        wait_until(lambda: client.latest(f"{BASE}/availability") == b"online", "the node online")
        ask_everything(commands)
        wait_until(lambda: "127.0.0.1:9/live" in node.log(), "the camera's failure in the log")
        port = int(node.log().split("the live view is at http://127.0.0.1:")[1].split("\n")[0])
        with socket.create_connection(("127.0.0.1", port), 60) as stranger:
            stranger.sendall(b"no request\r\n\r\n")  # is logged at the lowest level
            stranger.recv(100)
        places = [*told(client), *processes(node), *served(node, port)]
        node.stop()
        places += [*told(client), *files_of(node)]
    assert len(places) > 100
    found = [(where, name) for where, what in places for name in CANARIES if CANARIES[name].encode() in what]
    assert not found
    text = node.log()
    assert "DEBUG" in text, "the log says all that it can"


def test_what_the_node_makes_is_for_its_owner_alone(broker: Mosquitto, tmp_path: Path) -> None:
    sections: dict[str, Any] = {
        "logging": {"file": "log/node.log"},
        "mjpeg_server": {"enable": True, "port": free_port()},
    }
    folder = tmp_path / "node"
    folder.mkdir()
    # Behind a proxy a token is asked for, and made where there is none.
    proxy = {"trusted_proxies": ["127.0.0.1"]}
    with RunningNode(folder, broker.port, http=proxy, **sections) as node, broker.client() as client:
        node.config.chmod(0o600)
        before = {node.config, node.log_path}
        commands = CommandClient(client)
        commands.wait_online()
        assert commands.ask("save", formats=["jpg", "png", "npy"])["ok"]
        commands.ask("set", key="night.gain", value=3)
        assert commands.ask("overwrite_config")["ok"]
        wait_until((folder / "captures" / ".http_token").exists, "the token", 20.0)
        node.stop()
        made = [path for path in folder.rglob("*") if path not in before]
        open_to_others = {p.name: oct(p.stat().st_mode) for p in made if p.stat().st_mode & 0o077}
        assert not open_to_others
        assert {path.name for path in made} >= {"captures", "log", "node.log", ".http_token", "node.yaml.bak"}
        assert stat.S_IMODE(node.config.stat().st_mode) == 0o600
