"""A broker as a child process, on loopback only: mosquitto where it is installed, else amqtt."""

from __future__ import annotations

import errno
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from pi_cam_node.base import parent_death
from pi_cam_node.base.extras import install_command
from pi_cam_node.base.frozen import frozen

HOST = "127.0.0.1"
DEFAULT_PORT = 1883
START_S, STOP_S = 10.0, 2.0
# Debian keeps daemons out of an ordinary user's PATH.
_DAEMON_PATH = "/usr/sbin:/usr/local/sbin:/sbin"


class NoBrokerHere(RuntimeError):
    """No broker can be started; the message says what to do about it."""


@frozen
class BrokerKind:
    """A broker program that the demo can start.

    Attributes:
        name: The program's name.
        command: Returns the command line, given program, port and a folder for files; it ends with this process.
        find: Returns the program's path; ``None`` where it is not installed.
        remark: A limitation that the user should know; empty where there is none.
        protocol: The value for `mqtt.protocol`.
    """

    name: str
    command: Callable[[str, int, Path], Sequence[str]]
    find: Callable[[], str | None]
    remark: str
    protocol: str


def _find_mosquitto() -> str | None:
    return shutil.which("mosquitto") or shutil.which("mosquitto", path=_DAEMON_PATH)


def _mosquitto(program: str, port: int, folder: Path) -> Sequence[str]:
    lines = [
        f"listener {port} {HOST}",
        "allow_anonymous true",
        "persistence false",
        "set_tcp_nodelay true",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
    ]
    if os.geteuid() == 0:
        lines.append("user root")  # else it changes to a user of its own, which clears the parent-death signal
    file = folder / "mosquitto.conf"
    file.write_text("\n".join(lines) + "\n")
    return parent_death.ending_with_this([program, "-c", str(file)])


def _find_amqtt() -> str | None:
    return sys.executable if importlib.util.find_spec("amqtt") else None


def _amqtt(program: str, port: int, _folder: Path) -> Sequence[str]:
    return [program, "-P", "-m", "pi_cam_node.cli.demo.amqtt_broker", str(os.getpid()), str(port)]


KINDS = (
    BrokerKind("mosquitto", _mosquitto, _find_mosquitto, "", "auto"),
    BrokerKind(
        "amqtt", _amqtt, _find_amqtt, "for demonstration only, and MQTT 3.1.1 only; mosquitto does more", "3.1.1"
    ),
)


def choose(name: str = "") -> BrokerKind:
    """Return the first broker that is installed, or the named one.

    Raises:
        NoBrokerHere: It is not installed, or none is.
    """
    for kind in KINDS:
        if name in ("", kind.name) and kind.find() is not None:
            return kind
    raise NoBrokerHere(
        f"{name or 'no broker'} is {'not ' if name else ''}installed: "
        f"`sudo apt-get install mosquitto`, or `{install_command('demo')}` for amqtt"
    )


def choose_port(wanted: int | None, default: int = DEFAULT_PORT) -> int:
    """Return a free loopback port: the wanted one, else the default one, else any.

    Raises:
        NoBrokerHere: The wanted one is taken or not permitted.
    """
    why = "taken"
    for port in (wanted,) if wanted is not None else (default, 0):
        with socket.socket() as probe:
            # Connections of an earlier demo that are still dying do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    why = f"not to be had: {error.strerror}"
                continue
            return int(probe.getsockname()[1])
    raise NoBrokerHere(f"the port {wanted} is {why}; choose another one, or leave --port out")


class Broker:
    """A running broker; leaving the ``with`` block ends it."""

    def __init__(self, kind: BrokerKind, port: int, folder: Path) -> None:
        self.kind = kind
        self.port = port
        self._folder = folder
        self._log = folder / f"{kind.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        program = self.kind.find()
        if program is None:
            raise NoBrokerHere(f"{self.kind.name} has gone")
        command = self.kind.command(program, self.port, self._folder)
        with self._log.open("wb") as log:
            # A process group of its own: Ctrl-C ends the node first, which still needs the broker to publish offline.
            self._process = subprocess.Popen(  # noqa: S603 - our own command line
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                # Modules are imported from where this process imports them, never from the working directory.
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        self._wait_until_listening(self._process)
        return self

    @property
    def pid(self) -> int:
        """Process id of the running broker; 0 where it does not run."""
        return self._process.pid if self._process is not None else 0

    def _wait_until_listening(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until the broker listens.

        Raises:
            NoBrokerHere: It ended, or does not listen in time.
        """
        pause = threading.Event()
        deadline_s = time.monotonic() + START_S
        while time.monotonic() < deadline_s and process.poll() is None:
            with socket.socket() as probe:
                probe.settimeout(1.0)
                if probe.connect_ex((HOST, self.port)) == 0:
                    return
            pause.wait(0.02)
        end(process)
        said = self._log.read_text(errors="replace").strip()[-500:]
        raise NoBrokerHere(f"{self.kind.name} does not start: {said or 'it says nothing'}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            end(self._process)


def end(process: subprocess.Popen[bytes], deadline_s: float = STOP_S) -> None:
    """End a process, by force after a deadline."""
    process.terminate()
    try:
        process.wait(deadline_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(deadline_s)
