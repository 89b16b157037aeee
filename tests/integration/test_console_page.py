"""The console's pages in a real browser: content security policy, narrow windows, many cameras, stored choices."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")
pytest.importorskip("cryptography", reason="the extra console is not installed")

from aiohttp import web

from tests.support.broker import Client, Mosquitto, free_port
from tests.support.chromium import Tab, find_chromium
from tests.support.console_tour import PAGES, announce, picture, tour
from tests.support.running_console import RunningConsole
from tests.support.running_node import CommandClient, RunningNode

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")

# What makes the page scroll sideways.
WIDER = """((width) => (document.documentElement.scrollWidth <= width ? [] : [...document.querySelectorAll("body *")]
  .filter((one) => one.getBoundingClientRect().right > width + 1 && !one.closest(".strip, .tabs"))
  .map((one) => `${one.tagName} ${one.className}`)))"""
DRAWN = (
    "[...document.querySelectorAll('.screen')].filter((one) => one.querySelector('.veil').textContent === '').length"
)


def test_every_page_keeps_its_policy_and_fits_a_phone(broker: Mosquitto, tmp_path: Path) -> None:
    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        announce(client, "porch", "A porch with quite a long name, as people have them")
        account = "{name: 'W'.repeat(60), password: 'correct horse', role: 'guest'}"
        posted = f"{{method: 'POST', body: new URLSearchParams({account})}}"
        assert await tab.value(f"fetch('/settings/accounts', {posted}).then((answer) => answer.status)") == 200
        for width, is_dark in ((390, True), (1280, False)):
            await tab.look(width=width, height=844, dark=is_dark, phone=width < 500)
            for path in PAGES:
                await tab.go(console.url + path)
                await tab.until("document.querySelector('main') !== null")
                await asyncio.sleep(0.3)
                assert await tab.value(f"{WIDER}({width})") == [], f"{path} at {width} px"
                await tab.until("[...document.querySelectorAll('time')].every((one) => 'worded' in one.dataset)")
        assert tab.complaints == []
        await tab.look(width=320, height=700, phone=True)
        await tab.go(console.url)
        tops = "[...document.querySelectorAll('.brand, .choice, .bell, .leave')].map((one) => one.offsetTop)"
        assert await tab.value(f"Math.max(...{tops}) - Math.min(...{tops}) < 10"), "the bar is one line"
        await tab.until(f"{DRAWN} === 1", "the live picture")
        await tab.until("navigator.serviceWorker.controller !== null", "the service worker")
        kept = (
            "caches.keys().then((all) => Promise.all(all.map((one) => caches.open(one).then((cache) => cache.keys()))))"
        )
        names = await tab.value(f"{kept}.then((all) => all.flat().map((one) => new URL(one.url).pathname).sort())")
        assert names == [
            "/offline",
            "/static/base.css",
            "/static/console.css",
            "/static/icon.svg",
            "/static/offline.js",
        ]

    tour(broker, tmp_path, steps)


def test_twelve_cameras_in_one_tab_and_the_rest_still_answers(broker: Mosquitto, tmp_path: Path) -> None:
    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        await tab.look(width=1600, height=4000)
        for number in range(12):
            announce(client, f"camera{number:02}")
        await tab.go(console.url)
        await tab.until(f"{DRAWN} === 12", "twelve pictures")
        late = "new Promise((done) => setTimeout(done, 5000, 'late'))"
        answer = f"Promise.race([fetch('/healthz').then((answer) => answer.text()), {late}])"
        assert await tab.value(answer) == "ok"
        await tab.go(f"{console.url}/events")
        assert "Events" in await tab.text("main h1")

    tour(broker, tmp_path, steps)


def test_a_part_that_changes_leaves_the_focus_and_says_nothing_old(broker: Mosquitto, tmp_path: Path) -> None:
    async def steps(tab: Tab, client: Client, _console: RunningConsole) -> None:
        announce(client, "porch")
        await tab.until("document.querySelector('#foot-porch button') !== null", "the tile")
        await tab.until(f"{DRAWN} === 1", "the live picture")
        await tab.value("document.querySelector('#foot-porch button:nth-of-type(2)').focus()")
        client.publish("pi_cam_node/porch/state/motion", "ON", retain=True)
        await tab.until("document.querySelector('#foot-porch .badge.motion') !== null", "motion")
        assert await tab.value("document.activeElement.textContent.trim()") == "5 s ago"
        client.publish("pi_cam_node/porch/state/privacy", "ON", retain=True)
        await tab.until("document.querySelector('.veil').textContent === 'Privacy is on.'", "privacy")
        pixels = "document.querySelector('canvas').getContext('2d').getImageData(0, 0, 320, 240).data"
        assert await tab.value(f"[...{pixels}].every((one) => one === 0)")
        last_button = "document.querySelector('#foot-porch .buttons button:last-of-type')"
        await tab.until(f"{last_button}.textContent === 'End privacy' && !{last_button}.disabled", "the button")
        broker.kill()
        await tab.until(f"{last_button}.disabled", "no buttons without a broker")
        broker.start()
        await tab.until(f"!{last_button}.disabled", "buttons again")

    tour(broker, tmp_path, steps)


def test_a_page_says_that_the_console_is_away_and_finds_it_again_behind_a_proxy(
    broker: Mosquitto, tmp_path: Path
) -> None:
    """A proxy that answers in the console's place makes browsers give up by themselves."""

    async def steps(tab: Tab, _client: Client, console: RunningConsole) -> None:
        refused = asyncio.Event()

        async def refuse(request: web.BaseRequest) -> web.Response:
            if request.path == "/changes":
                refused.set()
            return web.Response(status=502)

        await tab.until("document.getElementById('unreached')?.hidden")
        await tab.value("document.body.addEventListener('changed-health', () => { document.heardAgain = true; })")
        await asyncio.to_thread(console.stop)
        proxy = web.ServerRunner(web.Server(refuse))
        await proxy.setup()
        await web.TCPSite(proxy, "127.0.0.1", console.port, reuse_address=True).start()
        try:
            await asyncio.wait_for(refused.wait(), 30)
            await tab.until("!document.getElementById('unreached').hidden", "the page to say so")
        finally:
            await proxy.cleanup()
        await tab.value("document.heardAgain = false")
        await asyncio.to_thread(console.start)
        await tab.until("document.getElementById('unreached').hidden && document.heardAgain", "the page to find it")

    tour(broker, tmp_path, steps)


