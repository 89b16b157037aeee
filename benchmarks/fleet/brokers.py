"""Brokers of a fleet: those of the demonstration, and aedes on Node.js."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from pi_cam_node.cli.demo import brokers
from pi_cam_node.cli.demo.brokers import HOST, BrokerKind, NoBrokerHere

# Where ``scripts/fleet --broker aedes`` installs it with npm.
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


def _find() -> str | None:
    return shutil.which("node") if (FOLDER / "node_modules" / "aedes").is_dir() else None


def _command(program: str, port: int, folder: Path) -> Sequence[str]:
    file = folder / "aedes.mjs"
    file.write_text(PROGRAM)
    launcher = [sys.executable, "-P", "-m", "pi_cam_node.cli.demo.brokers", str(os.getpid())]
    return [*launcher, program, str(file), str(FOLDER), str(port), HOST]


AEDES = BrokerKind("aedes", _command, _find, "MQTT 3.1.1 only", "3.1.1")
NAMES = ("mosquitto", "amqtt", AEDES.name)


def choose(name: str) -> BrokerKind:
    """Return the named broker.

    Raises:
        NoBrokerHere: It is not installed.
    """
    if name != AEDES.name:
        return brokers.choose(name)
    if AEDES.find() is None:
        raise NoBrokerHere(f"aedes is not installed: npm install --prefix {FOLDER} aedes")
    return AEDES
