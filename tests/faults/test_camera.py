"""Faults of the camera of a whole node: killed, stopped, unplugged and reconnected."""

from __future__ import annotations

import http.client
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.faults.observed_node import ObservedNode, watched
from tests.support.bars import bar
from tests.support.broker import Mosquitto, free_port, wait_until
from tests.support.films import make_film
from tests.support.running_node import BASE, CommandClient, RunningNode

pytestmark = pytest.mark.faults

BACK_S, SLACK_S = 15.0, 15.0
NOTICED_S = 10.0
CAMERA = f"{BASE}/camera/availability"


def frames_again_s(node: ObservedNode) -> float:
    """Return the seconds until a fresh frame can be saved again."""
    began_s = time.monotonic()
    while not node.commands.ask("save")["ok"]:
        assert time.monotonic() - began_s < bar(BACK_S + SLACK_S), node.commands.state("last_error")
        time.sleep(0.2)
    return time.monotonic() - began_s


@pytest.mark.promise("C1", "B8")
def test_a_camera_that_dies_or_hangs_is_back_whenever_it_happens(
    broker: Mosquitto, tmp_path: Path, long: bool, figure: Callable[[str], None]
) -> None:
    chance, rounds = random.Random(5), 50 if long else 6
    took_s: dict[signal.Signals, list[float]] = {signal.SIGKILL: [], signal.SIGSTOP: []}
    with watched(tmp_path, broker, camera={"framerate": 20}) as node, node.streaming() as stream:
        threads = psutil.Process(node.node.process.pid).num_threads()
        for number in range(rounds):
            time.sleep(chance.uniform(0.1, 2.0))
            how = (signal.SIGKILL, signal.SIGSTOP)[number % 2]
            victim = node.node.camera_pid()
            assert victim is not None
            os.kill(victim, how)
            took_s[how].append(frames_again_s(node))
        assert f"{BASE}/availability" not in node.said_offline()
        node.wait_fault("ok", 30)
        assert psutil.Process(node.node.process.pid).num_threads() <= threads + 1
    assert not stream.ended
    worst = {how.name: max(times) for how, times in took_s.items()}
    figure(
        f"{rounds} rounds: a fresh frame after {worst['SIGKILL']:.1f} s at most when killed, {worst['SIGSTOP']:.1f} s "
        f"when it hung (at most {BACK_S:g})"
    )


def health(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


@pytest.mark.promise("C3")
def test_a_camera_that_comes_and_goes_is_told_each_time_and_the_rest_serves(
    broker: Mosquitto, tmp_path: Path, long: bool, figure: Callable[[str], None]
) -> None:
    film, away = make_film(tmp_path / "camera.avi", 10), tmp_path / "away.avi"
    film.rename(away)
    port, rounds = free_port(), 10 if long else 2
    sections: Any = {"camera": {"source": f"file:{film}"}, "mjpeg_server": {"enable": True, "port": port}}
    gone_s, back_s = [], []
    with RunningNode(tmp_path, broker.port, **sections) as running, broker.client() as client:
        commands = CommandClient(client)
        wait_until(lambda: client.latest(f"{BASE}/availability") == b"online", "the node without a camera", 30)
        wait_until(lambda: commands.state("last_error").startswith("camera_down"), "the missing camera", 30)
        assert client.latest(CAMERA) == b"offline"
        assert health(port) == "not ok"
        assert commands.ask("get", key="night.gain")["ok"]
        assert client.latest("homeassistant/device/pi_cam_node_porch/config")
        for _ in range(rounds):
            put_s = time.monotonic()
            away.rename(film)
            wait_until(lambda: client.latest(CAMERA) == b"online", "the camera", 90)
            back_s.append(time.monotonic() - put_s)
            wait_until(lambda: commands.state("last_error") == "ok", "the end of the fault", 10)
            time.sleep(11)  # so long that the next loss begins at the gentlest step again
            taken_s = time.monotonic()
            film.rename(away)
            wait_until(lambda: client.latest(CAMERA) == b"offline", "the loss of the camera", NOTICED_S + SLACK_S)
            gone_s.append(time.monotonic() - taken_s)
        assert running.running
        assert "Traceback" not in running.log()
    # The first time the node had waited longer and longer for a camera that was never there.
    figure(
        f"served without a camera; {rounds} times there and gone: told after {max(back_s):.1f} s and "
        f"{max(gone_s):.1f} s at most; 0 exits"
    )
