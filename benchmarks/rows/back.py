"""Time until the retained state of all nodes is complete after the broker was restarted without its data."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from benchmarks import reconnect
from benchmarks.bars import Result
from benchmarks.bench import Bench, say

NODES = (1, 10, 50)
# Number of rounds, each as long as a session must last to count as stable; the figure is the worst node of all rounds.
ROUNDS = 2


def back(bench: Bench) -> Iterator[Result]:
    """Restart the broker with 1, 10 and 50 nodes."""
    log = logging.getLogger("pi_cam_node")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        for count in NODES:
            say(f"broker back: {count} nodes")
            (found,) = reconnect.measure((count,), min(ROUNDS, bench.rounds))
            notes: dict[str, float | str] = {
                "median of the nodes, s": found.median_s,
                "all connected after the broker's return, s": found.back_s,
                "most connects in a second": float(found.most_in_1_s),
                "retained topics of each": float(found.topics),
            }
            yield Result(f"back-{count}", [found.worst_s], (), [found.worst_s], notes)
    finally:
        log.setLevel(before)
