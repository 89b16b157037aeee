"""``pi-cam-node setup``: writes the first configuration file of a node; one that exists stays as it is.

Missing arguments are asked for on a terminal. The broker is searched on the network first.
"""

from __future__ import annotations

import argparse
import errno
import getpass
import json
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pi_cam_node.base.atomic_files import create_atomically, make_directory, replace_atomically
from pi_cam_node.base.errors import ConfigError, OutOfRange
from pi_cam_node.cli.main import BAD_USE, PROGRAM, refuse
from pi_cam_node.cli.options import add_options
from pi_cam_node.config import Config, loader
from pi_cam_node.config.sections.node import default_node_id
from pi_cam_node.config.settings import with_value
from pi_cam_node.config.values import address_and_port
from pi_cam_node.mqtt.broker_discovery import FoundBroker, find_brokers

SYSTEM_FILE = Path("/etc/pi_cam_node/config.yaml")
MQTT_PORT, MQTT_TLS_PORT = 1883, 8883
LOCAL_BROKER_TIMEOUT_S = 2.0
_ID_FORM = "a-z, 0-9, _ and -"
_HEAD = "# The settings of this camera that are not the defaults; all there are: docs/settings.md of pi_cam_node.\n"


class NoBrokerNamed(Exception):
    """No broker is named, there is no terminal, and not exactly one was found; the message contains advice."""


@dataclass(slots=True)
class Answers:
    """Answers from which the configuration file is written.

    Attributes:
        node_id: ``node.id``.
        host: The broker's name or address.
        port: The broker's port; 8883 switches encryption on.
        username: Login name at the broker; empty for none.
        password: Its password, kept in a file of its own; empty for none.
        password_file: A file that holds it already.
        base_topic: First part of the topics.
        camera: ``camera.source``.
        page_port: Port of the page.
        page_host: Address at which the page is served.
    """

    node_id: str
    host: str
    port: int
    username: str = ""
    password: str = ""
    password_file: Path | None = None
    base_topic: str = ""
    camera: str = "auto"
    page_port: int = 8080
    page_host: str = ""


def main(arguments: Sequence[str]) -> int:
    """Write the file; return 0 on success, 2 if the answers are invalid and nothing was written."""
    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} setup",
        description="Write the first configuration file of a node. One that exists stays as it is.",
        epilog="Without --host a broker is looked for on the network (mDNS, _mqtt._tcp), then on this machine.",
    )
    add_options(
        parser, f"the file to write (default: {SYSTEM_FILE})", "see below", "the host name, or the name of the file"
    )
    parser.add_argument("--camera", default="auto", metavar="SOURCE", help="camera.source (default: auto)")
    parser.add_argument("--open-page", action="store_true", help="let others on the network open the page, by a token")
    options = parser.parse_args(arguments)
    path: Path = options.config or SYSTEM_FILE
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder; name a file in it")
        is_there = path.exists()
        if not is_there:
            _write(path, _answers(options, path))
    except EOFError:
        print(f"\n{PROGRAM}: nothing was written", file=sys.stderr)
        return BAD_USE
    except NoBrokerNamed as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return BAD_USE
    except ConfigError as error:
        return refuse(error)
    except OSError as error:
        print(f"{PROGRAM}: {path} cannot be written: {error.strerror or error}", file=sys.stderr)
        return BAD_USE
    print(f"{PROGRAM}: {path} is there, and stays as it is" if is_there else f"{PROGRAM}: wrote {path}")
    return 0


def text_of(answers: Answers) -> str:
    """Return the content of the configuration file."""
    lines = [f"node: {{id: {_quoted(answers.node_id)}}}", "mqtt:", f"  host: {_quoted(answers.host)}"]
    lines += [f"  port: {answers.port}"] if answers.port != MQTT_PORT else []
    lines += ["  tls: {enable: true}"] if answers.port == MQTT_TLS_PORT else []
    lines += [f"  username: {_quoted(answers.username)}"] if answers.username else []
    lines += [f"  password_file: {_quoted(str(answers.password_file))}"] if answers.password_file else []
    lines += [f"  base_topic: {_quoted(answers.base_topic)}"] if answers.base_topic else []
    lines += [f"camera: {{source: {_quoted(answers.camera)}}}"] if answers.camera != "auto" else []
    lines += [f"mjpeg_server: {{port: {answers.page_port}}}"] if answers.page_port != Config().mjpeg_server.port else []
    lines += [f"http: {{host: {_quoted(answers.page_host)}}}"] if answers.page_host else []
    return _HEAD + "\n".join(lines) + "\n"


