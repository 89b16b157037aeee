"""Brokers of a fleet: those of the demonstration, aedes on Node.js, and RabbitMQ."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from pi_cam_node.base import parent_death
from pi_cam_node.cli.demo import brokers
from pi_cam_node.cli.demo.brokers import HOST, Broker, BrokerKind, NoBrokerHere, choose_port
from tests.support.rabbitmq import RabbitMq, find_rabbitmq

# Folder into which ``scripts/fleet --broker aedes`` installs it with npm.
FOLDER = Path("build/aedes").absolute()
PROGRAM = """
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { pathToFileURL } from "node:url";
const at = createRequire(process.argv[2] + "/").resolve("aedes");
const { Aedes } = await import(pathToFileURL(at));
Aedes.createBroker().then((broker) => {
  createServer({ noDelay: true }, broker.handle).listen(Number(process.argv[3]), process.argv[4], 1024);
});
"""
AEDES, RABBITMQ = "aedes", "rabbitmq"
NAMES = ("mosquitto", "amqtt", AEDES, RABBITMQ)


class Running(Protocol):
    """Interface of a broker that runs within a ``with`` block, without persistence."""

    port: int

    @property
    def pid(self) -> int:
        """Process id."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@dataclass(frozen=True)
class FleetBroker:
    """A kind of broker for a fleet.

    Attributes:
        make: Creates a broker, not started, given a folder for its files.
        protocol: Value of `mqtt.protocol`.
        finds_by_wildcard: Whether a wildcard subscription receives retained messages.
    """

    make: Callable[[Path], Running]
    protocol: str
    finds_by_wildcard: bool = True


def choose(name: str) -> FleetBroker:
    """Return the broker of this name.

    Raises:
        NoBrokerHere: It is not installed.
    """
    if name == RABBITMQ:
        if find_rabbitmq() is None:
            raise NoBrokerHere("rabbitmq-server is not installed: apt-get install rabbitmq-server")
        return FleetBroker(lambda folder: RabbitMq(folder / "rabbitmq"), "3.1.1", finds_by_wildcard=False)
    kind = _AEDES if name == AEDES else brokers.choose(name)
    if kind.find() is None:
        raise NoBrokerHere(f"aedes is not installed: npm install --prefix {FOLDER} aedes")
    return FleetBroker(lambda folder: Broker(kind, choose_port(None, 0), folder), kind.protocol)


def _find() -> str | None:
    return shutil.which("node") if (FOLDER / "node_modules" / "aedes").is_dir() else None


def _command(program: str, port: int, folder: Path) -> Sequence[str]:
    file = folder / "aedes.mjs"
    file.write_text(PROGRAM)
    return parent_death.ending_with_this([program, str(file), str(FOLDER), str(port), HOST])


_AEDES = BrokerKind(AEDES, _command, _find, "MQTT 3.1.1 only", "3.1.1")
