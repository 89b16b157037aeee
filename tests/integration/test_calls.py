"""Number of function calls in a running node, per frame and while idle."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import calls
from tests.support.broker import find_mosquitto

FRAME_CALLS_MAX = 50
IDLE_S = 11.0


@pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")
def test_a_frame_costs_few_calls_and_an_idle_node_only_does_what_is_due(tmp_path: Path) -> None:
    counts = calls.measure(tmp_path, IDLE_S)
    assert counts.usual("turn: Frame").calls <= FRAME_CALLS_MAX
    # Each five seconds the disk is looked at, which is a job and its end, and the watchdog's thread is looked after.
    looks = IDLE_S // 5 + 1
    turns = [trip for trip in counts.idle if trip.name == "turn: nothing came"]
    assert len(turns) <= 2 * looks
    assert len(counts.idle) <= 4 * looks + 2