def test_recordings_of_a_node_are_shown_kept_and_deleted(broker: Mosquitto, tmp_path: Path) -> None:
    """The lists and the player are those of the node's own page, fed by the console."""
    (tmp_path / "node").mkdir()
    shows = "document.querySelectorAll('#recordings li').length"

    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        commands = CommandClient(client)
        await asyncio.to_thread(commands.wait_online)
        for _ in range(2):
            assert (await asyncio.to_thread(commands.ask, "save", formats=["jpg"]))["ok"]
        await tab.go(f"{console.url}/recordings")
        await tab.until(f"{shows} === 2", "two pictures")
        await tab.until("document.querySelector('#recordings img').naturalWidth > 0", "a thumbnail by the console")
        await tab.click("#recordings li a")
        await tab.until("document.querySelector('dialog[open] .stage img')?.naturalWidth > 0", "the picture")
        await tab.until("document.querySelector('dialog[open] .keep')?.innerText === 'Keep'")
        await tab.click("dialog[open] .keep")
        await tab.until("document.querySelector('dialog[open] .keep')?.innerText === 'Keep no longer'")
        await tab.press("ArrowRight", 39)
        await tab.until(
            "document.querySelector('dialog[open] .delete')?.innerText === 'Delete picture'", "the older one"
        )
        await tab.click("dialog[open] .delete")
        await tab.until("document.querySelector('dialog[open] .delete').innerText === 'Really delete?'")
        await tab.click("dialog[open] .delete")
        await tab.until(f"{shows} === 1", "one picture left")
        listed = (await asyncio.to_thread(commands.ask, "media"))["data"]["media"]
        assert [one["kept"] for one in listed] == [True], "the node keeps the one and has deleted the other"
        await tab.go(f"{console.url}/events")
        await tab.until("document.querySelectorAll('#events .event').length === 2", "the events of both")
        assert "Picture taken" in await tab.text("#events .event")
        number = await tab.value("fetch('/api/events').then((answer) => answer.json()).then((rows) => rows[0].number)")
        await tab.go(f"{console.url}/events/{number}")
        await tab.until("document.querySelector('#player .stage')?.childElementCount === 1", "the player on its page")
        assert tab.complaints == []

    served = {"enable": True, "port": free_port(), "fps": 5}
    with RunningNode(tmp_path / "node", broker.port, mjpeg_server=served):
        tour(broker, tmp_path, steps)


