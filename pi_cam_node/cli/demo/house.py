"""Command ``pi-cam-node house``: a broker, four synthetic nodes, a door sensor and the console on one machine."""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from pi_cam_node.base import parent_death
from pi_cam_node.cli.demo import brokers
from pi_cam_node.cli.demo.brokers import Broker, NoBrokerHere
from pi_cam_node.cli.demo.command import port_number, say, why_not_writable
from pi_cam_node.cli.main import FAILED
from pi_cam_node.cli.options import file_path
from pi_cam_node.config.catalogue import NODE_SCHEMA
from pi_cam_node.console.config import CONSOLE_SCHEMA
from pi_cam_node.system.process import stop_signals

Child = subprocess.Popen[bytes]

CAMERAS = (("porch", "Porch"), ("hall", "Hall"), ("garden", "Garden"), ("shed", "Shed"))
CONSOLE_PORT = 8090
# How long nothing moves before each camera, in seconds: they see motion at different times.
STILL_S = (14, 31, 47, 83)
STOP_S = 5.0
# The door: closed for so long, open for so long, in seconds.
CLOSED_S, OPEN_S = (12.0, 40.0), (3.0, 8.0)
DOOR_TOPIC = "zigbee2mqtt/Front door"
DOOR_DISCOVERY = "homeassistant/binary_sensor/0x00158d0001/contact/config"
DOOR = {
    "name": "Contact",
    "object_id": "front_door",
    "unique_id": "0x00158d0001_contact",
    "state_topic": DOOR_TOPIC,
    "value_template": '{{ value_json["contact"] }}',
    "payload_on": False,
    "payload_off": True,
    "device_class": "door",
    "device": {"name": "Front door", "identifiers": ["0x00158d0001"], "suggested_area": "Hall"},
}
NODE = """\
node: {{id: {id}, name: {name}}}
mqtt: {{host: {host}, port: {port}, protocol: "{protocol}"}}
camera: {{source: "synthetic?lux={lux}&still_s={still_s}&moves_s=6", width: 640, height: 480, framerate: 8}}
export: {{base_dir: {folder}, auto_save_interval_s: 900}}
mjpeg_server: {{port: {http}, fps: 5}}
# Without the frame number in the picture, which changes all the time.
motion: {{enable: true, ignore: ["0,0 1,0 1,0.1 0,0.1"]}}
recording: {{mode: motion}}
"""
CONSOLE = """\
# The settings of the console of this demonstration. Rules made by clicking are written in here.
console:
  id: house
  port: {http}
  base_dir: {folder}
mqtt:
  host: {host}
  port: {port}
  protocol: "{protocol}"
rules:
  # Show me who was there before the door opened.
  - name: Front door
    when: {{sensor: front_door, becomes: open}}
    do:
      - {{past: porch, at: 2}}
    again_after: 10
"""


