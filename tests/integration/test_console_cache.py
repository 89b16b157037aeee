"""The console's private pages leave nothing in a browser's caches and on its disk."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")
pytest.importorskip("cryptography", reason="the extra console is not installed")
pytest.importorskip("av", reason="the extra video is not installed")

from tests.support.broker import Client, Mosquitto, free_port
from tests.support.chromium import Tab, find_chromium
from tests.support.console_tour import PAGES, tour
from tests.support.running_console import RunningConsole
from tests.support.running_node import CommandClient, RunningNode

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")

# What begins a JPEG (a PNG would be too much: some icons are), what every segment of a film has, and words of pages and
# rows with cameras.
PRIVATE = {
    "a JPEG": re.compile(rb"\xff\xd8\xff[\xe0\xe1]..(?:JFIF|Exif)", re.DOTALL),
    "a film": re.compile(rb"moof\x00\x00\x00\x10mfhd"),
    "a page": re.compile(rb'data-camera="porch"'),
    "rows": re.compile(rb'"camera_name"'),
}
PLAYING = "document.querySelector('video')?.readyState >= 2 && document.querySelector('video').currentTime > 0"
SHELL = ["/offline", "/static/base.css", "/static/console.css", "/static/icon.svg", "/static/offline.js"]


def left_in(profile: Path) -> list[str]:
    """Return what is private in the files of a profile."""
    found = []
    for file in (path for path in profile.rglob("*") if path.is_file() and not path.is_symlink()):
        content = file.read_bytes()
        found += [f"{what} in {file.relative_to(profile)}" for what, sign in PRIVATE.items() if sign.search(content)]
    return found


def test_a_tour_of_every_page_leaves_nothing_private(broker: Mosquitto, tmp_path: Path) -> None:
    (tmp_path / "node").mkdir()

    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        commands = CommandClient(client)
        await asyncio.to_thread(commands.wait_online)
        assert (await asyncio.to_thread(commands.ask, "save", formats=["jpg"]))["ok"]
        await tab.until("fetch('/api/events').then((answer) => answer.json()).then((rows) => rows.length === 1)")
        for path in (*PAGES, "/events/1"):
            await tab.go(console.url + path)
            await tab.until("document.readyState === 'complete' && document.querySelector('main') !== null")
        await tab.until("document.querySelector('.stage img, .settings, form') !== null")
        await tab.go(f"{console.url}/recordings")
        await tab.until("document.querySelector('#recordings img')?.naturalWidth > 0", "a thumbnail")
        await tab.click("#recordings li a")
        await tab.until("document.querySelector('dialog[open] .stage img')?.naturalWidth > 0", "the picture")
        await tab.go(f"{console.url}/cameras/porch")
        await tab.until("document.querySelector('.watch') !== null")
        await tab.click(".watch")
        await tab.until(PLAYING, "live video")
        await tab.until("navigator.serviceWorker.controller !== null", "the service worker")
        kept = "caches.keys().then((all) => Promise.all(all.map((one) => caches.open(one).then((it) => it.keys()))))"
        names = await tab.value(f"{kept}.then((all) => all.flat().map((one) => new URL(one.url).pathname).sort())")
        assert names == SHELL
        await tab.go(f"{console.url}/static/console.css")

    served = {"enable": True, "port": free_port(), "fps": 5}
    with RunningNode(tmp_path / "node", broker.port, mjpeg_server=served):
        tour(broker, tmp_path, steps, is_private=False)
    profile = tmp_path / "profile"
    files = [path for path in (profile / "Default").rglob("*") if path.is_file()]
    assert any(b".screen figcaption" in path.read_bytes() for path in files), "this browser keeps what it may keep"
    assert left_in(profile) == []