def test_times_stay_in_the_readers_zone_when_a_part_is_fetched_again(broker: Mosquitto, tmp_path: Path) -> None:
    shown = "[...document.querySelectorAll('#rooms time')].map((one) => one.textContent).join()"

    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        told = '{"state_topic": "t/door", "object_id": "door", "unique_id": "door", "name": "Door"}'
        client.publish("homeassistant/binary_sensor/door/config", told, retain=True)
        client.publish("t/door", "OFF", retain=True)
        await tab.go(f"{console.url}/sensors")
        await tab.until(f"{shown} !== '' && !{shown}.includes('UTC')", "the time of the sensor")
        for state in ("on", "off", "on"):
            client.publish("t/door", state.upper())
            await tab.until(f"document.querySelector('#rooms .badge')?.textContent === '{state}'", state)
            await tab.until(f"!{shown}.includes('UTC')", "the time in the reader's zone")
        assert tab.complaints == []

    tour(broker, tmp_path, steps)


# News come before the list has the answer to the last question, as over a slow connection.
NEWS = """(() => { const asked = fetch; window.fetch = async (path, ...rest) => {
  if (String(path).startsWith("/api/events")) await new Promise((done) => setTimeout(done, 400));
  return asked(path, ...rest); };
  setInterval(() => document.body.dispatchEvent(new CustomEvent("changed-events")), 20); })()"""


def test_a_list_goes_on_where_news_come_faster_than_answers_and_so_does_that_of_a_camera(
    broker: Mosquitto, tmp_path: Path
) -> None:
    def happens(client: Client, name: str) -> None:
        event = {"event_type": "triggered", "id": name, "at": "2026-11-30T20:00:00Z"}
        client.publish("pi_cam_node/porch/event/triggered", json.dumps(event))

    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        announce(client, "porch")
        await tab.go(f"{console.url}/cameras/porch")
        await tab.until("document.getElementById('unreached').hidden && document.readyState === 'complete'")
        happens(client, "bell")
        await tab.until("document.querySelector('.strip').innerText.includes('Triggered')", "the event of the camera")
        await tab.go(f"{console.url}/events")
        await tab.until("document.querySelectorAll('.event').length === 1", "the list")
        await tab.value(NEWS)
        happens(client, "gate")
        await tab.until("document.querySelectorAll('.event').length === 2", "the new event")

    tour(broker, tmp_path, steps)


# The first decoder never answers.
HANGS = """(() => { const decode = createImageBitmap.bind(window); window.hung = 0;
  window.createImageBitmap = (blob) => (window.hung++ ? decode(blob) : new Promise(() => undefined)); })()"""
# Whether the canvas of a camera is empty.
EMPTY = """(() => { const canvas = document.querySelector("[data-camera=porch] canvas");
  return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.every((one) => one === 0); })()"""


