"""From nothing to the first retained brightness, beside importing the same libraries."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

from benchmarks.bars import Result, ratios
from benchmarks.bench import Bench, say
from benchmarks.node import Node
from benchmarks.program import ENVIRONMENT

# What the node has loaded when it is built; only what others wrote, each module by its full name.
LOADED = """
import sys
import pi_cam_node.node
print(*(name for name, module in list(sys.modules.items())
        if "-packages" in (getattr(module, "__file__", None) or "") and not name.startswith("pi_cam_node")))
"""
IMPORT = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"


def start(bench: Bench) -> Iterator[Result]:
    """Start a node on the synthetic camera, and an interpreter that imports and ends."""
    out = subprocess.run([sys.executable, "-c", LOADED], env=ENVIRONMENT, check=True, capture_output=True, text=True)
    names = [name for name in out.stdout.split() if not any(part.startswith("_") for part in name.split("."))]
    folder = bench.subfolder("start")
    ours, beside = [], []
    for number in range(bench.rounds):
        say(f"start: round {number + 1} of {bench.rounds}")
        began_s = time.monotonic()
        subprocess.run([sys.executable, "-c", IMPORT, *names], env=ENVIRONMENT, check=True, timeout=60)
        beside.append(time.monotonic() - began_s)
        with Node(folder, bench.broker_port, "synthetic") as node:
            ours.append(node.started_s)
    libraries = sorted({name.partition(".")[0] for name in names})
    yield ratios("start", ours, beside, libraries=", ".join(libraries))