def _answers(options: argparse.Namespace, path: Path) -> Answers:
    """Return the answers from arguments, network and terminal.

    Raises:
        NoBrokerNamed: None of them names the broker.
    """
    asks = sys.stdin.isatty()
    is_taken_from_host = path.name == SYSTEM_FILE.name or (asks and _fault_of("node.id", path.stem))
    default_id = default_node_id() if is_taken_from_host else path.stem
    host, port = _broker(options, asks=asks)
    answers = Answers(
        node_id=options.node or (_ask(f"Id of the node: {_ID_FORM}", default_id, _fault_of_id) if asks else default_id),
        host=host,
        port=port,
        username=options.username or "",
        password_file=options.password_file,
        base_topic=options.base_topic or "",
        camera=options.camera,
        page_port=_free_page_port(path.parent),
        page_host="0.0.0.0" if options.open_page else "",  # noqa: S104 - asked for, and the token is asked for then
    )
    if asks and options.username is None:
        answers.username = _ask("Login name at the broker, empty for none", "", _fault_of_username)
    if asks and answers.username and answers.password_file is None:
        answers.password = getpass.getpass("Its password: ")
    return answers


def _broker(options: argparse.Namespace, *, asks: bool) -> tuple[str, int]:
    """Return name and port of the broker.

    Raises:
        NoBrokerNamed: It is neither named nor found, and there is no terminal.
    """
    if options.host is not None:
        return _host_and_port(options.host, options.port)
    print(f"{PROGRAM}: looking for a broker that announces itself", file=sys.stderr)
    found = find_brokers()
    for broker in found:
        print(f"  {broker.name}: {broker.host}:{broker.port} ({broker.address})", file=sys.stderr)
    if asks:
        default = _name_of(found[0]) if found else "localhost"
        port = found[0].port if found else MQTT_PORT
        question = f"Broker: name or address, and :port where it is not {MQTT_PORT}"
        typed = _ask(question, f"{default}:{port}", _fault_of_broker)
        return _host_and_port(typed, options.port)
    if len(found) == 1:
        return _name_of(found[0]), options.port or found[0].port
    if not found and _listens_here(options.port or MQTT_PORT):
        return "localhost", options.port or MQTT_PORT
    why = "several brokers announce themselves" if found else "no broker announces itself, and none is on this machine"
    raise NoBrokerNamed(f"{why}: name yours with --host")


def _host_and_port(text: str, port: int | None) -> tuple[str, int]:
    """Return host and port of ``host``, ``host:port`` or ``[address]:port``; an argument of its own wins."""
    host, bracketed_port = address_and_port(text)
    if bracketed_port is None and host.count(":") == 1 and host.partition(":")[2].isdecimal():
        host, _, digits = host.partition(":")
        bracketed_port = int(digits[:6])
    return host, next(one for one in (port, bracketed_port, MQTT_PORT) if one is not None)


def _name_of(broker: FoundBroker) -> str:
    """Return the broker's host name where this machine can resolve it, else its address."""
    with suppress(OSError):
        if broker.address in {entry[4][0] for entry in socket.getaddrinfo(broker.host, None, socket.AF_INET)}:
            return broker.host
    return broker.address


def _listens_here(port: int) -> bool:
    try:
        socket.create_connection(("localhost", port), LOCAL_BROKER_TIMEOUT_S).close()
    except OSError:
        return False
    return True


def _free_page_port(folder: Path) -> int:
    """Return the first port, from the default on, that no other configuration in this folder uses."""
    taken = set()
    for other in folder.glob("*.yaml"):
        with suppress(ConfigError):
            taken.add(loader.load(other, {}).config.mjpeg_server.port)
    default = Config().mjpeg_server.port
    return next(port for port in range(default, default + len(taken) + 1) if port not in taken)


def _write(path: Path, answers: Answers) -> None:
    """Write password file and configuration file, both for their owner alone.

    Raises:
        ConfigError: The answers are invalid; nothing is written.
        OSError: A file cannot be written.
    """
    password_file = path.with_suffix(".password")
    content = text_of(answers)
    loader.load(path, {}, content.encode())
    make_directory(path.parent)
    if answers.password:
        replace_atomically(password_file, answers.password.encode() + b"\n")
        answers.password_file = Path(password_file.name)
        content = text_of(answers)
    create_atomically(path, content.encode())


def _ask(question: str, default: str, fault_of: Callable[[str], str]) -> str:
    """Ask until the answer is one that the settings take; an empty one is the default."""
    while True:
        answer = input(f"{question} [{default}]: ").strip() or default
        if not (fault := fault_of(answer)):
            return answer
        print(f"  {fault}", file=sys.stderr)


def _fault_of_broker(typed: str) -> str:
    host, port = _host_and_port(typed, None)
    return _fault_of("mqtt.host", host) or _fault_of("mqtt.port", port)


def _fault_of_id(typed: str) -> str:
    return _fault_of("node.id", typed)


def _fault_of_username(typed: str) -> str:
    return _fault_of("mqtt.username", typed) if typed else ""


def _fault_of(key: str, value: object) -> str:
    """Return why a setting cannot have a value; empty if it can."""
    try:
        with_value(Config(), key, value, live_only=False)
    except OutOfRange as error:
        return error.text.removeprefix(f"ERROR: {key}: ")
    return ""


def _quoted(text: str) -> str:
    """Return a YAML scalar; JSON's strings are YAML's double-quoted ones."""
    return json.dumps(text, ensure_ascii=False)
