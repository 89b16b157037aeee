"""Output of the demo for its user: what to type next, and when the first brightness reached the broker."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pi_cam_node.cli.demo.brokers import DEFAULT_PORT
from pi_cam_node.config import Config
from pi_cam_node.mqtt.blocking_client import BlockingClient, NoBroker, Received, connect
from pi_cam_node.mqtt.messages.topics import topics_of

NODE_ID = "demo"
ROOT = f"pi_cam_node/{NODE_ID}"
FIRST_READING_TIMEOUT_S = 30.0
STOP_CHECK_S = 0.2


def next_steps(port: int, program: str, *, has_clients: bool) -> str:
    """Return the commands to type in another terminal, in the order in which they make sense.

    Args:
        port: The broker's port.
        program: The command that starts ``pi-cam-node`` there.
        has_clients: ``mosquitto_sub`` and ``mosquitto_pub`` are installed.
    """
    to_port = "" if port == DEFAULT_PORT else f" -p {port}"
    call = f"{program} call" + ("" if port == DEFAULT_PORT else f" --port {port}")
    steps = []
    if has_clients:
        steps += [
            ("Watch what it sees and says:", f"mosquitto_sub{to_port} -v -t '{ROOT}/state/#' -t '{ROOT}/reply/#'"),
            ("Take a picture:", f"mosquitto_pub{to_port} -q 1 -t {ROOT}/cmd/save -m jpg"),
            ("And one of two seconds ago:", f"mosquitto_pub{to_port} -q 1 -t {ROOT}/cmd/pastStack -m '{{\"at\":2}}'"),
            ("The same, with reply and picture at hand:", f"{call} pastStack at=2 -o then.jpg"),
        ]
    else:
        steps += [
            ("Take a picture:", f"{call} save jpg"),
            ("And one of two seconds ago:", f"{call} pastStack at=2 -o then.jpg"),
        ]
    steps += [
        ("Ask how light it is:", f"{call} night_level"),
        ("Make the night darker:", f"{call} set night.gain 2"),
        ("See what else it can do:", f"{call} help"),
    ]
    return "\n".join(f"  {why}\n    {line}" for why, line in steps)


def has_mosquitto_clients() -> bool:
    """Return whether ``mosquitto_sub`` and ``mosquitto_pub`` are installed."""
    return all(shutil.which(name) for name in ("mosquitto_sub", "mosquitto_pub"))


def program_name() -> str:
    """Return the command that starts this program from a terminal in this folder."""
    started = Path(sys.argv[0])
    if started.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m pi_cam_node"
    found = shutil.which(started.name)
    if found is not None and Path(found).samefile(started):
        return started.name
    path = started.absolute()
    return shlex.quote(os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path))


class FirstReading:
    """A thread that reports the first brightness that any client of the broker would see; ends by itself.

    Args:
        config: The settings of the node.
        topic: The topic of the brightness.
        say: Prints a line for the user.
        began_s: Start of the demo on the monotonic clock.
    """

    def __init__(self, config: Config, topic: str, say: Callable[[str], None], began_s: float) -> None:
        self._config = config
        self._topic = topic
        self._say = say
        self._began_s = began_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="demo-first-reading", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop waiting, and join the thread."""
        self._stop.set()
        self._thread.join(5.0)

    def _run(self) -> None:
        try:
            with connect(self._config.mqtt, topics_of(self._config), "demo") as connection:
                connection.subscribe([self._topic])
                self._wait(connection)
        except NoBroker as error:
            self._say(f"cannot watch the brightness: {error}")

    def _wait(self, connection: BlockingClient) -> None:
        while not self._stop.is_set():
            level = connection.wait_for(self._level, STOP_CHECK_S)
            if level is not None:
                self._say(f"first brightness: {level} ({self._waited_s():.1f} s after the start)")
                return
            if self._waited_s() > FIRST_READING_TIMEOUT_S:
                self._say(f"no brightness after {FIRST_READING_TIMEOUT_S:.0f} s; the log says more")
                return

    def _level(self, received: Sequence[Received]) -> str | None:
        return next((message.text for message in received if message.topic == self._topic and message.payload), None)

    def _waited_s(self) -> float:
        return time.monotonic() - self._began_s
