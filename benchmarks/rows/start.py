"""Time from the start to the first retained brightness, compared with importing the same libraries."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks import libraries
from benchmarks.bars import Result, ratios
from benchmarks.bench import Bench, say
from benchmarks.node import Node
from benchmarks.program import ENVIRONMENT

SYNTHETIC = "pi_cam_node.camera.sources.synthetic.source"
# All libraries, including those imported later for pictures and pages, for comparison.
EVERY_LIBRARY = ("numpy", "simplejpeg", "cv2", "paho.mqtt.client", "pydantic", "yaml", "psutil", "aiohttp.web")
IMPORT = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"


def start(bench: Bench) -> Iterator[Result]:
    """Start a node with the synthetic camera, and an interpreter that only imports."""
    loaded = libraries.loaded_by((*libraries.NODE, libraries.CAMERA[0], SYNTHETIC))
    names = [
        name for name in loaded if name.partition(".")[0] not in sys.stdlib_module_names and "._" not in f".{name}"
    ]
    folder = bench.subfolder("start")
    ours, beside, everything = [], [], []
    for number in range(bench.rounds):
        say(f"start: round {number + 1} of {bench.rounds}")
        beside.append(_import_s(names))
        everything.append(_import_s(EVERY_LIBRARY))
        with Node(folder, bench.broker_port, "synthetic") as node:
            ours.append(node.started_s)
    tops = ", ".join(sorted({name.partition(".")[0] for name in names}))
    notes: dict[str, float | str] = {
        "libraries": tops,
        f"importing {', '.join(EVERY_LIBRARY)} instead, s": median(everything),
    }
    yield ratios("start", ours, beside, **notes)


def _import_s(names: Sequence[str]) -> float:
    began_s = time.monotonic()
    subprocess.run([sys.executable, "-c", IMPORT, *names], env=ENVIRONMENT, check=True, timeout=60)
    return time.monotonic() - began_s
