"""Other brokers than mosquitto: aedes, used by Node-RED and ioBroker, and amqtt, used by the demo."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal, Self

import pytest

from tests.support import contract
from tests.support.broker import HOST, StartedProgram, port_of, reserved_port, wait_until

Kind = Literal["aedes", "amqtt"]

# Installed once on a machine; `AEDES` names a folder that has it.
AEDES = Path(os.environ.get("AEDES", str(Path(tempfile.gettempdir()) / "pi-cam-node-aedes")))
AEDES_VERSION = "1.2.0"
INSTALL_S, START_S = 120.0, 60.0

_PROGRAM = """
import { Aedes } from 'aedes'
import { createServer } from 'net'
const broker = await Aedes.createBroker()
createServer(broker.handle).listen(Number(process.argv[2]), '127.0.0.1')
"""


class OtherBroker(StartedProgram):
    """A broker on a loopback port, without a login. It keeps nothing over a restart.

    Args:
        kind: Kind of the broker.
        folder: Folder for its output.

    Attributes:
        port: Its port.
    """

    def __init__(self, kind: Kind, folder: Path) -> None:
        self._reserved = reserved_port()  # also between two starts
        self.port = port_of(self._reserved)
        self._log = folder / f"{kind}.log"
        self._command = _aedes(self.port) if kind == "aedes" else _amqtt(self.port)
        self._process: subprocess.Popen[bytes] | None = None
        if kind == "amqtt":
            contract.broker_raises_qos(self.port)

    def start(self) -> Self:
        """Start it and wait until it listens."""
        with self._log.open("ab") as log:
            self._process = process = subprocess.Popen(self._command, stdout=log, stderr=log)
        wait_until(lambda: process.poll() is not None or self._listens(), "the broker to listen", START_S)
        assert process.poll() is None, self._log.read_text()
        return self

    def stop(self) -> None:
        """Kill it, as in a power cut."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)

    def close(self) -> None:
        """See `StartedProgram`."""
        self.stop()
        self._reserved.close()

    def _listens(self) -> bool:
        try:
            socket.create_connection((HOST, self.port), 1).close()
        except OSError:
            return False
        return True


def _amqtt(port: int) -> list[str]:
    if importlib.util.find_spec("amqtt") is None:
        pytest.skip("amqtt is not installed (extra demo)")
    return [sys.executable, "-m", "pi_cam_node.cli.demo.amqtt_broker", str(os.getpid()), str(port)]


def _aedes(port: int) -> list[str]:
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("there is no node, or no npm")
    AEDES.mkdir(parents=True, exist_ok=True)
    program = AEDES / "broker.mjs"
    with (AEDES / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (AEDES / "node_modules" / "aedes").exists():
            command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(AEDES), f"aedes@{AEDES_VERSION}"]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=False)
            except subprocess.TimeoutExpired:
                pytest.skip(f"npm is not done within {INSTALL_S:g} s")
            if done.returncode:
                pytest.skip(f"aedes cannot be installed here: {done.stderr.strip()[-200:]}")
        program.write_text(_PROGRAM)
    return ["node", str(program), str(port)]
