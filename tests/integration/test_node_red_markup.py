"""The dashboard of `examples/node-red` while another client of the broker writes the topics of the node."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.support.broker import Mosquitto
from tests.support.chromium import browsing, find_chromium
from tests.support.node_red import DASHBOARD, flow_for, running_node_red
from tests.support.running_node import BASE


def test_markup_and_scripts_of_whoever_writes_the_topics_are_text(broker: Mosquitto, tmp_path: Path) -> None:
    if find_chromium() is None:
        pytest.skip("Chromium is not installed")
    (tmp_path / "node-red").mkdir()
    with running_node_red(tmp_path / "node-red") as node_red:
        node_red.import_flows(flow_for(broker.port, DASHBOARD))
        asyncio.run(see_markup(node_red.url, broker, tmp_path))


async def see_markup(url: str, broker: Mosquitto, folder: Path) -> None:
    """Look at the page while another client writes the topics of the node."""
    script = "javascript:document.title='broken in'"
    markup = "<img src=x onerror=\"document.title='broken in'\"><b class=markup>bold</b>"
    reply = {"verb": "save", "stage": "final", "ok": False, "message": markup, "data": {"url": script}}
    event = {"event_type": markup, "at": "2026-11-30T12:00:00Z", "cause": markup, "media": {"url": script}}
    async with browsing(folder / "profile") as tab:
        await tab.go(f"{url}/dashboard/porch")
        await tab.until("document.querySelector('.cam-events') !== null", "the page")
        with broker.client() as client:
            for key in ("mode", "motion", "recording", "ring_seconds", "last_error"):
                client.publish(f"{BASE}/state/{key}", markup, retain=True)
            client.publish(f"{BASE}/reply/save", json.dumps(reply))
            client.publish(f"{BASE}/event/motion_started", json.dumps(event))
            for place in ("events", "reply"):
                await tab.until(f"document.querySelector('.cam-{place}').innerText.includes('bold')", f"the {place}")
            await tab.until("document.querySelector('.cam-error')?.innerText.includes('bold')", "the fault")
        assert await tab.value("[...document.links].map(link => link.href).filter(to => !to.startsWith('http'))") == []
        assert await tab.value("document.title") != "broken in"
        assert await tab.value("document.querySelector('[onerror]')") is None
