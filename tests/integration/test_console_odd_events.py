"""What a page says of a node that lies, and of pictures that are gone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")
pytest.importorskip("cryptography", reason="the extra console is not installed")

from pi_cam_node.console.nodes.node import Node
from pi_cam_node.console.web.rendering import environment
from pi_cam_node.console.web.settings_nodes import sections_of
from tests.support.broker import Client, Mosquitto
from tests.support.chromium import Tab, find_chromium
from tests.support.console_tour import announce, tour
from tests.support.running_console import RunningConsole

LIES = ({"a": 1}, ["x"], 7, "x", None, True)
FIELDS = ("title", "doc", "value", "unit", "minimum", "maximum", "step", "choices", "expected", "live", "secret")


@pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")
def test_a_picture_that_is_gone_is_words_and_a_long_zone_makes_no_page_wide(broker: Mosquitto, tmp_path: Path) -> None:
    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        announce(client, "porch")
        body = {
            "event_type": "motion_ended",
            "id": "e1",
            "at": "2026-11-29T10:00:00.000Z",
            "ended_at": "2026-11-29T09:00:00.000Z",
            "picture_id": "20261129T100000000Z-12345678-000001-event",
            "zones": ["z" * 300],
        }
        client.publish("pi_cam_node/porch/event/motion_ended", json.dumps(body))
        await tab.look(width=360, height=844, phone=True)
        for path, place in (("/events", ".event .shot .no-picture"), ("/", ".strip .no-picture")):
            await tab.go(console.url + path)
            await tab.until(f"document.querySelector('{place}') !== null", f"the words on {path}")
            assert await tab.text(place) == "The picture is gone, or cannot be reached."
            assert await tab.value("document.documentElement.scrollWidth <= innerWidth"), path
            assert await tab.value("document.querySelector('.event, .strip').innerText.match(/-\\d+ s/)") is None
        await tab.go(f"{console.url}/events")
        await tab.until("document.querySelector('.badge') !== null", "the zone")

    tour(broker, tmp_path, steps)


@pytest.mark.parametrize("lie", LIES, ids=repr)
@pytest.mark.parametrize("kind", ["bool", "int", "choice", "list", "text"])
def test_settings_of_a_node_that_lies_are_drawn(kind: str, lie: object) -> None:
    told = [{"key": "a.b", "section": lie, "type": kind, **dict.fromkeys(FIELDS, lie)}]
    sections = sections_of(Node("porch", online=True), told, 0)
    template = environment().get_template("parts/node_settings.html")
    assert 'name="a.b"' in template.render(node=Node("porch", online=True), fault="", sections=sections)
