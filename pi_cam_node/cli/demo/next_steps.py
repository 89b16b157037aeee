"""What the demo tells its user to type next."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from pi_cam_node.cli.demo.brokers import USUAL_PORT

NODE_ID = "demo"
ROOT = f"pi_cam_node/{NODE_ID}"


def next_steps(port: int, program: str, *, has_clients: bool) -> str:
    """Return the lines to type in another terminal, in the order in which they make sense.

    Args:
        port: Of the broker.
        program: How to start ``pi-cam-node`` from there.
        has_clients: ``mosquitto_sub`` and ``mosquitto_pub`` are installed.
    """
    to_port = "" if port == USUAL_PORT else f" -p {port}"
    call = f"{program} call" + ("" if port == USUAL_PORT else f" --port {port}")
    steps = []
    if has_clients:
        steps += [
            ("Watch what it sees and says:", f"mosquitto_sub{to_port} -v -t '{ROOT}/state/#' -t '{ROOT}/reply/#'"),
            ("Take a picture:", f"mosquitto_pub{to_port} -q 1 -t {ROOT}/cmd/save -m jpg"),
            ("And one of two seconds ago:", f"mosquitto_pub{to_port} -q 1 -t {ROOT}/cmd/pastStack -m '{{\"at\":2}}'"),
            ("The same, with the reply at hand:", f"{call} pastStack '{{\"at\":2}}'"),
        ]
    else:
        steps += [
            ("Take a picture:", f"{call} save jpg"),
            ("And one of two seconds ago:", f"{call} pastStack '{{\"at\":2}}'"),
        ]
    steps += [
        ("Ask how light it is:", f"{call} night_level"),
        ("Make the night darker:", f"{call} set night.gain 2"),
        ("See what else it can do:", f"{call} help"),
    ]
    return "\n".join(f"  {why}\n    {line}" for why, line in steps)


def has_mosquitto_clients() -> bool:
    """Return whether the walk may use them."""
    return all(shutil.which(name) for name in ("mosquitto_sub", "mosquitto_pub"))


def program_name() -> str:
    """Return how this program is started from a terminal in this folder."""
    started = Path(sys.argv[0])
    if started.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m pi_cam_node"
    found = shutil.which(started.name)
    if found is not None and Path(found).samefile(started):
        return started.name
    path = started.absolute()
    return shlex.quote(os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path))
