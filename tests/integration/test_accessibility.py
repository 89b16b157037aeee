"""Accessibility of all pages of both programs with axe-core: phone and desktop, dark and light, with dialogs."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")
pytest.importorskip("cryptography", reason="the extra console is not installed")

from pi_cam_node.core.history import EventRow, MediaRow
from tests.support.axe import axe_source, violations_in_all_themes
from tests.support.broker import Client, Mosquitto, free_port
from tests.support.chromium import Tab, find_chromium
from tests.support.console_tour import PAGES, announce, tour
from tests.support.node_page import LIVE, looking, run
from tests.support.running_console import RunningConsole
from tests.support.running_node import CommandClient, RunningNode
from tests.support.web_server import RunningWebServer

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")

# What comes by itself after the page.
READY = {
    "/events": "document.querySelector('#events .event') !== null",
    "/recordings": "document.querySelector('#recordings li') !== null",
    "/cameras/porch": "document.querySelector('#motion .draw')?.checkVisibility()",
}
ALL_OPEN = (
    "document.querySelectorAll('details').forEach((group) => { group.open = true; });"
    " document.querySelector('#motion .draw')?.click(); document.querySelector('#zones .buttons button')?.click()"
)


def test_the_nodes_page_its_editor_its_player_and_its_login(tmp_path: Path) -> None:
    source = axe_source()
    with RunningWebServer(tmp_path, motion={"enable": True}) as serving, serving.filming():
        assert serving.core is not None
        picture = tmp_path / "event-0001.jpg"
        cv2.imwrite(str(picture), np.full((240, 320, 3), 90, np.uint8))
        serving.pictures.files = {"event-0001": picture}
        at = datetime.now(UTC) - timedelta(seconds=60)
        serving.archive.rows["event-0001"] = MediaRow("event-0001", "event", at, str(picture), 1)
        row = EventRow("e-1", "motion", at, at + timedelta(seconds=7), "clear", ("door",), picture_id="event-0001")
        serving.core.events.save_event(row)

        async def story() -> None:
            async with looking(serving.url, tmp_path) as tab:
                await tab.until(LIVE)
                await tab.until("document.querySelector('#events .event') !== null")
                await tab.until("document.querySelector('#set-night-gain') !== null")
                await tab.value(ALL_OPEN)
                await tab.until("document.querySelectorAll('.corner').length === 4")
                assert await violations_in_all_themes(tab, source) == []
                await tab.value("document.querySelector('#events .event a').click()")
                await tab.until("document.querySelector('dialog[open] .delete') !== null")
                assert await violations_in_all_themes(tab, source, "document.querySelector('dialog[open]')") == []
                await tab.go(f"{serving.url}/login")
                assert await violations_in_all_themes(tab, source) == []
                tab.complaints.clear()  # the login tells of a focus that axe-core took

        run(story)


def test_every_page_of_the_console(broker: Mosquitto, tmp_path: Path) -> None:
    source = axe_source()

    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        commands = CommandClient(client)
        await asyncio.to_thread(commands.wait_online)
        assert (await asyncio.to_thread(commands.ask, "save", formats=["jpg"]))["ok"]
        number = "fetch('/api/events').then((answer) => answer.json()).then((rows) => rows[0]?.number)"
        await tab.until(f"{number}.then(Boolean)", "the event")
        door = {"state_topic": "door", "object_id": "door", "unique_id": "door", "device": {"name": "Door"}}
        client.publish("homeassistant/binary_sensor/door/config", json.dumps(door), retain=True)
        client.publish("door", "ON", retain=True)
        announce(client, "shed")
        client.publish("pi_cam_node/shed/availability", "offline", retain=True)
        newest = "fetch('/api/media').then((answer) => answer.json()).then((body) => body.media[0]?.id)"
        await tab.until(f"{newest}.then(Boolean)", "its picture")
        player = f"/recordings/porch/{await tab.value(newest)}"
        found: list[str] = []
        event = f"/events/{await tab.value(number)}"
        for path in (*PAGES, event, player, "/settings/nodes/shed", "/sensors/door", "/offline", "/pair"):
            await tab.go(console.url + path)
            await tab.until("document.readyState === 'complete' && document.querySelector('main') !== null")
            await tab.until(READY.get(path, "true"), path)
            await tab.value(ALL_OPEN)
            found += [f"{path} at {wrong}" for wrong in await violations_in_all_themes(tab, source)]
        await tab.value("fetch('/logout', {method: 'POST'})")
        await tab.go(f"{console.url}/login")
        found += [f"/login at {wrong}" for wrong in await violations_in_all_themes(tab, source)]
        assert found == [], "\n".join(found)

    served = {"enable": True, "port": free_port(), "fps": 5}
    (tmp_path / "node").mkdir()
    with RunningNode(tmp_path / "node", broker.port, mjpeg_server=served):
        tour(broker, tmp_path, steps)
