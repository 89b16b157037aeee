"""Command line of ``pi-cam-node demo``: starts broker and node and prints what to type next."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from pi_cam_node.base import malloc
from pi_cam_node.base.atomic_files import make_directory
from pi_cam_node.cli.demo import brokers, guide
from pi_cam_node.cli.demo.brokers import Broker, NoBrokerHere
from pi_cam_node.cli.demo.guide import FirstReading
from pi_cam_node.cli.main import FAILED, discard_stdout
from pi_cam_node.cli.options import file_path
from pi_cam_node.config import loader
from pi_cam_node.config.loader import LoadedConfig
from pi_cam_node.core.commands.status import RESTART_CODE
from pi_cam_node.runtime.node import Node
from pi_cam_node.storage.directory import check_writable
from pi_cam_node.system import log

# A day in two minutes and a half, and a night that is called as soon as it is dark.
DAY_S, DUSK_S, NIGHT_S, DAWN_S = 30, 30, 60, 30
# The ball comes every twenty seconds: the first event and its film are there within the first minute.
STILL_S, MOVES_S = 14, 6
SETTINGS = """\
# The settings of this demo. `overwrite_config` writes what was changed meanwhile in here.
node:
  id: {node_id}
  name: Demo camera
mqtt:
  host: {host}
  port: {port}
  protocol: "{protocol}"
camera:
  source: {source}
night:
  min_dark_frames: 10
  min_bright_frames: 6
  dwell_s: 10
  settle_s: 2
  exposure_us: 500000
motion:
  enable: true
  ignore: ["0,0 1,0 1,0.1 0,0.1"]  # the frame number, which changes all the time
recording:
  mode: {recording}
export:
  base_dir: {captures}
mjpeg_server:
  port: {view_port}
  fps: 5
telemetry:
  interval_s: 10
"""
# Where the live view is, if that port is free.
VIEW_PORT = 8080
PORT_MAX, PORT_DIGITS = 65535, 5


def main(arguments: Sequence[str]) -> int:
    """Run the demo until Ctrl-C; return the exit code."""
    began_s = time.monotonic()
    options = _parser().parse_args(arguments)
    captures = options.captures.absolute()
    try:
        kind, port = brokers.choose(options.broker), brokers.choose_port(options.port)
        if trouble := why_not_writable(captures):
            print(f"{trouble}; say `--captures DIR`, or start it in a folder of your own", file=sys.stderr)
            return FAILED
        with tempfile.TemporaryDirectory(prefix="pi-cam-node-") as name, Broker(kind, port, Path(name)) as broker:
            loaded = settings_of(broker, Path(name), captures)
            say(_greeting(broker, loaded))
            return _run(loaded, began_s)
    except NoBrokerHere as error:
        print(error, file=sys.stderr)
        return FAILED


def why_not_writable(folder: Path) -> str:
    """Make a folder, and return why nothing can be written into it; empty if it can."""
    try:
        make_directory(folder)
        check_writable(folder)
    except OSError as error:
        return f"{folder} cannot be written: {error.strerror or error}"
    return ""


def settings_of(broker: Broker, folder: Path, captures: Path) -> LoadedConfig:
    """Write the configuration file of the demo and load it; environment variables are ignored."""
    script = f"day_s={DAY_S}&dusk_s={DUSK_S}&night_s={NIGHT_S}&dawn_s={DAWN_S}&start_mono_s={time.monotonic():.0f}"
    script += f"&still_s={STILL_S}&moves_s={MOVES_S}"
    file = folder / "config.yaml"
    file.write_text(
        SETTINGS.format(
            node_id=guide.NODE_ID,
            host=brokers.HOST,
            port=broker.port,
            protocol=broker.kind.protocol,
            source=f"synthetic?{script}",
            recording="motion" if importlib.util.find_spec("av") else "off",
            captures=json.dumps(str(captures)),  # quoted as YAML wants it
            view_port=brokers.choose_port(None, VIEW_PORT),
        )
    )
    return loader.load(file, {})


def say(text: str) -> None:
    """Print a line at once, also to a pipe; the demo goes on where the line cannot be written.

    Thread: any.
    """
    try:
        print(text, flush=True)
    except OSError:
        discard_stdout()


def _run(loaded: LoadedConfig, began_s: float) -> int:
    """Run the node, again after each command ``restart``: there is no supervisor that would."""
    malloc.limit_fragmentation()
    config = loaded.config
    log.configure(config)
    first_reading = FirstReading(config, f"{guide.ROOT}/state/brightness", say, began_s)
    first_reading.start()
    try:
        while (code := Node(loaded).run()) == RESTART_CODE:
            say("restarting, as asked")
        return code
    finally:
        first_reading.stop()


def _greeting(broker: Broker, loaded: LoadedConfig) -> str:
    remark = f" ({broker.kind.remark})" if broker.kind.remark else ""
    return f"""\
A node on a synthetic camera, and {broker.kind.name} on {brokers.HOST}:{broker.port}{remark}.
Nothing can be reached from outside this machine. Ctrl-C ends both.
See it live: http://{brokers.HOST}:{loaded.config.mjpeg_server.port}/
Pictures go to {loaded.config.export.base_dir}; settings are in {loaded.path}.
Dusk begins after {DAY_S} s and takes {DUSK_S} s; the camera switches to night by itself, and back at dawn.

In another terminal, in this folder:
{guide.next_steps(broker.port, guide.program_name(), has_clients=guide.has_mosquitto_clients())}
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pi-cam-node demo",
        description="Run a node on a synthetic camera with a broker of its own, on this machine only.",
    )
    parser.add_argument(
        "--captures",
        type=file_path,
        default=Path("captures"),
        metavar="DIR",
        help="where pictures go (default: ./captures)",
    )
    parser.add_argument(
        "--port", type=port_number, help=f"of the broker (default: {brokers.DEFAULT_PORT}, else any free one)"
    )
    parser.add_argument("--broker", default="", choices=[kind.name for kind in brokers.KINDS], help="which broker")
    return parser


def port_number(text: str) -> int:
    """Parse a port number; 0 means any free one."""
    if not (text.isascii() and text.isdecimal() and len(text) <= PORT_DIGITS and int(text) <= PORT_MAX):
        raise argparse.ArgumentTypeError(f"found {text!a}, expected 1 to {PORT_MAX}")
    return int(text)
