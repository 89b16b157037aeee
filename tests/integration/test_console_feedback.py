"""What a person is told while a button works and when nothing came of it, and where the focus is then."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")
pytest.importorskip("cryptography", reason="the extra console is not installed")

from tests.support.broker import Client, Mosquitto
from tests.support.chromium import Tab, find_chromium
from tests.support.console_tour import announce, tour
from tests.support.running_console import RunningConsole

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")


def test_a_button_says_that_it_works_and_that_nothing_came_of_it(broker: Mosquitto, tmp_path: Path) -> None:
    said = "document.querySelector('#answer-porch').innerText"

    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        announce(client, "porch")
        await tab.until("document.querySelector('#foot-porch button:enabled') !== null", "the button")
        await tab.value(
            "document.querySelector('#answer-porch').innerHTML = '<span class=\"said\">Picture taken.</span>'"
        )
        os.kill(console.pid, signal.SIGSTOP)
        try:
            await tab.value("document.querySelector('#foot-porch button').click()")
            await tab.until(f"{said} === 'Working …'", "what is said while it works, in place of the older answer")
        finally:
            console.kill()
        await tab.until(f"{said} === 'The console did not answer. Try again.'", "what is said when nothing came of it")
        console.start()

    tour(broker, tmp_path, steps)


def test_the_bar_above_the_page_leaves_the_focus_where_somebody_pressed(broker: Mosquitto, tmp_path: Path) -> None:
    async def steps(tab: Tab, _client: Client, _console: RunningConsole) -> None:
        await tab.until("document.querySelector('#mode .choice')?.dataset.htmxPowered === 'true'", "the bar")
        await tab.value("document.querySelector('#mode [value=away]').focus()")
        await tab.press("Enter", 13, "\r")
        await tab.until("document.querySelector('#mode [value=away]').ariaPressed === 'true'", "the mode")
        await tab.until("document.activeElement.value === 'away'", "the focus")
        await tab.value("document.querySelector('#mode .bell').focus()")
        await tab.press("Enter", 13, "\r")
        await tab.until("document.querySelector('#pushes').matches(':popover-open')", "the form")
        await tab.value("document.querySelector('#pushes .buttons button').focus()")
        await tab.press("Enter", 13, "\r")
        await tab.until("document.querySelector('#mode .bell span') !== null", "the bell that is off")
        await tab.until("document.activeElement.classList.contains('bell')", "the focus")

    tour(broker, tmp_path, steps)


def test_a_form_that_is_sent_before_its_script_has_come_puts_no_password_into_the_address(
    broker: Mosquitto, tmp_path: Path
) -> None:
    async def steps(tab: Tab, _client: Client, console: RunningConsole) -> None:
        await tab.send("Network.setBlockedURLs", urls=["*htmx.min.js"])
        await tab.go(f"{console.url}/settings")
        await tab.until("document.querySelector('[name=old]') !== null", "the form")
        await tab.value("document.querySelector('[name=old]').value = 'wrong horse'")
        await tab.write("[name=new]", "a secret of mine")
        await tab.until("document.body?.innerText.includes('not the old password')", "the refusal")
        assert not [asked for asked in tab.requests if "secret" in asked or "horse" in asked]

    tour(broker, tmp_path, steps)


def test_a_double_click_makes_one_rule(broker: Mosquitto, tmp_path: Path) -> None:
    cards = "document.querySelectorAll('form[action$=\"/remove\"]').length"

    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        announce(client, "porch")
        await tab.go(f"{console.url}/settings/rules")
        await tab.until("document.querySelector('#new form')?.dataset.htmxPowered === 'true'", "the form")
        await tab.until("document.querySelector('#new [name=cameras]') !== null", "the camera")
        await tab.value("document.querySelector('#new [name=cameras]').click()")
        await tab.value("(() => { for (let at = 0; at < 5; at++) document.querySelector('#new button').click(); })()")
        await tab.until(f"{cards} >= 1", "the rule")
        await tab.value("document.querySelector('#new [name=cameras]').click()")
        await tab.value("document.querySelector('#new [name=name]').value = 'Another'")
        await tab.until("document.querySelector('#new form')?.dataset.htmxPowered === 'true'", "the form")
        await tab.value("document.querySelector('#new button').click()")
        await tab.until("document.querySelector('main')?.innerText.includes('Another')", "the other rule")
        assert await tab.value(cards) == 2

    tour(broker, tmp_path, steps)


def test_the_picture_of_an_event_is_shown_when_it_comes_and_the_focus_stays_at_its_row(
    broker: Mosquitto, tmp_path: Path
) -> None:
    stage = "document.querySelector('.stage').innerText"
    focused = "document.activeElement.closest('[data-row]') !== null"

    def happens(client: Client, name: str, **more: str) -> None:
        event = {"event_type": "triggered", "id": name, "at": "2026-11-30T20:00:00Z", **more}
        client.publish("pi_cam_node/porch/event/triggered", json.dumps(event))

    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        announce(client, "porch")
        await tab.go(f"{console.url}/events")
        await tab.until("document.getElementById('unreached').hidden && document.readyState === 'complete'")
        happens(client, "first")
        await tab.until("document.querySelector('.event a') !== null", "the event")
        await tab.click(".event a")
        await tab.until(f"{stage}.includes('no picture')", "that there is none yet")
        happens(client, "first", picture_id="p1")
        await tab.until(f"{stage}.includes('cannot be reached')", "the picture, which the node does not hand out")
        await tab.press("Escape", 27)
        await tab.until(f"document.querySelector('dialog[open]') === null && {focused}", "the focus at the row")
        happens(client, "second")
        await tab.until("document.querySelectorAll('.event').length === 2", "the other event")
        assert await tab.value(focused), "of a list that was drawn anew"
        await tab.go(f"{console.url}/events/2")
        await tab.until("document.getElementById('unreached').hidden && document.readyState === 'complete'")
        await tab.until(f"{stage}.includes('no picture')", "that there is none yet")
        happens(client, "second", picture_id="p2")
        await tab.until(f"{stage}.includes('cannot be reached')", "the picture on the page of the event")

    tour(broker, tmp_path, steps)


def test_the_open_page_of_a_camera_that_is_gone_says_so_once(broker: Mosquitto, tmp_path: Path) -> None:
    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        announce(client, "porch")
        await tab.go(f"{console.url}/cameras/porch")
        await tab.until("document.getElementById('unreached')?.hidden && document.readyState === 'complete'")
        client.publish("pi_cam_node/porch/availability", "", retain=True)
        await tab.until("document.querySelector('h1')?.innerText === 'Not found'", "the page to say so")
        words = " ".join((await tab.text("main")).split())
        assert words == "Not found There is no such camera. All cameras"

    tour(broker, tmp_path, steps)
