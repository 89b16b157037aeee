"""Live video of a node through the console: its rights, its words, and a browser that plays it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")
pytest.importorskip("cryptography", reason="the extra console is not installed")
pytest.importorskip("av", reason="the extra video is not installed")

from tests.support.broker import Mosquitto, free_port
from tests.support.chromium import browsing, find_chromium
from tests.support.running_console import DEADLINE_S, OWNER, PASSWORD, Browser, RunningConsole
from tests.support.running_node import CommandClient, RunningNode

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")

PLAYING = "document.querySelector('video').readyState >= 2 && document.querySelector('video').currentTime > 0"


def test_a_browser_plays_it_by_the_console_until_privacy_is_on(broker: Mosquitto, tmp_path: Path) -> None:
    (tmp_path / "node").mkdir()

    async def visit(owner: Browser) -> None:
        await owner.until("/api/nodes", lambda body: body["nodes"], "the node")
        async with asyncio.timeout(DEADLINE_S):  # on a busy machine the encoder starts slowly
            while (await owner.get("/hls/porch/main.m3u8"))[0] == 503:
                continue
        async with owner.session.get("/hls/porch/main.m3u8") as playlist:
            assert (playlist.status, playlist.headers["Cache-Control"]) == (200, "no-cache")
            name = next(line for line in (await playlist.text()).splitlines() if line.endswith(".m4s"))
        async with owner.session.get(f"/hls/porch/{name}") as segment:
            assert (segment.status, (await segment.read())[4:8]) == (200, b"moof")
            assert segment.headers["Content-Type"] == "video/mp4"
            assert segment.headers["Cache-Control"] == "private, max-age=60, immutable"
        assert (await owner.get("/hls/porch/main-00000000-0.m4s"))[0] == 404
        async with browsing(tmp_path / "profile") as tab:
            await tab.go(f"{console.url}/login")
            await tab.value(f"document.getElementById('name').value = {json.dumps(OWNER)}")
            await tab.write("#password", PASSWORD)
            await tab.until("location.pathname === '/'", "the dashboard")
            tab.complaints.clear()  # this test's own typing disturbs the login's autofocus
            await tab.go(f"{console.url}/cameras/porch")
            await tab.until("document.querySelector('.watch') !== null", "the button")
            await tab.click(".watch")
            await tab.until(PLAYING, "live video")
            await tab.until("/[0-9]:[0-9]{2}.* s behind/.test(document.querySelector('#moment').innerText)", "its time")
            assert (await asyncio.to_thread(commands.ask, "privacy", enable="on"))["ok"]
            await tab.until("document.querySelector('figure.screen').dataset.showing === 'pictures'", "its end")
            assert await tab.value("document.querySelector('video').readyState") == 0
            assert (await owner.get("/hls/porch/main.m3u8"))[0] == 403
            assert tab.complaints == []

    served = {"enable": True, "port": free_port(), "fps": 5}
    with RunningNode(tmp_path / "node", broker.port, mjpeg_server=served), broker.client() as client:
        commands = CommandClient(client)
        commands.wait_online()
        with RunningConsole(tmp_path / "console", broker.port) as console:
            console.visit(visit)
