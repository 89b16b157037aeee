"""The console's pages on a phone with text of double size."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")
pytest.importorskip("cryptography", reason="the extra console is not installed")

from tests.support.broker import Client, Mosquitto
from tests.support.chromium import Tab, find_chromium
from tests.support.console_tour import PAGES, announce, tour
from tests.support.large_text import CUT_OFF, LARGE, SQUEEZED
from tests.support.running_console import RunningConsole

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")


def test_text_of_twice_the_size_is_neither_cut_off_nor_a_column_of_letters(broker: Mosquitto, tmp_path: Path) -> None:
    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        announce(client, "porch", "Front garden")
        body = '{"event_type": "motion_started", "id": "e1", "at": "2026-11-29T10:00:00.000Z"}'
        client.publish("pi_cam_node/porch/event/motion_started", body)
        await tab.send("Page.addScriptToEvaluateOnNewDocument", source=LARGE)
        for width in (390, 360):
            await tab.look(width=width, height=844, phone=True)
            for path in PAGES:
                await tab.go(console.url + path)
                await tab.until("document.documentElement.style.fontSize === '200%'")
                if path == "/events":
                    await tab.until("document.querySelector('.event') !== null", "the event")
                await asyncio.sleep(0.5)
                assert await tab.value(CUT_OFF) == [], f"{path} at {width} px"
                assert await tab.value(SQUEEZED) == [], f"{path} at {width} px"

    tour(broker, tmp_path, steps)
