"""Faults of the disk of a whole node: full, read-only, hung, failed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.observed_node import ObservedNode, watched
from tests.support.bars import bar
from tests.support.broker import Mosquitto, wait_until
from tests.support.running_node import BASE

pytestmark = [pytest.mark.faults, pytest.mark.root]

# Said within 10 s and over within 30 s; the rest is for a machine that others use too.
NOTICED_S, HEALED_S, SLACK_S = 10.0, 30.0, 10.0


def fill(disk: Any) -> None:
    disk.fill()


def take_inodes(disk: Any) -> None:
    disk.inodes()


def turn_read_only(disk: Any) -> None:
    # The kernel refuses while a file is open for writing, and the node may be writing just now.
    wait_until(disk.ro, "a disk that is read-only", 30)


def die(disk: Any) -> None:
    disk.die()


def free(disk: Any) -> None:
    disk.free()


def turn_writable(disk: Any) -> None:
    disk.rw()


def replace(disk: Any) -> None:
    # A second mount of the same image while the first is in use would show the dead one again.
    wait_until(lambda: subprocess.run(["umount", disk.dir], check=False).returncode == 0, "the dead disk let go", 30)
    disk.mount()


def hold(node: ObservedNode, seconds: float) -> float:
    """Send requests while the block runs; return the slowest answer, in seconds."""
    slowest_s, end_s = 0.0, time.monotonic() + seconds
    while time.monotonic() < end_s:
        asked_s = time.monotonic()
        assert node.commands.ask("get", key="night.gain")["ok"]
        slowest_s = max(slowest_s, time.monotonic() - asked_s)
        time.sleep(0.2)
    return slowest_s


@pytest.mark.parametrize(
    ("harm", "heal", "code"),
    [
        pytest.param(fill, free, "no_space", id="full", marks=[pytest.mark.promise("S4", "B10"), pytest.mark.short]),
        pytest.param(take_inodes, free, "no_space", id="no inodes", marks=pytest.mark.promise("S5", "B10")),
        pytest.param(turn_read_only, turn_writable, "not_saved", id="read-only", marks=pytest.mark.promise("B10")),
        pytest.param(die, replace, "not_saved", id="dead", marks=pytest.mark.promise("S7", "B10")),
    ],
)
def test_a_disk_in_trouble_is_told_costs_neither_stream_nor_mqtt_and_heals(
    disk: Any,
    broker: Mosquitto,
    tmp_path: Path,
    figure: Callable[[str], None],
    harm: Callable[[Any], None],
    heal: Callable[[Any], None],
    code: str,
    long: bool,
) -> None:
    # A log file on the disk would keep it from turning read-only, as on a healthy card.
    logging = {} if harm is turn_read_only else {"file": f"{disk.dir}/log/node.log"}
    settings = {"export": {"base_dir": f"{disk.dir}/captures"}, "logging": {"level": "INFO", **logging}}
    held_s = 600.0 if long and harm is die else 5.0
    with watched(tmp_path, broker, **settings) as node, node.streaming() as stream:
        kept = node.commands.ask("save")
        assert kept["ok"], kept
        node.forget()
        harm(disk)
        noticed_s = node.wait_fault(code, NOTICED_S + SLACK_S)
        assert node.commands.ask("save")["code"] in ("no_space", "not_saved")
        slowest_s = hold(node, held_s)
        assert node.commands.ask("health")["data"]["storage"] == code
        heal(disk)
        healed_s = node.wait_fault("ok", HEALED_S)
        saved = node.commands.ask("save")
        assert saved["ok"], saved
        assert node.said_offline() == []
        assert not stream.ended
    assert Path(kept["data"]["path"]).exists()
    assert list(Path(disk.dir, "captures").glob(".*.part")) == []
    assert stream.longest_gap_s < bar(5)
    assert slowest_s < bar(5)
    assert "Traceback" not in node.node.log()
    figure(
        f"said after {noticed_s:.1f} s (at most {NOTICED_S:g}), over {healed_s:.1f} s after it ended (at most "
        f"{HEALED_S:g}); meanwhile {held_s:g} s with answers within {slowest_s:.2f} s and no pause of the stream over "
        f"{stream.longest_gap_s:.1f} s"
    )


@pytest.fixture
def freezing(disk: Any) -> Iterator[Callable[[bool], None]]:
    """Return a function that freezes the disk, so that writers wait in the kernel, or thaws it."""
    if shutil.which("fsfreeze") is None:
        pytest.skip("there is no fsfreeze")
    frozen = False

    def freeze(on: bool) -> None:
        nonlocal frozen
        if on != frozen:
            subprocess.run(["fsfreeze", "-f" if on else "-u", disk.dir], check=True, capture_output=True)
            frozen = on

    yield freeze
    freeze(False)


@pytest.mark.promise("S7", "B10")
def test_a_disk_that_hangs_while_a_picture_is_saved_is_told_and_the_picture_is_saved_when_it_answers(
    freezing: Callable[[bool], None], disk: Any, broker: Mosquitto, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    settings = {"export": {"base_dir": f"{disk.dir}/captures"}}
    with watched(tmp_path, broker, **settings) as node, node.streaming() as stream:
        assert node.commands.ask("save")["ok"]
        node.forget()
        freezing(True)
        try:
            node.commands.client.publish(f"{BASE}/cmd/save", json.dumps({"id": "frozen"}))
            noticed_s = node.wait_fault("not_saved", NOTICED_S + SLACK_S)
            slowest_s = hold(node, 5)
            health = node.commands.ask("health")["data"]
            assert (health["storage"], health["disk_free_mib"]) == ("not_saved", None)
            assert node.commands.finals("frozen") == []
        finally:  # a process that waits in the kernel cannot even be killed
            freezing(False)
        healed_s = node.wait_fault("ok", HEALED_S)
        wait_until(lambda: node.commands.finals("frozen"), "the picture that waited", 30)
        saved = node.commands.finals("frozen")[0]
        assert saved["ok"], saved
        assert node.said_offline() == []
        assert not stream.ended
    assert Path(saved["data"]["path"]).exists()
    assert stream.longest_gap_s < bar(5)
    assert slowest_s < bar(5)
    figure(
        f"a disk that hangs while a picture is saved: said after {noticed_s:.1f} s (at most {NOTICED_S:g}), over "
        f"{healed_s:.1f} s after it answered, and the picture was saved"
    )


@pytest.mark.promise("S6")
@pytest.mark.parametrize(
    ("harm", "said"),
    [
        pytest.param(turn_read_only, "Read-only", id="read-only"),
        # With the state on it, too: the database of events, and the last configuration that worked.
        pytest.param(die, "", id="dead"),
    ],
)
def test_settings_changed_on_a_disk_that_takes_nothing_are_in_force_and_said_not_to_be_written(
    disk: Any,
    broker: Mosquitto,
    tmp_path: Path,
    figure: Callable[[str], None],
    harm: Callable[[Any], None],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if harm is turn_read_only:  # which the kernel refuses while a database is open on it
        monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    settings = {"export": {"base_dir": f"{disk.dir}/captures"}}
    with watched(tmp_path, broker, **settings) as node:
        node.node.stop()
        config = Path(disk.dir, "node.yaml")
        config.write_bytes(node.node.config.read_bytes())
        os.sync()
        before = config.read_bytes()
        node.node.config = config
        node.commands.client.clear()
        node.node.start()
        node.commands.wait_online()
        harm(disk)
        with node.streaming() as stream:
            changed = node.commands.ask("set", key="night.gain", value=8)
            written = node.commands.ask("overwrite_config")
            assert changed["ok"]
            assert node.commands.ask("get", key="night.gain")["data"]["value"] == 8
            assert (written["code"], said in written["message"]) == ("not_saved", True), written
            hold(node, 5)
        assert node.node.stop()[0] == 0
        (turn_writable if harm is turn_read_only else replace)(disk)
        assert config.read_bytes() == before
        assert [path.name for path in Path(disk.dir).glob("*.bak")] == []
        node.commands.client.clear()
        node.node.start()
        wait_until(
            lambda: node.commands.client.latest("pi_cam_node/porch/config/night.gain") == b"6", "the old gain", 30
        )
        assert "Traceback" not in node.node.log()
    assert stream.longest_gap_s < bar(5)
    figure(f"overwrite_config answered {written['code']}: {written['message'].rpartition(': ')[2]}")