def test_a_decoder_that_never_answers_costs_one_picture(broker: Mosquitto, tmp_path: Path) -> None:
    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        announce(client, "porch")
        await tab.go(console.url)
        await tab.until(f"{DRAWN} === 1", "the first picture")
        await tab.value(HANGS)
        for colour in ("#aa0000", "#00aa00", "#0000aa") * 4:
            client.publish("pi_cam_node/porch/frame", picture(colour), retain=True)
            await asyncio.sleep(0.5)
        client.publish("pi_cam_node/porch/frame", picture("#ff0000"), retain=True)
        red = "document.querySelector('canvas').getContext('2d').getImageData(9, 9, 1, 1).data"
        await tab.until(f"window.hung > 1 && {red}[0] > 200", "a picture after the one that hangs")

    tour(broker, tmp_path, steps)


def test_a_camera_out_of_view_is_emptied_by_privacy_and_live_when_it_is_scrolled_to(
    broker: Mosquitto, tmp_path: Path
) -> None:
    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        names = ("porch", "a_last", "b_last", "c_last")
        for name in names:
            announce(client, name, "A first" if name == "porch" else name)
        await tab.look(width=390, height=600, phone=True)
        await tab.go(console.url)
        await tab.until(f"{DRAWN} === {len(names)}", "all pictures, of those out of view, too")
        await tab.value("scrollTo(0, document.body.scrollHeight)")
        await tab.until("document.querySelector('[data-camera=porch]').getBoundingClientRect().bottom < 0")
        client.publish("pi_cam_node/porch/availability", "offline", retain=True)
        await tab.until("/Offline/.test(document.querySelector('[data-camera=porch]').innerText)")
        client.publish("pi_cam_node/porch/availability", "online", retain=True)
        await tab.until(f"{DRAWN} === {len(names)}", "its return, out of view")
        client.publish("pi_cam_node/porch/state/privacy", "ON", retain=True)
        await tab.until(EMPTY, "an empty canvas")

    tour(broker, tmp_path, steps)


def test_what_removes_something_is_pressed_twice_and_a_code_that_ended_is_replaced(
    broker: Mosquitto, tmp_path: Path
) -> None:
    loaded = "document.readyState === 'complete'"  # with its scripts

    async def steps(tab: Tab, _client: Client, console: RunningConsole) -> None:
        await tab.go(f"{console.url}/settings/accounts")
        await tab.until(loaded)
        form = "document.querySelector('#made').closest('form')"
        await tab.value(f"{form}.querySelector('[name=name]').value = 'Max'")
        await tab.value(f"{form}.querySelector('[name=password]').value = 'horse battery'")
        await tab.value(f"{form}.querySelector('button').click()")
        button = "[...document.querySelectorAll('button.danger')].find((one) => /Max|Really/.test(one.textContent))"
        await tab.until(f"{button} !== undefined && {loaded}", "the account")
        await tab.value(f"{button}.click()")
        assert await tab.value(f"{button}.textContent") == "Really remove?"
        second = "new MouseEvent('click', {bubbles: true, cancelable: true, detail: 2})"
        await tab.value(f"{button}.dispatchEvent({second})")  # of a double click
        assert await tab.value("fetch('/api/accounts').then((said) => said.json()).then((all) => all.length)") == 2
        await tab.value(f"{button}.click()")
        await tab.until(
            f"{button} === undefined && document.querySelector('time[data-worded]') !== null", "the account to go"
        )
        assert await tab.value("fetch('/api/accounts').then((said) => said.json()).then((all) => all.length)") == 1
        when = "document.querySelector('time[datetime]').textContent"
        today = await tab.value(when)
        await tab.pass_midnight()
        await tab.until(f"{when}.length > {len(today)} && {when}.endsWith({today!r})", "the date of yesterday")
        await tab.go(f"{console.url}/pair")
        await tab.until(loaded)
        code = await tab.value("document.querySelector('.code').textContent")
        await asyncio.to_thread(console.stop)
        await asyncio.to_thread(console.start)  # which knows no code any more
        await tab.until(f"![{code!r}, ''].includes(document.querySelector('.code').textContent)", "another code")
        assert tab.complaints == []

    tour(broker, tmp_path, steps)
