"""The node is stopped at any moment of its run."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pi_cam_node.storage.pictures.listing import list_pictures
from tests.support.bars import bar
from tests.support.broker import Mosquitto, wait_until
from tests.support.running_node import BASE, RunningNode

pytestmark = [pytest.mark.faults, pytest.mark.promise("C12")]

STOPPED_S, SLACK_S = 5.0, 5.0


@pytest.mark.short
def test_a_stop_at_any_moment_is_clean_and_in_time(
    broker: Mosquitto, tmp_path: Path, long: bool, figure: Callable[[str], None]
) -> None:
    chance, rounds, took_s = random.Random(3), 100 if long else 4, []
    settings: Any = {"export": {"auto_save_interval_s": 0.5, "formats": ["jpg", "png"]}}
    with RunningNode(tmp_path, broker.port, **settings) as node, broker.client() as client:
        client.subscribe(f"{BASE}/#")
        captures = tmp_path / "captures"
        wait_until(lambda: list(captures.glob("*.jpg")), "a picture, so that stops come while pictures are saved")
        for _ in range(rounds):
            begun = len(node.log())
            time.sleep(chance.uniform(0.0, 4.0))
            code, stopped_s = node.stop()
            log = node.log()[begun:]
            took_s.append(stopped_s)
            # Before the program runs, signals have their default action.
            assert code == 0 or (code == -15 and "starts, version" not in log), (code, log)
            if client.latest(f"{BASE}/availability") is not None:
                assert client.latest(f"{BASE}/availability") == b"offline"
            assert "Traceback" not in log
            node.start()
    assert list(captures.glob(".*.part")) == []
    pictures = list_pictures(captures)
    assert pictures
    assert all("json" in each.extensions and len(each.extensions) == 3 for each in pictures)
    assert max(took_s) < bar(STOPPED_S + SLACK_S)
    figure(f"{rounds} stops: {max(took_s):.1f} s at most (at most {STOPPED_S:g}); every picture whole, offline said")