def main(arguments: Sequence[str]) -> int:
    """Run the house until Ctrl-C; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="pi-cam-node house",
        description="Run a broker, four synthetic nodes, a door sensor and the console, on this machine only.",
    )
    parser.add_argument(
        "--folder", type=file_path, metavar="DIR", help="where everything is kept; by default, for as long as it runs"
    )
    parser.add_argument("--port", type=port_number, default=CONSOLE_PORT, help="the console's (default: %(default)s)")
    options = parser.parse_args(arguments)
    if trouble := why_not_writable(options.folder.absolute()) if options.folder else "":
        print(f"{trouble}; say another one with `--folder`", file=sys.stderr)
        return FAILED
    try:
        with ExitStack() as stack:
            folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pi-cam-house-")))
            return _run(stack, folder.absolute(), options.port)
    except NoBrokerHere as error:
        print(error, file=sys.stderr)
        return FAILED


def _run(stack: ExitStack, folder: Path, wanted_port: int) -> int:
    broker = stack.enter_context(Broker(brokers.choose(), brokers.choose_port(None), folder))
    for number, (node_id, name) in enumerate(CAMERAS):
        stack.enter_context(
            _program(
                ["run", "--config", str(_node_file(folder, broker, number, node_id, name))], folder / f"{node_id}.log"
            )
        )
    stack.enter_context(_door(broker))
    port = brokers.choose_port(None, wanted_port)
    file = folder / "console.yaml"
    if not file.exists():
        kept, told = json.dumps(str(folder / "console")), broker.kind.protocol
        file.write_text(CONSOLE.format(http=port, folder=kept, host=brokers.HOST, port=broker.port, protocol=told))
    # A file that is kept for its rules has the ports of an earlier run.
    given = {"CONSOLE__PORT": port, "MQTT__PORT": broker.port, "MQTT__PROTOCOL": broker.kind.protocol}
    environ = {f"{CONSOLE_SCHEMA.environment_prefix}{key}": str(value) for key, value in given.items()}
    console = stack.enter_context(_program(["console", "--config", str(file)], folder / "console.log", environ))
    return _wait(folder, port, console)


def _node_file(folder: Path, broker: Broker, number: int, node_id: str, name: str) -> Path:
    file = folder / f"{node_id}.yaml"
    text = NODE.format(
        id=node_id,
        name=name,
        host=brokers.HOST,
        port=broker.port,
        protocol=broker.kind.protocol,
        lux=(400, 120, 900, 60)[number],
        still_s=STILL_S[number],
        folder=json.dumps(str(folder / node_id)),
        http=brokers.choose_port(None, 8081 + number),
    )
    file.write_text(text)
    return file


@contextmanager
def _program(words: Sequence[str], log: Path, given: Mapping[str, str] | None = None) -> Iterator[Child]:
    """Run this package as a child that ends with the ``with`` block, or with this process.

    Args:
        words: The command line.
        log: The file that it writes into.
        given: Its settings as environment variables; those of the user's environment are not for the house.
    """
    own = [sys.executable, "-m", "pi_cam_node", *words]
    command = parent_death.ending_with_this(own)
    prefixes = (NODE_SCHEMA.environment_prefix, CONSOLE_SCHEMA.environment_prefix)
    environ = {key: value for key, value in os.environ.items() if not key.startswith(prefixes)}
    environ |= {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **(given or {})}
    with log.open("ab") as written:
        child = subprocess.Popen(  # noqa: S603 - our own command line
            command, stdin=subprocess.DEVNULL, stdout=written, stderr=written, process_group=0, env=environ
        )
    try:
        yield child
    finally:
        brokers.end(child, STOP_S)


@contextmanager
def _door(broker: Broker) -> Iterator[None]:
    """Publish the states of a door that opens now and then, as zigbee2mqtt would."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="demo-door")
    client.connect(brokers.HOST, broker.port)
    client.loop_start()
    ended, chance = threading.Event(), random.Random()

    def live() -> None:
        client.publish(DOOR_DISCOVERY, json.dumps(DOOR), 1, True)
        is_open = False
        while not ended.is_set():
            state = {"contact": not is_open, "battery": 87, "linkquality": chance.randint(60, 140)}
            client.publish(DOOR_TOPIC, json.dumps(state), 1, True)
            ended.wait(chance.uniform(*(OPEN_S if is_open else CLOSED_S)))
            is_open = not is_open

    thread = threading.Thread(target=live, name="door", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(1.0)
        client.loop_stop()


def _wait(folder: Path, port: int, console: Child) -> int:
    """Print the addresses, and wait for Ctrl-C, or for the console's end."""
    stopped = threading.Event()
    for number in stop_signals():
        signal.signal(number, lambda *_: stopped.set())
    link, database = folder / "console" / "setup-link", folder / "console" / "console.db"
    while not database.exists() and console.poll() is None and not stopped.wait(0.2):
        continue
    if not stopped.wait(2.0) and console.poll() is None:
        say(_greeting(folder, port, link.read_text().strip() if link.exists() else ""))
    while not stopped.wait(0.2) and console.poll() is None:
        continue
    if not stopped.is_set():
        said = (folder / "console.log").read_text(errors="replace").strip()[-800:]
        print(f"the console ended with code {console.returncode}: {said}", file=sys.stderr)
        return 1
    return 0


def _greeting(folder: Path, port: int, link: str) -> str:
    first = f"Make your account: {link}" if link else f"The console: http://{brokers.HOST}:{port}/"
    return f"""\
A house on this machine: a broker, the cameras {", ".join(name for _, name in CAMERAS)}, a front door, and the console.
{first}
The door opens now and then; a rule then shows what the porch saw two seconds before.
Settings, logs and pictures are in {folder}. Nothing can be reached from outside this machine. Ctrl-C ends it all."""
