"""All texts of the console's pages are marked for translation: in a pseudo-locale they appear in brackets."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")
pytest.importorskip("cryptography", reason="the extra console is not installed")

from tests.support.broker import Client, Mosquitto, free_port
from tests.support.chromium import Tab, find_chromium
from tests.support.console_tour import PAGES, tour
from tests.support.running_console import RunningConsole
from tests.support.running_node import CommandClient, RunningNode

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")

DOOR = {
    "state_topic": "door",
    "object_id": "front_door",
    "unique_id": "front_door",
    "device_class": "door",
    "device": {"name": "Xyz", "suggested_area": "Xyz"},
}
# Names of the test's own, of browsers and of units.
NAMES = ("porch", "Xyz", "Anna", "AM", "PM", "Chrome", "Linux", "Firefox", "lx", "test", "pi_cam_node")
# Returns texts outside of brackets, with their places. Times are worded by the browser; what is typed, codes, values
# of settings and what people or nodes did are data.
UNMARKED = (
    f"(() => {{ const NAMES = new Set({json.dumps(NAMES)});"
    r"""
  const DATA = "time, code, pre, script, style, noscript, template, .code, .data, .control > span, .control option";
  const found = [];
  const judge = (text, where) => {
    const rest = text.replace(/⟦[^⟦⟧]*⟧/g, " ").replace(/⟦[^⟦⟧]*⟧/g, " ").replace(/\S*[/:]\S*/g, " ");
    const said = (rest.match(/[\p{L}_]{2,}/gu) ?? []).filter((word) => !NAMES.has(word));
    if (said.length) found.push(`${where}: ${text.trim().replace(/\s+/g, " ").slice(0, 90)}`);
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const parent = node.parentElement;
    if (!parent.closest(DATA) && !parent.matches(".values dd, textarea") && parent.checkVisibility())
      judge(node.data, `${parent.tagName.toLowerCase()}.${parent.className}`);
  }
  for (const element of document.querySelectorAll("[alt], [aria-label], [title], [placeholder]"))
    if (!element.closest(DATA) && element.checkVisibility())
      for (const name of ["alt", "aria-label", "title", "placeholder"])
        judge(element.getAttribute(name) ?? "", `${element.tagName.toLowerCase()}[${name}]`);
  judge(document.title, "title");
  return found;
})()"""
)


def test_every_text_of_every_page_is_marked(broker: Mosquitto, tmp_path: Path) -> None:
    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        commands = CommandClient(client)
        await asyncio.to_thread(commands.wait_online)
        client.publish("homeassistant/binary_sensor/door/config", json.dumps(DOOR), retain=True)
        client.publish("door", "ON", retain=True)
        assert (await asyncio.to_thread(commands.ask, "save", formats=["jpg"]))["ok"]
        number = "fetch('/api/events').then((answer) => answer.json()).then((rows) => rows[0]?.number)"
        await tab.until(f"{number}.then(Boolean)", "the event")
        found: list[str] = []
        pages = (*PAGES, "/sensors/front_door", f"/events/{await tab.value(number)}", "/offline", "/pair")
        for path in pages:
            await tab.go(console.url + path)
            await tab.until("document.readyState === 'complete' && document.querySelector('main') !== null")
            await tab.value("document.querySelectorAll('details').forEach((group) => { group.open = true; })")
            await asyncio.sleep(1)
            found += [f"{path}: {text}" for text in await tab.value(UNMARKED)]
        await tab.value("fetch('/logout', {method: 'POST'})")
        await tab.go(f"{console.url}/login")
        found += [f"/login: {text}" for text in await tab.value(UNMARKED)]
        assert found == [], "\n".join(found)

    served = {"enable": True, "port": free_port(), "fps": 5}
    (tmp_path / "node").mkdir()
    with RunningNode(tmp_path / "node", broker.port, mjpeg_server=served):
        tour(broker, tmp_path, steps, module="tests.support.pseudo_locale")
