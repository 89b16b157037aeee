"""Films: the node is killed while it records, the encoder and the camera hang and die, the disk fills up."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tests.support.broker import Mosquitto, wait_until
from tests.support.running_node import BASE, CommandClient, RunningNode

av: Any = pytest.importorskip("av", reason="the extra video is not installed")

pytestmark = pytest.mark.faults

FPS, PRE_S, POST_S = 10, 2.0, 1.0
FILM_S = 60.0


class Films:
    """A node that records, and its films."""

    def __init__(self, folder: Path, broker: Mosquitto, captures: Path | None = None, **sections: Any) -> None:
        self.captures = captures or folder / "captures"
        self._broker = broker
        told: dict[str, Any] = {
            "camera": {"framerate": FPS},
            "export": {"base_dir": str(self.captures)},
            "recording": {"mode": "motion", "pre_roll_s": PRE_S, "post_roll_s": POST_S},
            "storage": {"min_free_bytes": 0},
        }
        for name, values in sections.items():
            told[name] = {**told.get(name, {}), **values}
        self.node = RunningNode(folder, broker.port, **told)

    @contextmanager
    def running(self) -> Iterator[CommandClient]:
        """Start the node; kill it in the end, where it still runs."""
        with self.node as node, self._broker.client() as client:
            commands = CommandClient(client)
            commands.wait_online()
            yield commands
            if node.running:
                node.stop()

    def wait_for_pre_roll(self, commands: CommandClient) -> None:
        """Wait until the ring holds a whole pre-roll of pictures that came after the node had started."""
        wait_until(
            lambda: commands.ask("health")["data"]["ring_seconds"] > PRE_S + 1,
            "a ring longer than the pre-roll",
            FILM_S,
        )

    def messages(self, commands: CommandClient, kind: str) -> list[dict[str, Any]]:
        received = list(commands.client.received)
        return [json.loads(m.payload) for m in received if m.topic == f"{BASE}/event/{kind}"]

    def wait_for(self, commands: CommandClient, kind: str, count: int = 1) -> dict[str, Any]:
        """Wait for so many events of a kind; return the last one."""
        wait_until(lambda: len(self.messages(commands, kind)) >= count, f"{count} {kind}", FILM_S)
        return self.messages(commands, kind)[count - 1]

    def process(self, module: str) -> psutil.Process | None:
        """Return the node's child that runs a module."""
        for child in psutil.Process(self.node.process.pid).children():
            with suppress(psutil.NoSuchProcess):  # it ended meanwhile
                if module in " ".join(child.cmdline()):
                    return child
        return None


def numbers_of(path: Path) -> list[int]:
    """Return the frame numbers that the synthetic camera burnt into a film; decodes all of it."""
    from pi_cam_node.camera.sources.synthetic.scene import number_of  # noqa: PLC0415 - needs OpenCV

    found = []
    with av.open(str(path), format="mp4") as container:
        for frame in container.decode(video=0):
            luma = np.frombuffer(bytes(frame.planes[0]), np.uint8).reshape(frame.height, frame.planes[0].line_size)
            found.append(number_of(luma[:, : frame.width]))
    return found


def side_car(media: dict[str, Any]) -> dict[str, Any]:
    return json.loads(Path(media["path"]).with_suffix(".json").read_text())  # type: ignore[no-any-return]


def assert_each_once(numbers: list[int]) -> None:
    assert numbers == list(range(numbers[0], numbers[-1] + 1)), "each picture once, in order"


