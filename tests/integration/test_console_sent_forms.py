"""Forms that the browser itself sends, e.g. before the page's script was loaded: the answer is a whole page."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")
pytest.importorskip("cryptography", reason="the extra console is not installed")

from tests.support.axe import axe_source, violations_in_all_themes
from tests.support.broker import Client, Mosquitto
from tests.support.chromium import Tab, find_chromium
from tests.support.console_tour import announce, tour
from tests.support.running_console import PASSWORD, Browser, RunningConsole

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
MAX = {"name": "Max", "role": "guest", "password": PASSWORD}
# Form, page that it is on, fields, status, and a text of the answer; with status 303 the page that it leads to.
SENT = (
    ("/settings/accounts", "/settings/accounts", {**MAX, "password": "short"}, 422, "That did not work"),
    ("/settings/accounts", "/settings/accounts", MAX, 303, "/settings/accounts"),
    ("/settings/look", "/settings", {"theme": "dark"}, 303, "/settings"),
    ("/settings/look", "/settings", {"theme": "pink"}, 422, "That did not work"),
    ("/settings/rules", "/settings/rules", {"when": "camera:porch"}, 422, "That did not work"),
    ("/sensors", "/sensors", {"name": "Door", "topic": "t/door"}, 303, "/sensors/door"),
    ("/sensors/door", "/sensors/door", {"name": "Front door"}, 303, "/sensors/door"),
    ("/settings/channels", "/settings/devices", {"url": "nothing"}, 422, "Choose an account"),
    ("/pair/approve", "/settings/devices", {"code": "123456"}, 422, "No device shows this code now."),
    ("/hls/porch/share", "/cameras/porch", {"for": "1 h"}, 200, 'id="share-link"'),
    ("/mode", "/events?camera=porch", {"mode": "away"}, 303, "/events?camera=porch"),
    ("/pushes", "/events", {"on": "yes"}, 303, "/events"),
    ("/mode", "/events", {"mode": "asleep"}, 400, "The mode is home or away."),
    ("/settings/look", "/settings", {"theme": "x" * 5000}, 400, "more than 4096 characters"),
)


def test_a_form_that_the_browser_sends_is_answered_by_a_whole_page(broker: Mosquitto, tmp_path: Path) -> None:
    async def visit(owner: Browser) -> None:
        with broker.client() as client:
            announce(client, "porch")
            await owner.until("/api/nodes", lambda told: told["nodes"], "the node")
        for path, on, fields, status, said in SENT:
            told = {**HTML, "Referer": f"{console.url}{on}", "Origin": console.url}
            async with owner.session.post(path, data=fields, headers=told, allow_redirects=False) as answer:
                text = await answer.text()
                assert answer.status == status, f"{path} {fields}: {text}"
                if status == 303:
                    assert answer.headers["Location"] == said
                else:
                    assert ("<html" in text, "<nav" in text, said in text) == (True, True, True), text
        async with Browser(console) as stranger:
            told = {**HTML, "Referer": f"{console.url}/settings/rules"}
            async with stranger.session.post("/mode", data={}, headers=told, allow_redirects=False) as answer:
                assert (answer.status, answer.headers["Location"]) == (303, "/login?next=/settings/rules")
        for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
            status, text = await owner.post("/mode", {"mode": "home"}, **HTML, **headers)
            assert (status, "another site" in text.lower()) == (403, True), text

    with RunningConsole(tmp_path / "console", broker.port) as console:
        console.visit(visit)


@pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")
def test_without_script_a_form_is_answered_in_words_with_a_way_back(broker: Mosquitto, tmp_path: Path) -> None:
    source = axe_source()

    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        announce(client, "porch")
        await tab.go(f"{console.url}/settings/devices")
        await tab.value("document.querySelector('[action=\"/pair/approve\"] [name=code]').value = '123456'")
        await tab.value("document.querySelector('[action=\"/pair/approve\"]').submit()")  # which htmx does not see
        await tab.until("document.querySelector('h1')?.innerText === 'That did not work'", "the answer")
        assert "No device shows this code now." in await tab.text("main")
        assert await violations_in_all_themes(tab, source) == []
        await tab.click("main a.button")
        await tab.until("location.pathname === '/settings/devices'", "the page of the form")

    tour(broker, tmp_path, steps)
