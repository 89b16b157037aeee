"""Grey levels from the camera to the screen: a ramp through a film and live video in Chromium."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.broker import free_port, wait_until
from tests.support.chromium import Tab, find_chromium
from tests.support.node_page import looking, run
from tests.support.running_node import RunningNode

pytest.importorskip("av", reason="the extra video is not installed")

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")

LEVELS = tuple(range(0, 256, 36))
SIZE, RATE_HZ, WAIT_S = (640, 480), 10, 60.0
MOST_OFF = 2
# Plays what `src` says, or live video by the page's own player, and returns the level in the middle of each band.
READ = """
(async (address, count) => {
  const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true, autoplay: true });
  document.body.append(video);
  if (address) video.src = address;
  else new (await import("/static/live_video.js")).LiveVideo(video, "/hls/master.m3u8", () => {}).start();
  await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
  const [width, height] = [video.videoWidth, video.videoHeight];
  const context = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d");
  context.drawImage(video, 0, 0);
  const row = context.getImageData(0, height / 2, width, 1).data;
  video.remove();
  return Array.from({ length: count }, (_, band) => {
    const at = 4 * Math.floor(((band + 0.5) * width) / count);
    return [row[at], row[at + 1], row[at + 2]];
  });
})(%s, %d)
"""


def make_ramp(path: Path) -> Path:
    """Write an uncompressed film of vertical grey bands in full range."""
    width, height = SIZE
    bands = np.repeat(np.array(LEVELS, np.uint8), width // len(LEVELS))
    luma = np.tile(bands, (height, 1)).tobytes()
    with path.open("wb") as film:
        film.write(f"YUV4MPEG2 W{width} H{height} F{RATE_HZ}:1 Ip A1:1 C420jpeg XCOLORRANGE=FULL\n".encode())
        for _ in range(50):
            film.write(b"FRAME\n" + luma + bytes([128]) * (width * height // 2))
    return path


class Ramp:
    """A node whose camera sees the ramp."""

    def __init__(self, node: RunningNode, port: int) -> None:
        self.node, self.url = node, f"http://127.0.0.1:{port}"

    def command(self, verb: str, **arguments: Any) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/api/commands/{verb}", json.dumps(arguments).encode(), headers)
        with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
            return dict(json.load(answer))

    def ring_s(self) -> float:
        try:
            return float(self.command("health")["data"]["ring_seconds"])
        except OSError:
            return 0.0


@pytest.fixture
def ramp(tmp_path: Path) -> Iterator[Ramp]:
    port = free_port()
    sections: dict[str, Any] = {
        "camera": {"source": f"file:{make_ramp(tmp_path / 'ramp.y4m')}", "framerate": RATE_HZ},
        "mjpeg_server": {"enable": True, "port": port},
        "storage": {"min_free_bytes": 0},
    }
    with RunningNode(tmp_path, free_port(), **sections) as node:
        made = Ramp(node, port)
        wait_until(lambda: made.ring_s() > 4, "a ring of four seconds", WAIT_S)
        yield made
        node.stop()


def test_a_grey_ramp_is_shown_as_the_camera_saw_it(ramp: Ramp, tmp_path: Path) -> None:
    clip = ramp.command("clip", before_s=2)["data"]["id"]
    shown: dict[str, list[list[int]]] = {}

    async def levels(tab: Tab, address: str) -> list[list[int]]:
        return list(await tab.value(READ % (json.dumps(address), len(LEVELS))))

    async def story() -> None:
        async with asyncio.timeout(WAIT_S), looking(ramp.url, tmp_path) as tab:
            shown["film"] = await levels(tab, f"/media/{clip}")
            shown["live video"] = await levels(tab, "")
            shown["live video, native"] = await levels(tab, "/hls/master.m3u8")

    run(story)
    for name, bands in shown.items():
        for wanted, seen in zip(LEVELS, bands, strict=True):
            assert max(abs(value - wanted) for value in seen) <= MOST_OFF, f"{name}: {wanted} is shown as {seen}"
