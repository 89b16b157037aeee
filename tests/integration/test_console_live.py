"""Live pictures on the console's pages: displayed age with differing clocks, and the wall view on all screen shapes."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path

import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")
pytest.importorskip("cryptography", reason="the extra console is not installed")

from tests.support.broker import Client, Mosquitto
from tests.support.chromium import Tab, find_chromium
from tests.support.console_tour import announce, picture, tour
from tests.support.running_console import RunningConsole

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")

AGE = "document.querySelector('.screen .age').textContent"
# The browser's clock is wrong by some milliseconds when a page is opened, and is set by a day afterwards.
WRONG_CLOCK = """(() => { const origin = performance.timeOrigin;
  Object.defineProperty(performance, "timeOrigin", { get: () => origin + OFF });
  const Real = Date; Date.now = () => Real.prototype.valueOf.call(new Real()) + OFF + 86_400_000; })()"""

VEIL = "document.querySelector('.veil')"


@pytest.mark.parametrize("off_ms", [600_000, -600_000])
def test_a_live_picture_is_not_old_where_the_browsers_clock_is_wrong(
    broker: Mosquitto, tmp_path: Path, off_ms: int
) -> None:
    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        announce(client, "porch")
        await tab.send("Page.addScriptToEvaluateOnNewDocument", source=WRONG_CLOCK.replace("OFF", str(off_ms)))
        await tab.go(console.url)
        ages = []
        for turn in range(12):
            client.publish("pi_cam_node/porch/frame", picture("#aa0000" if turn % 2 else "#00aa00"), retain=True)
            await asyncio.sleep(0.5)
            ages.append(await tab.value(AGE))
        assert ages[-1].count(":") == 2, f"the time of the picture, not its age: {ages}"
        await tab.until(f"/^[3-9]s ago$/.test({AGE})", "the age of a picture that none follows")

    tour(broker, tmp_path, steps)


# Left and top of the panes of the wall that are shown, in its columns and rows.
PLACES = """(() => { const panes = [...document.querySelectorAll(".pane:not([hidden])")];
  const shown = panes.map((one) => one.getBoundingClientRect());
  const order = (name) => [...new Set(shown.map((one) => one[name]))].sort((a, b) => a - b);
  return shown.map((one) => [order("left").indexOf(one.left), order("top").indexOf(one.top)]); })()"""


def test_the_wall_fits_upright_screens_and_people_find_in_and_out(broker: Mosquitto, tmp_path: Path) -> None:
    square = [[0, 0], [1, 0], [0, 1], [1, 1]]
    column = [[0, number] for number in range(4)]

    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        for name in ("a", "b"):
            announce(client, name, f"{name} garage door and the drive up to the street behind the hedge")
        await tab.go(console.url)
        await tab.until(
            "document.querySelectorAll('#tiles article').length === 2 && document.readyState === 'complete'"
        )
        await tab.go(console.url)
        await tab.click(".to-wall a")
        for two, size in (([[0, 0], [1, 0]], (1280, 800)), ([[0, 0], [0, 1]], (820, 1180))):
            await tab.look(width=size[0], height=size[1])
            await tab.until(
                f"JSON.stringify({PLACES}) === {json.dumps(json.dumps(two, separators=(',', ':')))}", str(size)
            )
        for name in ("c", "d"):
            announce(client, name)
        await tab.until("document.querySelectorAll('.pane').length === 4", "four cameras")
        for places, size in ((square, (1280, 800)), (square, (820, 1180)), (column, (390, 844))):
            await tab.look(width=size[0], height=size[1])
            await tab.until(
                f"JSON.stringify({PLACES}) === {json.dumps(json.dumps(places, separators=(',', ':')))}", str(size)
            )
            heights = "[...document.querySelectorAll('.name')].map((one) => one.clientHeight)"
            assert max(await tab.value(heights)) <= 40, f"names of two lines at most at {size}"
        out = "getComputedStyle(document.querySelector('.out')).clipPath"
        assert await tab.value(out) != "none", "nothing but the pictures"
        await tab.send("Input.dispatchMouseEvent", type="mouseMoved", x=90, y=90)
        await tab.until(f"{out} === 'none'", "the way out, once the mouse moves")
        await tab.press("1", 49, "1")
        await tab.until("document.querySelector('.pane.enlarged') !== null", "a large one")
        await tab.press("Escape", 27)
        await tab.until("document.querySelector('.pane.enlarged') === null && location.pathname === '/kiosk'")
        await tab.press("Escape", 27)
        await tab.until("location.pathname === '/'", "the live page again")
        assert tab.complaints == []

    tour(broker, tmp_path, steps)


def test_what_a_camera_tells_stays_true_on_an_open_page(broker: Mosquitto, tmp_path: Path) -> None:
    state = "document.querySelector('#facts dd').textContent"

    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        announce(client, "porch")
        await tab.until("fetch('/cameras/porch').then((answer) => answer.ok)", "the camera")
        await tab.go(f"{console.url}/cameras/porch")
        await tab.until(f"document.readyState === 'complete' && {state} === 'Frames arrive.'")
        client.publish("pi_cam_node/porch/state/privacy", "ON", retain=True)
        await tab.until(f"{state} === 'Privacy is on.'", "privacy")
        client.publish("pi_cam_node/porch/state/privacy", "OFF", retain=True)
        client.publish("pi_cam_node/porch/availability", "offline", retain=True)
        await tab.until(f"{state} === 'Offline.'", "the node's end")
        assert tab.complaints == []

    tour(broker, tmp_path, steps)


def test_live_pictures_that_a_proxy_keeps_away_are_explained(broker: Mosquitto, tmp_path: Path) -> None:
    """nginx does not pass the headers of a WebSocket on by itself."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data.replace(b"Upgrade: websocket", b"X-Left-Out: Upgrade"))
                await writer.drain()
        writer.close()

    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", console.port)
            await asyncio.gather(pump(reader, upstream_writer), pump(upstream_reader, writer))

        announce(client, "porch")
        announce(client, "shed")
        client.publish("pi_cam_node/shed/state/privacy", "ON", retain=True)
        await tab.until("fetch('/').then((answer) => answer.text()).then((page) => page.includes('Privacy is on.'))")
        proxy = await asyncio.start_server(forward, "127.0.0.1", 0)
        port = proxy.sockets[0].getsockname()[1]
        await tab.go(f"http://127.0.0.1:{port}/")
        await tab.until(f"{VEIL}.textContent.includes('WebSockets')", "why there are no pictures")
        assert await tab.text("[data-camera=shed] .veil") == "Privacy is on."
        await tab.go(console.url)
        await tab.until(f"{VEIL}.textContent === ''", "the picture")
        proxy.close()

    tour(broker, tmp_path, steps)
