"""Films: the node is killed while it records, the encoder and the camera hang and die, the disk fills up."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.broker import Mosquitto, wait_until
from tests.support.recording_node import (
    Films,
    assert_each_once,
    numbers_of,
    side_car,
)

pytest.importorskip("av", reason="the extra video is not installed")

pytestmark = pytest.mark.faults


@pytest.mark.short
@pytest.mark.promise("V1")
def test_a_node_that_is_killed_while_it_records_loses_little(
    broker: Mosquitto, tmp_path: Path, full: bool, figure: Callable[[str], None]
) -> None:
    chance, lost_s = random.Random(7), []
    films = Films(tmp_path, broker)
    for _ in range(100 if full else 5):
        shutil.rmtree(films.captures, ignore_errors=True)
        with films.running() as commands:
            films.wait_for_pre_roll(commands)
            event = films.start_recording(commands)
            time.sleep(chance.uniform(1.5, 4.0))
            killed_s = time.monotonic()
            films.node.process.kill()
            films.node.process.wait(10)
        with films.running() as commands:
            saved = films.wait_for(commands, "recording_saved")
            newest = commands.ask("events", limit=1)["data"]["events"][0]
        assert saved["repaired"] is True
        facts, numbers = side_car(saved["media"]), numbers_of(Path(saved["media"]["path"]))
        assert_each_once(numbers)
        assert len(numbers) == facts["frames_count"]
        lost_s.append(killed_s - facts["last_mono_s"])
        assert list(films.captures.glob(".*.mp4.*")) == []
        assert (newest["id"], newest["ended_by"], newest["recording_id"]) == (event["id"], "interrupted", facts["id"])
        assert newest["ended_at"] == facts["last_at"]
        assert (saved["id"], saved["ended_by"], saved["kind"]) == (event["id"], "interrupted", "record")
    assert max(lost_s) <= 1.5
    figure(f"{len(lost_s)} kills: {len(lost_s)} films play; at most {max(lost_s):.2f} s lost (at most 1.5)")


@pytest.mark.promise("V3")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_an_encoder_that_dies_or_hangs_is_replaced_and_nothing_is_missing(
    broker: Mosquitto, tmp_path: Path, how: signal.Signals
) -> None:
    films = Films(tmp_path, broker)
    with films.running() as commands:
        films.wait_for_pre_roll(commands)
        films.start_recording(commands)
        time.sleep(2)
        encoder = films.node.child("encoder.child_main")
        assert encoder is not None
        encoder.send_signal(how)
        began_s = time.monotonic()

        def is_replaced() -> bool:
            other = films.node.child("encoder.child_main")
            return other is not None and other.pid != encoder.pid

        wait_until(is_replaced, "another encoder", 30)
        time.sleep(2)  # for pictures of its own
        lasted_s = time.monotonic() - began_s
        saved = films.stop_recording(commands)
        assert not encoder.is_running()
    assert saved["seconds"] >= 2 + lasted_s, "the film goes on past the loss"
    assert_each_once(numbers_of(Path(saved["media"]["path"])))


@pytest.mark.promise("V4")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_camera_that_is_lost_ends_the_film_and_the_next_one_is_whole(
    broker: Mosquitto, tmp_path: Path, how: signal.Signals
) -> None:
    films = Films(tmp_path, broker)
    with films.running() as commands:
        films.start_recording(commands)
        time.sleep(2)
        camera = films.node.child("camera.worker.child_main")
        assert camera is not None
        camera.send_signal(how)
        first = films.wait_for(commands, "recording_saved")
        commands.wait_online()
        wait_until(lambda: commands.ask("record", seconds=2)["ok"], "a camera that delivers", 30)
        second = films.wait_for(commands, "recording_saved", 2)
    assert_each_once(numbers_of(Path(first["media"]["path"])))
    numbers = numbers_of(Path(second["media"]["path"]))
    new = numbers.index(1)  # its pre-roll may show what the camera saw before it was lost
    assert_each_once(numbers[new:])
    assert first["reason"] == "camera_lost"


@pytest.mark.promise("V5")
def test_privacy_ends_the_film_at_once_and_nothing_goes_on(broker: Mosquitto, tmp_path: Path) -> None:
    films = Films(tmp_path, broker)
    with films.running() as commands:
        films.start_recording(commands)
        time.sleep(2)
        assert commands.ask("privacy", enable="on")["ok"]
        assert list(films.captures.glob(".*.mp4.rec")) == []
        wait_until(lambda: films.node.child("encoder.child_main") is None, "the end of the encoder", 3)
        saved = films.wait_for(commands, "recording_saved")
        assert (saved["reason"], commands.state("recording")) == ("privacy", "OFF")
        sizes = {path: path.stat().st_size for path in films.captures.iterdir()}
        assert commands.ask("record", state="on")["code"] == "privacy_on"
        assert commands.ask("clip", before_s=2)["code"] == "privacy_on"
        time.sleep(2)
        assert {path: path.stat().st_size for path in films.captures.iterdir()} == sizes
    assert_each_once(numbers_of(Path(saved["media"]["path"])))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 8 MB."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], check=False)
    if done.returncode:
        pytest.skip("no tmpfs can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.root
@pytest.mark.promise("V6")
def test_a_full_disk_ends_the_film_in_words_and_recording_goes_on_when_there_is_room(
    broker: Mosquitto, tmp_path: Path, small_disk: Path
) -> None:
    films = Films(tmp_path, broker, small_disk / "captures", recording={"quality": 100})
    ballast = small_disk / "ballast"
    with films.running() as commands:
        films.start_recording(commands)
        time.sleep(1)
        ballast.write_bytes(b"\0" * (shutil.disk_usage(small_disk).free - 300_000))
        failed = films.wait_for(commands, "recording_failed")
        assert failed["code"] == "no_space"
        first = films.wait_for(commands, "recording_saved")
        assert first["reason"] == "no_space"
        assert commands.ask("health")["ok"]
        ballast.unlink()
        films.wait_for(commands, "recording_started", 2)
        time.sleep(2)
        second = films.stop_recording(commands, 2)
        for saved in (first, second):
            assert_each_once(numbers_of(Path(saved["media"]["path"])))
