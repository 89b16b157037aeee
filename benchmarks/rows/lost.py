"""Frames that are lost while the node has as much else to do as it can get."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks import film
from benchmarks.bars import Result
from benchmarks.bench import Bench, say
from benchmarks.command_client import CommandClient
from benchmarks.node import Node

# Noise that makes a JPEG of quality 100 a megabyte long.
NOISE_SIGMA, NOISY_PICTURES = 15.0, 20
FPS, FRAMES, FRAMES_QUICK = 30, 6000, 600
WORK: tuple[tuple[str, dict[str, object]], ...] = (
    ("save", {"formats": ["png"]}),
    ("pastStack", {"formats": ["jpg"], "count": 64}),
    ("save", {"formats": ["jpg"]}),
)
PATIENCE_S = 60.0
ASKED = 20
SETTINGS: dict[str, dict[str, object]] = {
    "camera": {"framerate": FPS},
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
        """Stop sending, and wait for the last replies."""
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
    """Count lost frames while PNGs are saved, 64 frames are stacked and large pictures are sent, all at once."""
    noisy = film.make(bench.folder / f"noisy-{FPS}.y4m", NOISE_SIGMA, NOISY_PICTURES, fps=FPS)
    due = FRAMES_QUICK if bench.quick else FRAMES
    with Node(bench.subfolder("lost"), bench.broker_port, f"file:{noisy}", **SETTINGS) as node:
        node.fill(120)
        say(f"lost: {due / FPS:.0f} s of everything at once")
        work = Work(node, bench.broker_port)
        first = _newest(node)
        time.sleep(due / FPS)
        last = _newest(node)
        work.end()
    due = round((last.captured_s - first.captured_s) * FPS)
    arrived, dropped = last.number - first.number, last.dropped - first.dropped
    notes: dict[str, float | str] = {name: float(count) for name, count in work.done.items()}
    notes["largest picture, bytes"] = work.largest_bytes
    yield Result("lost", [arrived], [due], [max(0, due - arrived) + dropped], notes)


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest frame.

    Attributes:
        number: Of the frame; counts those that came to the node.
        captured_s: When it was captured, by the clock of this process.
        dropped: How many the node had to drop until then.
    """

    number: int
    captured_s: float
    dropped: int


def _newest(node: Node) -> Newest:
    """Return the newest frame, by the quickest of some answers: its age counts from somewhere within the round trip."""
    answers = []
    for _ in range(ASKED):
        took_ms, told = node.ask("night_level")
        at_s = time.monotonic() - took_ms / 2000
        answers.append((took_ms, int(told["frame"]), at_s - float(told["age_s"])))
    _, number, captured_s = min(answers)
    return Newest(number, captured_s, int(node.ask("health")[1]["frames_dropped"]))
