"""Forms of the console: fields, validation errors, and where users find their own settings."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")
pytest.importorskip("cryptography", reason="the extra console is not installed")

from tests.support.broker import Client, Mosquitto
from tests.support.chromium import Tab, find_chromium
from tests.support.console_tour import announce, tour
from tests.support.running_console import DEADLINE_S, OWNER, Browser, RunningConsole

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


def test_whoever_opens_an_address_is_refused_by_a_page_that_says_the_truth(broker: Mosquitto, tmp_path: Path) -> None:
    html = {"Accept": "text/html"}

    async def visit(owner: Browser) -> None:
        with broker.client() as client:
            announce(client, "porch")
            await owner.until("/api/nodes", lambda told: told["nodes"], "the node")
        told = {"name": "Max", "role": "guest", "password": "correct horse", "cameras": "porch"}
        assert (await owner.post("/settings/accounts", told))[0] == 200
        async with Browser(owner.console) as guest:
            await guest.log_in("Max")
            status, page = await guest.get("/nothing", **html)
            assert (status, "There is no such page." in page, "<nav" in page) == (404, True, True), page
            assert (await guest.post("/nothing"))[0] == 404
        status, page = await owner.get("/media/porch/none", **html)
        assert (status, "<nav" in page) == (502, True), page
        async with Browser(owner.console) as stranger:
            ended = "/media/porch/none?by=x&expires=1&signature=y"
            status, page = await stranger.get(ended, **html)
            assert (status, "The link has expired" in page, "<nav" in page) == (403, True, False), page
            status, text = await stranger.get(ended)
            assert (status, text) == (403, "the link has expired, or its signature is wrong\n")
            assert (await stranger.get("/nothing", **html))[0] == 303, "a stranger learns of no path"
            assert (await stranger.get("/nothing"))[0] == 401
            status, page = await stranger.post("/login", {"name": "Max", "password": "wrong"})
            assert (status, page.count("autofocus")) == (401, 1)
            assert "autofocus" in page.partition('id="password"')[2]

    with RunningConsole(tmp_path / "console", broker.port) as console:
        console.visit(visit)


def test_a_sensor_with_a_long_past_shows_the_newest_and_keeps_the_rest_folded(
    broker: Mosquitto, tmp_path: Path
) -> None:
    async def until(owner: Browser, words: str, times: int) -> str:
        async with asyncio.timeout(DEADLINE_S):
            while (page := (await owner.get("/sensors/door"))[1]).count(words) < times:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return page

    async def visit(owner: Browser) -> None:
        told = '{"state_topic": "t/door", "object_id": "door", "unique_id": "door", "name": "Door"}'
        with broker.client() as client:
            client.publish("homeassistant/binary_sensor/door/config", told, retain=True)
            for turn in range(14):
                state, now = ("OFF", '"badge">off<') if turn % 2 else ("ON", '"badge motion">on<')
                client.publish("t/door", state, retain=True)
                await until(owner, f"<p><span class={now}", 1)
        page = await until(owner, '<li><span class="badge">', 13)
        newest, _, older = page.partition("<details>")
        assert newest.count('<li><span class="badge">') == 10
        assert older.count('<li><span class="badge">') >= 3

    with RunningConsole(tmp_path / "console", broker.port) as console:
        console.visit(visit)


def test_an_owner_sets_the_password_of_somebody_who_forgot_it(broker: Mosquitto, tmp_path: Path) -> None:
    async def visit(owner: Browser) -> None:
        for name, role in (("Max", "guest"), ("Eva", "owner")):
            made = {"name": name, "password": "old battery", "role": role}
            assert (await owner.post_json("/api/accounts", made))[0] == 201
        ids = {one["name"]: one["id"] for one in await owner.json("/api/accounts")}
        async with Browser(console) as max_:
            await max_.log_in("Max", "old battery")
            own = await max_.post(f"/settings/accounts/{ids['Eva']}/password", {"new": "taken over"})
            assert own[0] == 403, "owners alone"
            status, page = await max_.get("/settings/accounts", Accept="text/html")
            assert (status, "Not for this account" in page, 'href="/"' in page) == (403, True, True), page
            for name, new, status in (
                ("Max", "short", 422),
                (OWNER, "without the old", 422),
                ("Max", "new battery", 200),
            ):
                said = await owner.post(f"/settings/accounts/{ids[name]}/password", {"new": new})
                assert said[0] == status, said
            assert (await max_.get("/api/nodes"))[0] == 401, "the sessions of the old one have ended"
            assert (await max_.post("/login", {"name": "Max", "password": "old battery"}))[0] == 401
            await max_.log_in("Max", "new battery")
        assert "set the password of Max" in (await owner.get("/settings"))[1]

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
        await tab.until("fetch('/sensors').then((one) => one.text()).then((is) => is.includes('Door'))", "the sensor")
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


@pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")
def test_a_link_to_share_is_copied_with_a_button(broker: Mosquitto, tmp_path: Path) -> None:
    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        announce(client, "porch")
        await tab.until("fetch('/cameras/porch').then((answer) => answer.ok)", "the camera")
        await tab.send("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
        for width, is_secure in ((390, True), (1280, False)):
            await tab.look(width=width, height=844, phone=width < 500)
            await tab.go(f"{console.url}/cameras/porch")
            await tab.until("document.readyState === 'complete'")
            if not is_secure:  # as over plain HTTP
                await tab.value("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
                await tab.value("document.execCommand = (what) => (window.asked = what) === 'copy'")
            await tab.click("form:has([name=for]) button")
            await tab.until("document.querySelector('#share-link') !== null", "the link")
            await tab.click("[data-copy]")
            await tab.until("document.querySelector('[data-copy]').textContent === 'Copied'", "the copy")
            field = "document.getElementById('share-link')"
            assert await tab.value(f"{field}.selectionEnd === {field}.value.length"), "by hand, too"
        assert tab.complaints == []

    tour(broker, tmp_path, steps)


@pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")
def test_a_list_has_its_camera_and_its_day_again_on_the_way_back(broker: Mosquitto, tmp_path: Path) -> None:
    day = (datetime.now().astimezone() - timedelta(days=1)).strftime("%Y-%m-%d")
    chosen = "document.querySelector('#CAMERAS select[name=camera]')?.value === 'porch'"
    chosen += f" && document.querySelector('.day-picker input')?.value === {day!r}"

    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        announce(client, "porch")
        announce(client, "hall")
        await tab.until("fetch('/cameras/porch').then((answer) => answer.ok)", "the cameras")
        for page in ("events", "recordings"):
            await tab.go(f"{console.url}/{page}")
            await tab.until(f"document.querySelector('#{page} select[name=camera]') !== null")
            where = f"document.querySelector('#{page} select[name=camera]')"
            await tab.value(f"{where}.value = 'porch'; {where}.dispatchEvent(new Event('change'))")
            await tab.until("location.search === '?camera=porch'", "the address")
            await tab.value("document.querySelector('.day-picker button').click()")
            await tab.until(f"location.search === '?camera=porch&day={day}'", "the address")
            await tab.go(f"{console.url}/sensors")
            await tab.value("history.back()")
            await tab.until(f"location.pathname === '/{page}' && {chosen.replace('CAMERAS', page)}", "the choice again")
        assert tab.complaints == []

    tour(broker, tmp_path, steps)


def test_a_guest_without_cameras_is_told_who_chooses_them(broker: Mosquitto, tmp_path: Path) -> None:
    async def visit(owner: Browser) -> None:
        form = {"name": "Gast", "password": "another horse", "role": "guest"}
        assert (await owner.post("/settings/accounts", form))[0] == 200
        async with Browser(owner.console) as guest:
            await guest.log_in("Gast", "another horse")
            page = (await guest.get("/"))[1]
        assert "An owner chooses them" in page
        assert "start a node" not in page
        assert "start a node" in (await owner.get("/"))[1]

    with RunningConsole(tmp_path / "console", broker.port) as console:
        console.visit(visit)
