"""What a person is told while a button works and when nothing came of it, and where the focus is then."""

from __future__ import annotations

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
