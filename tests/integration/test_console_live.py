"""Live pictures on the console's pages: their age where the clocks of camera and browser are apart."""

from __future__ import annotations

import asyncio
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
