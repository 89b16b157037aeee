"""Jumps of the wall clock by decades while a node runs; the monotonic clock is not affected."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.faults import fault_tools
from tests.faults.observed_node import ObservedNode, watched
from tests.support.bars import bar
from tests.support.broker import Mosquitto, wait_until
from tests.support.running_node import BASE

pytestmark = pytest.mark.faults

INTERVAL_S = 1.0
DAY_S = 86_400


def saved_since(node: ObservedNode, began_s: float) -> list[float]:
    """Return when pictures were saved by interval since a moment, in monotonic seconds."""
    events = node.commands.client.on(f"{BASE}/event/picture_saved")
    return [m.mono_s for m in events if m.mono_s >= began_s and json.loads(m.payload)["cause"] == "interval"]


def pictures(folder: Path) -> set[str]:
    return {path.name for path in (folder / "captures").glob("*.jpg")}


@pytest.mark.promise("T1")
def test_jumps_of_the_clock_cost_no_picture_and_no_false_alarm(
    clock: Any, broker: Mosquitto, tmp_path: Path, long: bool, figure: Callable[[str], None]
) -> None:
    held_s = 30.0 if long else 6.0
    settings = {
        "export": {"auto_save_interval_s": INTERVAL_S},
        "telemetry": {"interval_s": 1},
        "storage": {"min_free_bytes": 0, "max_age_days": 1},
    }
    with watched(tmp_path, broker, environment=clock.env, **settings) as node, node.streaming() as stream:
        wait_until(lambda: saved_since(node, 0), "the first picture", 20)
        node.forget()
        began_s = time.monotonic()
        jumps = fault_tools.load("clock").JUMPS
        before: set[str] = set()
        for name, offset_of in [*jumps.items(), ("back to now", lambda: 0)]:
            clock.set(offset_of())
            jumped_s = time.monotonic()
            wanted = held_s / INTERVAL_S / 2
            what = f"a picture every {INTERVAL_S:g} s after: {name}"
            wait_until(lambda at=jumped_s, n=wanted: len(saved_since(node, at)) >= n, what, 4 * held_s)  # type: ignore[misc]
            time.sleep(max(0.0, jumped_s + held_s - time.monotonic()))
            frames = node.commands.ask("pastStack", at=1)["data"]["frames"]
            assert frames == sorted(frames)
            assert before <= pictures(tmp_path), "a picture went by age on a clock that jumped"
            before = pictures(tmp_path)
        times = saved_since(node, began_s)
        longest_s = max(b - a for a, b in itertools.pairwise(times))
        telemetry = json.loads(node.commands.client.latest(f"{BASE}/telemetry") or b"{}")
        assert node.said_offline() == []
        assert node.commands.state("last_error") == "ok"
        assert isinstance(telemetry["clock_set"], bool)
    assert not stream.ended
    assert stream.longest_gap_s < bar(5)
    assert longest_s < 5 * INTERVAL_S
    assert any(name.startswith("1970") for name in before)
    figure(
        f"{len(jumps)} jumps: {len(times)} pictures in {times[-1] - times[0]:.0f} s, one each {INTERVAL_S:g} s, the "
        f"longest pause {longest_s:.1f} s; no false alarm"
    )


@pytest.mark.promise("T2")
def test_weeks_back_and_forth_again_remove_no_picture_early(
    clock: Any, broker: Mosquitto, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    settings = {"storage": {"min_free_bytes": 0, "max_age_days": 20}, "ring": {"max_seconds": 4}}
    with watched(tmp_path, broker, environment=clock.env, **settings) as node:
        assert all(node.commands.ask("save")["ok"] for _ in range(3))
        first = pictures(tmp_path)
        node.node.stop()
        clock.set(-40 * DAY_S)
        node.commands.client.clear()
        node.node.start()
        node.commands.wait_online()
        assert node.commands.ask("save")["ok"]
        wait_until(lambda: float(node.commands.state("ring_seconds") or 0) > 3, "a full ring", 30)
        span_s = ring_span_s(node)
        clock.set(0)
        assert node.commands.ask("save")["ok"]
        # Whoever changes a limit lets the folder be looked through at once.
        assert node.commands.ask("set", key="storage.max_bytes", value=1 << 30)["ok"]
        assert node.commands.ask("pastStack", at=2)["ok"]
        back_s = ring_span_s(node)
    assert first <= pictures(tmp_path)
    assert len(pictures(tmp_path)) >= len(first) + 2
    assert 2 <= span_s <= 5
    assert 2 <= back_s <= 5
    figure(
        f"0 of {len(first) + 3} pictures went; the ring of 4 s spanned {span_s:.1f} s before and {back_s:.1f} s after"
    )


def ring_span_s(node: ObservedNode) -> float:
    return float(node.commands.ask("health")["data"]["ring_seconds"])


@pytest.mark.promise("T3")
@pytest.mark.parametrize(
    "moment",
    [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2038, 1, 19, 3, 14, 4, tzinfo=UTC)],
    ids=["the hour that repeats", "2038"],
)
def test_names_are_utc_and_never_repeat(
    clock: Any, broker: Mosquitto, tmp_path: Path, moment: datetime, figure: Callable[[str], None]
) -> None:
    ids: list[str] = []
    environment = {**clock.env, "TZ": "Europe/Berlin"}
    with watched(tmp_path, broker, environment=environment) as node:
        # The local hour repeats an hour later; and somebody sets the clock back to the same second again.
        for epoch_s in (moment.timestamp(), moment.timestamp() + 3600, moment.timestamp()):
            clock.at(epoch_s)
            time.sleep(0.5)
            for _ in range(6):
                reply = node.commands.ask("save")
                assert reply["ok"], reply
                ids.append(reply["data"]["id"])
                assert abs(datetime.fromisoformat(reply["data"]["first_at"]).timestamp() - epoch_s) < 60
                time.sleep(0.5)
    assert len(set(ids)) == len(ids) == len(pictures(tmp_path))
    assert all(name.startswith(f"{moment:%Y%m%d}T") for name in ids)
    assert all("Z-" in name for name in ids)
    figure(f"{len(ids)} pictures, three times around {moment:%Y-%m-%d %H:%M} UTC: no name twice")
