"""Times of a film while the wall clock jumps, and while disk or camera stall for two seconds."""

from __future__ import annotations

import itertools
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.disks import fault_disk
from tests.support.broker import Mosquitto
from tests.support.recording_node import Films, assert_each_once, pictures_of, side_car
from tests.support.running_node import CommandClient

pytest.importorskip("av", reason="the extra video is not installed")

pytestmark = pytest.mark.faults

DAY_S = 86_400
STALL_S = 2.0


@pytest.mark.promise("T4")
def test_steps_of_the_clock_cut_no_film_and_move_no_picture(
    clock: Any, broker: Mosquitto, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    films, steps = Films(tmp_path, broker, environment=clock.env), (40, -40, 0)
    with films.running() as commands:
        films.wait_for_pre_roll(commands)
        began_s = time.monotonic()
        event = films.start_recording(commands)
        for days in steps:
            time.sleep(2)
            clock.set(days * DAY_S)
        time.sleep(2)
        commands.ask("record", state="off")
        took_s = time.monotonic() - began_s
        saved = films.wait_for(commands, "recording_saved")
        names = [row["id"] for row in commands.ask("events")["data"]["events"]]
    pictures = pictures_of(Path(saved["media"]["path"]))
    assert_each_once([number for _, number in pictures])
    seconds = [second for second, _ in pictures]
    longest_s = max(b - a for a, b in itertools.pairwise(seconds))
    assert len(films.messages(commands, "recording_saved")) == 1, "one film"
    assert names == [event["id"]]
    assert abs(took_s - (saved["seconds"] - saved["pre_roll_s"])) < 30
    assert longest_s < 1.0
    figure(
        f"{len(steps)} steps of up to 40 days: one film, {len(pictures)} pictures, each once, {longest_s:.2f} s apart "
        "at most"
    )


def record_through(
    stall: Callable[[], object], films: Films, commands: CommandClient
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Record a film during a stall, and one after it; return the messages of both."""
    films.wait_for_pre_roll(commands)
    films.start_recording(commands)
    time.sleep(1.5)
    stall()
    time.sleep(1.5)
    first = films.stop_recording(commands)
    films.start_recording(commands, 2)
    time.sleep(2)
    second = films.stop_recording(commands, 2)
    assert films.zombies() == []
    return first, second


@pytest.mark.root
@pytest.mark.promise("V12")
def test_a_disk_that_stands_still_for_two_seconds_costs_no_picture(
    broker: Mosquitto, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    if shutil.which("fsfreeze") is None:
        pytest.skip("fsfreeze is not installed")
    with fault_disk(size_mb=96) as disk:
        films = Films(tmp_path, broker, Path(disk.dir, "captures"))

        def freeze() -> None:
            subprocess.run(["fsfreeze", "-f", disk.dir], check=True)
            try:
                time.sleep(STALL_S)
                assert commands.ask("health")["ok"]
            finally:
                subprocess.run(["fsfreeze", "-u", disk.dir], check=True)

        with films.running() as commands:
            both = record_through(freeze, films, commands)
        numbers = []
        for saved in both:
            pictures = pictures_of(Path(saved["media"]["path"]))
            assert_each_once([number for _, number in pictures])
            assert side_car(saved["media"])["gap_s"] == 0
            numbers.append(len(pictures))
    figure(f"{STALL_S:g} s without a disk: films of {numbers[0]} and {numbers[1]} pictures, each once, no gap")


@pytest.mark.promise("V4")
def test_a_camera_process_that_stands_still_for_two_seconds_costs_those_alone(
    broker: Mosquitto, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    films = Films(tmp_path, broker)

    def stop_camera() -> None:
        camera = films.node.child("camera.worker.child_main")
        assert camera is not None
        camera.send_signal(signal.SIGSTOP)
        time.sleep(STALL_S)
        camera.send_signal(signal.SIGCONT)

    with films.running() as commands:
        both = record_through(stop_camera, films, commands)
    pauses = []
    for saved in both:
        pictures = pictures_of(Path(saved["media"]["path"]))
        assert_each_once([number for _, number in pictures])
        seconds = [second for second, _ in pictures]
        pauses.append(max(b - a for a, b in itertools.pairwise(seconds)))
    assert pauses[0] >= STALL_S - 0.5, "the film shows the pause as it was"
    figure(f"{STALL_S:g} s of SIGSTOP: the film shows a pause of {pauses[0]:.1f} s, the next one {pauses[1]:.1f} s")
