"""Frames lost under maximum load."""

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

# Noise with which a JPEG of quality 100 has about a megabyte.
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
    """Sends commands without a pause, each kind on a separate thread and connection.

    Attributes:
        done: Number of replies by kind and code.
        largest_bytes: Size of the largest JPEG.
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
    """Count lost frames while saving PNGs, stacking 64 frames and saving large JPEGs at the same time."""
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
        number: Number of the frame; counts frames received by the node.
        captured_s: Capture time by the monotonic clock of this process.
        dropped: Number of frames dropped until then.
    """

    number: int
    captured_s: float
    dropped: int


def _newest(node: Node) -> Newest:
    """Return the newest frame by the fastest of several requests, as its age refers to a time in the round trip."""
    answers = []
    for _ in range(ASKED):
        took_ms, told = node.ask("night_level")
        at_s = time.monotonic() - took_ms / 2000
        answers.append((took_ms, int(told["frame"]), at_s - float(told["age_s"])))
    _, number, captured_s = min(answers)
    return Newest(number, captured_s, int(node.ask("health")[1]["frames_dropped"]))
