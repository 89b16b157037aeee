"""Cost of a stream viewer for the web server, without a node, compared with a selector loop."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from statistics import median

from benchmarks import accounting, film
from benchmarks.bars import Result, ratios
from benchmarks.bench import Bench, say
from benchmarks.program import SETTLE_S, Program
from benchmarks.readers import Readers
from tests.support.broker import free_port

VIEWERS, STALLED, PICTURE_BYTES = 64, 1, 100_000
PART = b"--frame\r\n"


def fanout(bench: Bench) -> Iterator[Result]:
    """Measure the CPU time per viewer and picture, including the publishing of pictures."""
    ours, beside, slowest = [], [], []
    for number in range(bench.rounds):
        say(f"fanout: round {number + 1} of {bench.rounds}")
        cost, fps = _cost_us("benchmarks.streamed", bench.window_s)
        ours.append(cost)
        slowest.append(fps)
        beside.append(_cost_us("benchmarks.loop", bench.window_s)[0])
    yield ratios("fanout", ours, beside, **{"pictures a second of the slowest viewer": median(slowest)})


def _cost_us(module: str, seconds: float) -> tuple[float, float]:
    """Return the cost in µs, and the pictures per second of the slowest viewer."""
    port = free_port()
    with Program([sys.executable, "-m", module, str(port), str(film.FPS), str(PICTURE_BYTES)]) as server:
        readers = Readers(port, VIEWERS, part=PART, stalled=STALLED)
        readers.read(SETTLE_S)
        at_s, before_s = time.monotonic(), accounting.cpu_s(server.pid)
        taken = readers.read(seconds)
        spent_s, took_s = accounting.cpu_s(server.pid) - before_s, time.monotonic() - at_s
        readers.close()
    return spent_s / sum(taken.values()) * 1e6, min(taken.values()) / took_s
