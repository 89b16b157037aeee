"""Live video with a viewer: privacy, an encoder that dies or hangs, a camera that is lost."""

from __future__ import annotations

import re
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.bars import bar
from tests.support.broker import Mosquitto, free_port, wait_until
from tests.support.running_node import CommandClient, RunningNode

pytest.importorskip("av", reason="the extra video is not installed")

pytestmark = pytest.mark.faults

LIMIT_S = 60.0


class Viewer:
    """A player that asks for the playlist and every segment, as fast as it is answered.

    Attributes:
        segments: Names of the segments that it got, in order.
        statuses: Status of the last answer for a playlist.
        got_s: Monotonic times at which bytes of a picture had come.
    """

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/hls/"
        self.segments: list[str] = []
        self.statuses: list[int] = []
        self.got_s: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def get(self, name: str) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(self._url + name, timeout=LIMIT_S) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read()
        except OSError:  # the connection was cut
            return 0, b""

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            status, text = self.get("main.m3u8")
            self.statuses.append(status)
            if status != 200:
                continue
            for name in re.findall(r"^main-.*\.m4s$", text.decode(), re.MULTILINE):
                if name not in self.segments:
                    status, body = self.get(name)
                    if status == 200 and body:
                        self.segments.append(name)
                        self.got_s.append(time.monotonic())

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(LIMIT_S)

    def wait_for_more(self, count: int = 2) -> None:
        """Wait for ``count`` further segments."""
        wanted = len(self.segments) + count
        wait_until(lambda: len(self.segments) >= wanted, f"{count} more segments", LIMIT_S)


class Watched:
    """A node whose live video is watched."""

    def __init__(self, folder: Path, broker: Mosquitto) -> None:
        port = free_port()
        self._broker = broker
        sections: dict[str, Any] = {
            "camera": {"framerate": 10},
            "mjpeg_server": {"enable": True, "port": port},
            "storage": {"min_free_bytes": 0},
        }
        self.node = RunningNode(folder, broker.port, **sections)
        self.viewer = Viewer(port)

    @contextmanager
    def running(self) -> Iterator[CommandClient]:
        with self.node as node, self._broker.client() as client:
            commands = CommandClient(client)
            commands.wait_online()
            wait_until(lambda: self.viewer.get("main.m3u8")[0] == 200, "a first playlist", LIMIT_S)
            self.viewer.start()
            self.viewer.wait_for_more()
            yield commands
            self.viewer.stop()
            node.stop()


@pytest.fixture
def watched(broker: Mosquitto, tmp_path: Path) -> Watched:
    return Watched(tmp_path, broker)


@pytest.mark.short
@pytest.mark.promise("V7")
def test_privacy_ends_live_video_before_it_answers(watched: Watched, figure: Callable[[str], None]) -> None:
    viewer, captures = watched.viewer, watched.node.folder / "captures"
    with watched.running() as commands:
        assert commands.ask("record", state="on")["ok"]
        wait_until(lambda: list(captures.glob(".*.mp4.rec")), "a film", LIMIT_S)
        before = viewer.segments[-1]
        assert commands.ask("privacy", enable="on")["ok"]
        answered_s = time.monotonic()
        assert list(captures.glob(".*.mp4.rec")) == []
        sizes = {path: path.stat().st_size for path in captures.iterdir()}
        for name in ("master.m3u8", "main.m3u8", "remote.m3u8", before):
            assert viewer.get(name)[0] == 403
        wait_until(lambda: watched.node.child("encoder.child_main") is None, "the end of the encoder", LIMIT_S)
        gone_s = time.monotonic() - answered_s
        assert [at for at in viewer.got_s if at > answered_s] == []
        assert {path: path.stat().st_size for path in captures.iterdir()} == sizes, "nothing is written any more"
        assert commands.ask("privacy", enable="off")["ok"]
        viewer.wait_for_more()
        assert viewer.get(before)[0] == 404
        assert len(set(viewer.segments)) == len(viewer.segments)
    assert gone_s < bar(3)
    figure(f"no segment and no byte of the film after the answer; the encoder gone {gone_s:.1f} s later")


@pytest.mark.promise("V8")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_an_encoder_that_dies_or_hangs_under_a_viewer_is_replaced(
    watched: Watched, how: signal.Signals, figure: Callable[[str], None]
) -> None:
    with watched.running():
        encoder = watched.node.child("encoder.child_main")
        assert encoder is not None
        began_s = time.monotonic()
        encoder.send_signal(how)
        wait_until(lambda: not encoder.is_running(), "its end", LIMIT_S)
        watched.viewer.wait_for_more(3)
        took_s = time.monotonic() - began_s
    assert took_s < bar(15)
    figure(f"{how.name}: it goes on within {took_s:.1f} s")


@pytest.mark.promise("V9")
def test_a_camera_that_is_lost_ends_live_video_until_it_is_back(
    watched: Watched, figure: Callable[[str], None]
) -> None:
    viewer = watched.viewer
    with watched.running() as commands:
        camera = watched.node.child("camera.worker.child_main")
        assert camera is not None
        camera.kill()
        wait_until(lambda: 503 in viewer.statuses, "the refusal", LIMIT_S)
        commands.wait_online()
        back_s = time.monotonic()
        viewer.wait_for_more(1)
        took_s = time.monotonic() - back_s
        viewer.wait_for_more(3)
    assert took_s < bar(5)
    figure(f"it goes on {took_s:.1f} s after the camera was back")
