"""Power cuts while a node records, or sends events to a hung broker; all files are on one ext4 disk."""

from __future__ import annotations

import json
import random
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.disks import fault_disk, is_let_go
from tests.faults.test_late_events import events, stored
from tests.support.broker import Mosquitto, free_port, wait_until
from tests.support.recording_node import Films, assert_each_once, numbers_of, side_car
from tests.support.running_node import CommandClient, RunningNode

pytest.importorskip("av", reason="the extra video is not installed")

pytestmark = [pytest.mark.faults, pytest.mark.root]

WAIT_S = 60.0
LOST_S = 2.5


def lost_by_a_cut(disk: Any, broker: Mosquitto, records_s: float) -> float | None:
    """Cut the power while a node records; return the seconds lost, ``None`` if the disk cannot be mounted again."""
    broker.restart()  # one that knows nothing of a node that was online
    folder = Path(disk.dir, "node")
    folder.mkdir()
    films = Films(folder, broker)
    subprocess.run(["sync", "-f", str(films.node.config)], check=True)
    with films.running() as commands:
        films.wait_for_pre_roll(commands)
        event = films.start_recording(commands)
        time.sleep(records_s)
        cut_s = time.monotonic()
        disk.cut()
        films.node.process.kill()
        films.node.process.wait(10)
    if not is_let_go(disk):
        return None
    disk.mount()
    with films.running() as commands:
        saved = films.wait_for(commands, "recording_saved")
        newest = commands.ask("events", limit=1)["data"]["events"][0]
    facts, numbers = side_car(saved["media"]), numbers_of(Path(saved["media"]["path"]))
    assert_each_once(numbers)
    assert (saved["repaired"], len(numbers)) == (True, facts["frames_count"])
    assert (newest["id"], newest["ended_by"], newest["recording_id"]) == (event["id"], "interrupted", facts["id"])
    assert list(films.captures.glob(".*.mp4.*")) == []
    return float(cut_s - facts["last_mono_s"])


@pytest.mark.promise("V10", "B1")
def test_a_power_cut_while_a_node_records_loses_little(
    broker: Mosquitto, full: bool, figure: Callable[[str], None]
) -> None:
    chance, lost_s = random.Random(5), []
    wanted = 20 if full else 2
    for _ in range(wanted):
        with fault_disk(size_mb=96) as disk:
            lost = lost_by_a_cut(disk, broker, chance.uniform(2.0, 5.0))
        if lost is not None:
            lost_s.append(lost)
    if not lost_s:
        pytest.skip("somebody else holds the dead file systems, so they cannot be mounted anew")
    assert max(lost_s) <= LOST_S
    figure(f"{len(lost_s)} cuts: {len(lost_s)} films play; at most {max(lost_s):.2f} s lost (at most {LOST_S:g})")


def late_after_a_cut(disk: Any, broker: Mosquitto) -> int | None:
    """Cut the power while events are under way to a broker that hangs; return how many came late.

    ``None`` where the disk cannot be mounted anew.
    """
    broker.restart()
    folder = Path(disk.dir, "node")
    folder.mkdir()
    database, captures = folder / "node.yaml.events.db", {"base_dir": str(folder / "captures")}
    port = free_port()
    sections: dict[str, Any] = {
        "export": {"auto_save_interval_s": 1, **captures},
        "mjpeg_server": {"enable": True, "port": port},
        "storage": {"min_free_bytes": 0},
    }
    with RunningNode(folder, broker.port, **sections) as node, broker.client() as client:
        CommandClient(client).wait_online(WAIT_S)
        wait_until(lambda: events(client), "a picture", WAIT_S)
        broker.freeze()
        waiting: list[str] = []

        def are_stored() -> bool:
            told = {body["id"] for body in events(client)}  # and acknowledged: dropped a moment later
            waiting[:] = [name for name in stored(database) if name not in told]
            return len(waiting) >= 2

        wait_until(are_stored, "events on the disk", WAIT_S)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/state", timeout=WAIT_S) as state:
            assert json.load(state)["broker"] is True, "they were stored before the broker was given up"
        disk.cut()
        node.process.kill()
        node.process.wait(10)
    broker.kill()
    broker.start()
    if not is_let_go(disk):
        return None
    disk.mount()
    quiet: dict[str, Any] = {**sections, "export": {"auto_save_interval_s": 0, **captures}}
    with broker.client() as client, RunningNode(folder, broker.port, **quiet):
        CommandClient(client).wait_online(WAIT_S)
        wait_until(lambda: set(waiting) <= {body["id"] for body in events(client)}, "the late events", WAIT_S)
        assert [body["id"] for body in events(client) if body["id"] in waiting] == waiting, "each once, in order"
        assert all(body["late"] is True for body in events(client))
        wait_until(lambda: stored(database) == [], "an empty outbox", WAIT_S)
    return len(waiting)


@pytest.mark.short
@pytest.mark.promise("M13", "B1")
def test_an_event_under_way_to_a_broker_that_hangs_survives_a_power_cut(
    broker: Mosquitto, full: bool, figure: Callable[[str], None]
) -> None:
    wanted, late = 10 if full else 1, list[int]()
    for _ in range(2 * wanted + 1):
        with fault_disk(size_mb=96) as disk:
            found = late_after_a_cut(disk, broker)
        late += [] if found is None else [found]
        if len(late) == wanted:
            break
    if not late:
        pytest.skip("somebody else holds the dead file systems, so they cannot be mounted anew")
    figure(f"{len(late)} cuts while {sum(late)} events were under way to a broker that hangs: all came, marked late")
