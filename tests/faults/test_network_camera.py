"""A network camera whose films are copied: it hangs, dies, drops its connections, and announces a wrong rate."""

from __future__ import annotations

import itertools
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.bars import bar
from tests.support.broker import Mosquitto, free_port, wait_until
from tests.support.rtsp_node import START_S, node, saved, side_car, start_recording
from tests.support.rtsp_server import RtspServer, why_not
from tests.support.running_node import BASE, CommandClient

av: Any = pytest.importorskip("av", reason="the extra video is not installed")

pytestmark = [
    pytest.mark.faults,
    pytest.mark.rtsp,
    pytest.mark.promise("V11"),
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
]

LYING_SERVER = Path(__file__).parents[1] / "support" / "rtsp_lying_server.py"
RATE_HZ, BACK_S = 10, 15.0


def times_of(media: dict[str, Any]) -> list[float]:
    """Return the second of each picture of a film; decodes all of it, without a complaint."""
    with av.open(media["path"]) as film:
        return [float(frame.pts * frame.time_base) for frame in film.decode(video=0)]


def is_online(commands: CommandClient) -> bool:
    return commands.client.latest(f"{BASE}/camera/availability") == b"online"


def assert_whole(film: dict[str, Any], rate_hz: float) -> None:
    """Assert that a film has as many pictures as its side-car tells, at the rate of the camera, without a hole."""
    times, told = times_of(film["media"]), side_car(film["media"])
    assert (len(times), told["copied"], told["gap_s"]) == (told["frames_count"], True, 0)
    assert max(b - a for a, b in itertools.pairwise(times)) < 10 / rate_hz


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL, signal.SIGUSR1])
def test_a_server_that_hangs_dies_or_drops_its_connections_ends_the_film_and_the_next_one_is_whole(
    broker: Mosquitto, tmp_path: Path, how: signal.Signals, figure: Callable[[str], None]
) -> None:
    port = free_port()
    with ExitStack() as stack:
        server = stack.enter_context(RtspServer("--fps", str(RATE_HZ), port=port))
        commands = stack.enter_context(node(tmp_path, broker, server.url))
        start_recording(commands)
        time.sleep(2)
        server.signal(how)
        first = saved(commands)
        assert first["reason"] == "camera_lost"
        wait_until(lambda: commands.state("recording") == "OFF", "a state that is true", START_S)
        assert commands.state("motion") == "OFF"
        if how is signal.SIGKILL:
            stack.enter_context(RtspServer("--fps", str(RATE_HZ), port=port))
        elif how is signal.SIGSTOP:
            server.signal(signal.SIGCONT)
        again_s = time.monotonic()
        wait_until(lambda: is_online(commands), "the camera", START_S)
        back_s = time.monotonic() - again_s
        wait_until(lambda: commands.ask("record", seconds=3)["ok"], "a camera that delivers", START_S)
        second = saved(commands, 2)
    for film in (first, second):
        assert_whole(film, RATE_HZ)
    assert back_s < bar(BACK_S)
    figure(f"{how.name}: back {back_s:.1f} s after the server was (at most {BACK_S:g}); the next film is whole")


def test_a_film_is_as_long_as_it_was_and_not_as_the_camera_s_rate_says(
    broker: Mosquitto, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    rate_hz = 21
    with (
        RtspServer("--fps", str(rate_hz), "--says", "25", script=LYING_SERVER) as server,
        av.open(server.url, options={"rtsp_transport": "tcp"}) as probe,
        node(tmp_path, broker, server.url) as commands,
    ):
        assert probe.streams.video[0].codec_context.framerate == 25, "it does not lie"
        commands.ask("record", seconds=20)
        film = saved(commands)
    times = times_of(film["media"])
    real_s = (len(times) - 1) / rate_hz
    error = (times[-1] - times[0]) / real_s - 1
    assert abs(error) < 0.01
    figure(f"{rate_hz} fps declared as 25: a film of {real_s:.1f} s is {100 * error:+.2f} % longer (at most 1)")