@pytest.mark.short
@pytest.mark.promise("V1")
def test_a_node_that_is_killed_while_it_records_loses_little(
    broker: Mosquitto, tmp_path: Path, long: bool, figure: Callable[[str], None]
) -> None:
    chance, lost_s = random.Random(7), []
    films = Films(tmp_path, broker)
    for _ in range(100 if long else 5):
        shutil.rmtree(films.captures, ignore_errors=True)
        with films.running() as commands:
            films.wait_for_pre_roll(commands)
            commands.ask("record", state="on")
            films.wait_for(commands, "recording_started")
            time.sleep(chance.uniform(1.5, 4.0))
            killed_s = time.monotonic()
            films.node.process.kill()
            films.node.process.wait(10)
        with films.running() as commands:
            saved = films.wait_for(commands, "recording_saved")
        assert saved["repaired"] is True
        facts, numbers = side_car(saved["media"]), numbers_of(Path(saved["media"]["path"]))
        assert_each_once(numbers)
        assert len(numbers) == facts["frames_count"]
        lost_s.append(killed_s - facts["last_mono_s"])
        assert list(films.captures.glob(".*.mp4.*")) == []
    assert max(lost_s) <= 1.5
    figure(f"{len(lost_s)} kills: {len(lost_s)} films play; at most {max(lost_s):.2f} s lost")


@pytest.mark.short
@pytest.mark.promise("V2")
def test_every_trigger_has_its_whole_span_and_every_picture_once(
    broker: Mosquitto, tmp_path: Path, long: bool, figure: Callable[[str], None]
) -> None:
    chance, rounds = random.Random(11), 200 if long else 10
    films, spans = Films(tmp_path, broker), []
    with films.running() as commands:
        films.wait_for_pre_roll(commands)
        for number in range(1, rounds + 1):
            reply = commands.ask("trigger", name="door", seconds=0.5)
            saved = films.wait_for(commands, "recording_saved", number)
            spans.append((reply, saved))
            time.sleep(chance.uniform(0.0, 2.0))
    for reply, saved in spans:
        assert saved["id"] == reply["data"]["id"]
        assert saved["pre_roll_s"] >= PRE_S - 0.01
        assert saved["seconds"] >= saved["pre_roll_s"] + 0.5 + POST_S - 1 / FPS
        assert saved["gap_s"] == 0
        assert_each_once(numbers_of(Path(saved["media"]["path"])))
    shortest = min(saved["pre_roll_s"] for _, saved in spans)
    figure(f"{rounds} triggers: every picture once; {shortest:.2f} s of {PRE_S:g} s pre-roll at least")


@pytest.mark.promise("V3")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_an_encoder_that_dies_or_hangs_is_replaced_and_nothing_is_missing(
    broker: Mosquitto, tmp_path: Path, how: signal.Signals
) -> None:
    films = Films(tmp_path, broker)
    with films.running() as commands:
        films.wait_for_pre_roll(commands)
        commands.ask("record", state="on")
        films.wait_for(commands, "recording_started")
        time.sleep(2)
        encoder = films.process("encoder.child_main")
        assert encoder is not None
        encoder.send_signal(how)
        time.sleep(9)
        commands.ask("record", state="off")
        saved = films.wait_for(commands, "recording_saved")
        assert not encoder.is_running()
    assert saved["seconds"] >= 10
    assert_each_once(numbers_of(Path(saved["media"]["path"])))


@pytest.mark.promise("V4")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_camera_that_is_lost_ends_the_film_and_the_next_one_is_whole(
    broker: Mosquitto, tmp_path: Path, how: signal.Signals
) -> None:
    films = Films(tmp_path, broker)
    with films.running() as commands:
        commands.ask("record", state="on")
        films.wait_for(commands, "recording_started")
        time.sleep(2)
        camera = films.process("camera.worker.child_main")
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
        commands.ask("record", state="on")
        films.wait_for(commands, "recording_started")
        time.sleep(2)
        assert commands.ask("privacy", enable="on")["ok"]
        assert list(films.captures.glob(".*.mp4.rec")) == []
        wait_until(lambda: films.process("encoder.child_main") is None, "the end of the encoder", 3)
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
        commands.ask("record", state="on")
        films.wait_for(commands, "recording_started")
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
        commands.ask("record", state="off")
        second = films.wait_for(commands, "recording_saved", 2)
        for saved in (first, second):
            assert_each_once(numbers_of(Path(saved["media"]["path"])))
