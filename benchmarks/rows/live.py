"""Cost of a viewer of live video, compared with PyAV alone on the same pictures, and the time to the first segment."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks import h264
from benchmarks.bars import Result, ratios
from benchmarks.bench import Bench, say
from benchmarks.hls_viewer import GONE_S, HlsViewer

SETTLE_S = 4.0


def live(bench: Bench) -> Iterator[Result]:
    """Measure the CPU time per frame, and the time from the first request to the first segment."""
    if not h264.has_av():
        yield from (Result(bar, missing=h264.MISSING) for bar in ("live-cpu", "live-first"))
        return
    node, ours, beside, first_s = bench.node, [], [], []
    node.release()
    for number in range(bench.rounds):
        say(f"live: round {number + 1} of {bench.rounds}")
        without = node.cpu_ms_per_frame(bench.window_s)
        viewer = HlsViewer(node.port)
        first_s.append(viewer.start())
        time.sleep(SETTLE_S)
        ours.append(node.cpu_ms_per_frame(bench.window_s) - without)
        viewer.stop()
        beside.append(h264.bare_ms(bench.film))
        time.sleep(GONE_S)
    node.hold()
    yield ratios("live-cpu", ours, beside)
    yield Result("live-first", first_s, figures=first_s)
