"""Timeouts of the pages: silent connections, and files that do not arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.broker import Client, Mosquitto
from tests.support.chromium import Tab, find_chromium
from tests.support.console_tour import tour
from tests.support.node_page import looking, run
from tests.support.running_console import RunningConsole
from tests.support.web_server import RunningWebServer

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")

# Deadlines of twenty seconds pass at once; what else the page waits for takes its time.
SHORT = """(() => { const real = setTimeout, signal = AbortSignal.timeout.bind(AbortSignal);
  window.setTimeout = (what, after, ...more) => real(what, after === 20000 ? 300 : after, ...more);
  AbortSignal.timeout = (after) => signal(after === 20000 ? 300 : after);
  window.bounded = []; const ask = fetch;
  window.fetch = (path, options) => {
    bounded.push([String(path), Boolean(options?.signal)]);
    return ask(path, options);
  };
})()"""
WATCHED = """import("/static/live_video.js").then(({ LiveVideo }) => { window.told = [];
  new LiveVideo(document.createElement("video"), "/hls/master.m3u8", ({ words }) => told.push(words)).start(); })"""
# A clock that can be put on, and connections that are never made.
LATER = "(ms) => { const now = Date.now; Date.now = () => now.call(Date) + ms; }"
NEVER = """(() => { window.made = window.state = 0; window.WebSocket = class { static CONNECTING = 0; static OPEN = 1;
  get readyState() { return state; } constructor() { made += 1; } send() {} close() {} }; })()"""


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[RunningWebServer]:
    with RunningWebServer(tmp_path) as running:
        yield running


def test_live_video_does_not_wait_for_ever_for_its_player(serving: RunningWebServer, tmp_path: Path) -> None:
    async def story() -> None:
        async with looking(serving.url, tmp_path) as tab:
            await tab.send("Fetch.enable", patterns=[{"urlPattern": "*hls.light*"}, {"urlPattern": "*main.m3u8"}])
            await tab.value(SHORT)
            await tab.value(WATCHED)
            await tab.until("told.some((words) => words.startsWith('The node does not answer'))", "a sentence")
            asked = dict(await tab.value("bounded"))
            assert asked[f"{serving.url}/hls/main.m3u8"]
            assert all(asked.values()), asked
            await tab.send("Fetch.disable")

    run(story)


def test_the_console_is_heard_again_where_the_connection_is_gone_without_a_word(
    broker: Mosquitto, tmp_path: Path
) -> None:
    async def steps(tab: Tab, _client: Client, _console: RunningConsole) -> None:
        await tab.until("document.querySelector('main') !== null")
        await asyncio.sleep(1)
        tab.requests.clear()
        await tab.value(f"({LATER})(60_000)")
        await tab.until_asked("/changes")
        # Heard again: what it says comes.
        await tab.until("document.getElementById('unreached').hidden")

    tour(broker, tmp_path, steps)


def test_a_live_view_that_never_connects_tries_again(broker: Mosquitto, tmp_path: Path) -> None:
    async def steps(tab: Tab, _client: Client, console: RunningConsole) -> None:
        await tab.go(f"{console.url}/settings")
        await tab.value(NEVER)
        await tab.value("import('/static/live.js').then(() => undefined)")
        assert await tab.value("made") == 1
        await tab.value(f"({LATER})(20_000)")
        await tab.until("made === 2", "another connection")
        # Open, and no camera is live: silence is nothing odd, but not for ever.
        await tab.value("state = 1, made = 0")
        await tab.value(f"({LATER})(60_000)")
        await asyncio.sleep(2.5)
        assert await tab.value("made") == 0
        await tab.value(f"({LATER})(300_000)")
        await tab.until("made >= 1", "another connection")

    tour(broker, tmp_path, steps)
