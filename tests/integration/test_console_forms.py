"""Forms of the console: what they ask for, how they refuse, and where people find their own things."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")
pytest.importorskip("cryptography", reason="the extra console is not installed")

from tests.support.broker import Client, Mosquitto
from tests.support.chromium import Tab, find_chromium
from tests.support.console_tour import announce, tour
from tests.support.running_console import Browser, RunningConsole

RULE = {"name": "Door", "when": "camera:porch", "action": "save", "again_after": "60"}


def test_a_rule_is_refused_in_words_and_half_a_span_of_time_is_not_dropped(broker: Mosquitto, tmp_path: Path) -> None:
    async def visit(owner: Browser) -> None:
        for given, words in (
            ({}, "Choose a camera to take a picture of, or somebody to push to."),
            ({"cameras": "porch", "from": "22:00"}, "Give both times of day, or neither."),
            ({"cameras": "porch", "to": "06:00"}, "Give both times of day, or neither."),
        ):
            status, said = await owner.post("/settings/rules", {**RULE, **given})
            assert (status, words in said) == (422, True), said
        whole = {"cameras": "porch", "from": "22:00", "to": "06:00"}
        assert (await owner.post("/settings/rules", {**RULE, **whole}))[0] == 200
        _, page = await owner.get("/settings/rules")
        assert "When porch sees motion, between 22:00 and 06:00: picture from porch." in page

    with RunningConsole(tmp_path / "console", broker.port) as console:
        console.visit(visit)


def test_an_address_without_a_page_is_refused_in_words(broker: Mosquitto, tmp_path: Path) -> None:
    async def visit(owner: Browser) -> None:
        for path, words in (("/nothing", "There is no such page."), ("/events/99", "There is no such event.")):
            status, page = await owner.get(path, Accept="text/html")
            assert (status, words in page, "404" in page) == (404, True, False), page
        _, said = await owner.post("/settings/channels", {"url": "nothing", "account": "nobody"})
        assert "Choose an account" in said, "a sentence begins with a capital letter"

    with RunningConsole(tmp_path / "console", broker.port) as console:
        console.visit(visit)


@pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")
def test_a_form_asks_for_what_fits_and_the_settings_begin_with_ones_own(broker: Mosquitto, tmp_path: Path) -> None:
    """The fields of a sensor are not those of a camera; the theme and the password come before the lists."""
    shown = "[...document.querySelectorAll('#new :is(.of-sensor, .of-camera, .of-past)')]"
    shown += ".filter((one) => one.checkVisibility()).map((one) => one.className).join()"

    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        announce(client, "porch", "A porch with quite a long name, as people have them: behind the hedge")
        told = '{"state_topic": "t/door", "object_id": "door", "unique_id": "door", "name": "Door"}'
        client.publish("homeassistant/binary_sensor/door/config", told, retain=True)
        await tab.go(f"{console.url}/settings/rules?sensor=door")
        await tab.until(f"{shown} === 'of-sensor,of-past'", "the fields of a sensor")
        await tab.value("document.querySelector('[name=when]').value = 'camera:porch'")
        await tab.value("document.querySelector('[name=action]').value = 'save'")
        await tab.until(f"{shown} === 'of-camera'", "the fields of a camera")
        tabs = "[...document.querySelectorAll('.tabs a')]"
        for page in ("/settings", "/settings/accounts", "/settings/devices", "/settings/rules"):
            await tab.go(console.url + page)
            await tab.until("document.readyState === 'complete'")
            assert await tab.value(f"{tabs}.length") == 5, f"the tabs of {page}"
            assert await tab.value(f"{tabs}.every((one) => one.offsetWidth <= 240)"), f"long names on {page}"
        await tab.go(f"{console.url}/settings")
        heads = await tab.value("[...document.querySelectorAll('main h2')].map((one) => one.textContent)")
        assert heads == ["This console", "How it looks", "Your password", "Who did what", "Settings in force"]
        await tab.go(f"{console.url}/settings/accounts")
        rows = "[...document.querySelectorAll('.rows li')].map((one) => one.innerText.includes('this browser'))"
        assert (await tab.value(rows)).count(True) == 1, "which of several sessions is this one"
        assert tab.complaints == []

    tour(broker, tmp_path, steps)
