"""Live video in a real browser: time to the first picture, delay, and behaviour without a camera."""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.bars import bar
from tests.support.broker import Mosquitto, free_port, wait_until
from tests.support.chromium import Tab, find_chromium
from tests.support.node_page import looking, run
from tests.support.recording_node import number_in, pictures_of
from tests.support.running_node import BASE, CommandClient, RunningNode

pytest.importorskip("av", reason="the extra video is not installed")

pytestmark = [
    pytest.mark.faults,
    pytest.mark.promise("V13"),
    pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed"),
]

FPS = 10
SCRIPT = Path(__file__).parents[1] / "support" / "live_player.js"
FIRST_S, BEHIND_S, PDT_S, AGAIN_S, GONE_S = 1.0, 3.5, 0.15, 5.0, 20.0
SAMPLES, WAIT_S = 15 * FPS, 60.0


@dataclass
class Watched:
    """A node with a synthetic camera."""

    node: RunningNode
    commands: CommandClient
    url: str

    def newest(self) -> int:
        """Return the number of a picture that is taken now."""
        return number_in(Path(self.commands.ask("save", formats=["jpg"])["data"]["path"]))

    def times(self) -> dict[int, float]:
        """Return the UTC, in seconds, of each picture that the ring holds by its number: from a clip of all of it."""
        held_s = self.commands.ask("health")["data"]["ring_seconds"]
        clip = self.commands.ask("clip", WAIT_S, before_s=held_s - 0.5)["data"]
        began_s = datetime.fromisoformat(clip["began_at"]).timestamp()
        return {number: began_s + second for second, number in pictures_of(Path(clip["path"]))}

    def encoder(self) -> psutil.Process | None:
        for child in psutil.Process(self.node.process.pid).children():
            with suppress(psutil.NoSuchProcess):  # it ended meanwhile
                if "encoder.child_main" in " ".join(child.cmdline()):
                    return child
        return None


@pytest.fixture
def watched(broker: Mosquitto, tmp_path: Path) -> Iterator[Watched]:
    with _running(broker, tmp_path) as found:
        yield found


@contextmanager
def _running(broker: Mosquitto, folder: Path) -> Iterator[Watched]:
    port = free_port()
    sections: dict[str, Any] = {
        "camera": {"framerate": FPS, "width": 640, "height": 480},
        "mjpeg_server": {"enable": True, "port": port},
        "ring": {"size": 60 * FPS},
        "storage": {"min_free_bytes": 0},
    }
    with RunningNode(folder, broker.port, **sections) as node, broker.client() as client:
        commands = CommandClient(client)
        commands.wait_online()
        wait_until(lambda: commands.ask("health")["data"]["ring_seconds"] > 5, "a ring of five seconds", WAIT_S)
        yield Watched(node, commands, f"http://127.0.0.1:{port}")
        node.stop()


async def seen(tab: Tab, count: int) -> dict[str, Any]:
    """Wait for so many pictures on the screen; return what was noted."""
    await tab.until(f"live.seen().shown.length >= {count}", f"{count} pictures")
    return dict(await tab.value("live.seen()"))


@pytest.mark.parametrize("is_native", [False, True], ids=["hls.js", "native"])
def test_video_begins_at_once_and_is_a_few_seconds_behind(
    watched: Watched, tmp_path: Path, is_native: bool, figure: Callable[[str], None]
) -> None:
    told: dict[str, Any] = {}
    taken_at: dict[int, float] = {}

    async def story() -> None:
        async with looking(watched.url, tmp_path) as tab:
            await tab.value(SCRIPT.read_text(encoding="utf-8"))
            assert watched.encoder() is None, "nothing runs before somebody looks"
            await tab.value(f"live.begin({str(is_native).lower()})")
            told.update(await seen(tab, 1))
            await tab.value("live.forget()")
            more = await seen(tab, SAMPLES)
            told.update(samples=more["shown"], times=more["told"])
            taken_at.update(await asyncio.to_thread(watched.times))
            await tab.value("live.end()")

    run(story)
    ended_s = time.monotonic()
    wait_until(lambda: watched.encoder() is None, "the encoder's end", WAIT_S)
    gone_s = time.monotonic() - ended_s
    first_s = (told["shown"][0][0] - told["beganMs"]) / 1000
    behind = [at / 1000 - taken_at[number] for at, number in told["samples"]]
    errors = [at / 1000 - taken_at[number] for at, number in told["times"] if number in taken_at]
    assert first_s <= bar(FIRST_S)
    assert statistics.median(behind) <= bar(BEHIND_S)
    assert is_native or abs(statistics.median(errors)) <= bar(PDT_S)
    assert gone_s <= bar(GONE_S)
    behind_s, player = statistics.median(behind), "the native player" if is_native else "hls.js"
    off_ms = "" if is_native else f", {1000 * statistics.median(errors):+.0f} ms off by its time"
    figure(
        f"{player}: first picture after {first_s:.2f} s (at most {bar(FIRST_S):g}), {behind_s:.2f} s behind (at most "
        f"{bar(BEHIND_S):g}){off_ms}; the encoder gone {gone_s:.0f} s after the viewer (at most {bar(GONE_S):g})"
    )


def test_the_page_goes_on_by_itself_when_the_camera_is_back(
    watched: Watched, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    took: list[float] = []

    async def story() -> None:
        async with looking(watched.url, tmp_path) as tab:
            await tab.value(SCRIPT.read_text(encoding="utf-8"))
            await tab.value("live.begin(false)")
            (_, oldest), *_ = (await seen(tab, 2 * FPS))["shown"]
            await asyncio.to_thread(_kill_camera, watched)
            back_s = time.monotonic()
            # The next camera counts from 1.
            await tab.until(f"live.seen().shown.some(([, number]) => number < {oldest})", "pictures of the new camera")
            took.append(time.monotonic() - back_s)
            await tab.value("live.end()")

    wait_until(lambda: watched.newest() > 15 * FPS, "a camera that has counted far", WAIT_S)
    run(story)
    assert took[0] <= bar(AGAIN_S)
    figure(f"the camera's process killed: the page goes on {took[0]:.1f} s after frames (at most {bar(AGAIN_S):g})")


def _kill_camera(watched: Watched) -> None:
    """Kill the camera's process and return once frames arrive again."""
    availability = f"{BASE}/camera/availability"
    pid = watched.node.camera_pid()
    assert pid is not None
    watched.commands.client.clear()
    os.kill(pid, signal.SIGKILL)
    for word in (b"offline", b"online"):
        wait_until(
            lambda w=word: w in [m.payload for m in watched.commands.client.on(availability)],  # type: ignore[misc]
            f"the camera {word.decode()}",
            WAIT_S,
        )
