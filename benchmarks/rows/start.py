"""Time from the start to the first retained brightness, compared with importing the same libraries."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks.bars import Result, ratios
from benchmarks.bench import Bench, say
from benchmarks.node import Node
from benchmarks.program import ENVIRONMENT

# Program that prints the third-party modules imported by node and camera process at start.
LOADED = """
import sys
import pi_cam_node.runtime.node, pi_cam_node.camera.worker.child_main, pi_cam_node.camera.sources.synthetic.source
print(*(name for name, module in list(sys.modules.items())
        if "-packages" in (getattr(module, "__file__", None) or "") and not name.startswith("pi_cam_node")))
"""
# All libraries, including those imported later for pictures and pages, for comparison.
EVERY_LIBRARY = ("numpy", "simplejpeg", "cv2", "paho.mqtt.client", "pydantic", "yaml", "psutil", "aiohttp.web")
IMPORT = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"


def start(bench: Bench) -> Iterator[Result]:
    """Start a node with the synthetic camera, and an interpreter that only imports."""
    out = subprocess.run([sys.executable, "-c", LOADED], env=ENVIRONMENT, check=True, capture_output=True, text=True)
    names = [name for name in out.stdout.split() if not any(part.startswith("_") for part in name.split("."))]
    folder = bench.subfolder("start")
    ours, beside, everything = [], [], []
    for number in range(bench.rounds):
        say(f"start: round {number + 1} of {bench.rounds}")
        beside.append(_import_s(names))
        everything.append(_import_s(EVERY_LIBRARY))
        with Node(folder, bench.broker_port, "synthetic") as node:
            ours.append(node.started_s)
    libraries = ", ".join(sorted({name.partition(".")[0] for name in names}))
    notes: dict[str, float | str] = {
        "libraries": libraries,
        f"importing {', '.join(EVERY_LIBRARY)} instead, s": median(everything),
    }
    yield ratios("start", ours, beside, **notes)


def _import_s(names: Sequence[str]) -> float:
    began_s = time.monotonic()
    subprocess.run([sys.executable, "-c", IMPORT, *names], env=ENVIRONMENT, check=True, timeout=60)
    return time.monotonic() - began_s
