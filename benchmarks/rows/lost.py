"""Frames that are lost while the node has as much else to do as it can get."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator

from benchmarks import film
from benchmarks.bars import Result
from benchmarks.bench import Bench, say
from benchmarks.command_client import CommandClient
from benchmarks.node import Node

# Noise that makes a JPEG of quality 100 a megabyte long.
NOISE_SIGMA, NOISY_PICTURES = 15.0, 20
FRAMES = 600
WORK: tuple[tuple[str, dict[str, object]], ...] = (
    ("save", {"formats": ["png"]}),
    ("pastStack", {"formats": ["jpg"], "count": 64}),
    ("save", {"formats": ["jpg"]}),
)
PATIENCE_S = 60.0
SETTINGS: dict[str, dict[str, object]] = {
    "export": {"jpeg_quality": 100},
    "mqtt": {"image_max_bytes": 4 << 20},
    "ring": {"size": 150},
    "storage": {"max_bytes": 256 << 20},
}


class Work:
    """Commands without a pause, each kind on a thread and a connection of its own.

    Attributes:
        done: How many of each kind were answered, and how.
        largest_bytes: Of the JPEGs.
    """

    def __init__(self, node: Node, broker_port: int) -> None:
        """Start."""
        self.done: Counter[str] = Counter()
        self.largest_bytes = 0
        self._node, self._broker_port = node, broker_port
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=work, name=work[0], daemon=True) for work in WORK]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Let the last ones be answered."""
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def _run(self, verb: str, body: dict[str, object]) -> None:
        with CommandClient(self._broker_port, f"{self._node.root}/reply/{verb}") as commands:
            while not self._over.is_set():
                _, reply = commands.ask(f"{self._node.root}/cmd/{verb}", body, PATIENCE_S)
                self.done[f"{verb} {body['formats']}: {reply['code']}"] += 1
                if body["formats"] == ["jpg"]:
                    self.largest_bytes = max(self.largest_bytes, reply["data"].get("bytes", 0))


def lost(bench: Bench) -> Iterator[Result]:
    """Save PNGs, stack 64 and send large pictures, all at once, while 600 frames come."""
    noisy = film.make(bench.folder / "noisy.y4m", NOISE_SIGMA, NOISY_PICTURES)
    with Node(bench.subfolder("lost"), bench.broker_port, f"file:{noisy}", **SETTINGS) as node:
        node.fill(120)
        say(f"lost: {FRAMES / film.FPS:.0f} s of everything at once")
        work = Work(node, bench.broker_port)
        began_s, first = time.monotonic(), _counted(node)
        time.sleep(FRAMES / film.FPS)
        took_s, last = time.monotonic() - began_s, _counted(node)
        work.end()
    due = took_s * film.FPS
    arrived, dropped = last["frame"] - first["frame"], last["frames_dropped"] - first["frames_dropped"]
    # One more or less is the moment of asking.
    figure = max(0, int(due) - 1 - arrived) + dropped
    notes: dict[str, float | str] = {name: float(count) for name, count in work.done.items()}
    yield Result("lost", [arrived], [due], [figure], {**notes, "largest picture, bytes": work.largest_bytes})


def _counted(node: Node) -> dict[str, int]:
    """Return the number of the last frame, which counts those that arrived, and of those that were dropped."""
    return {
        "frame": int(node.ask("night_level")[1]["frame"]),
        "frames_dropped": int(node.ask("health")[1]["frames_dropped"]),
    }
