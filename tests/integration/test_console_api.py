"""Refusals of the console's API: JSON for programs, pages for people, and words for the console's own scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")
pytest.importorskip("cryptography", reason="the extra console is not installed")

from tests.support.broker import Client, Mosquitto
from tests.support.chromium import Tab, find_chromium
from tests.support.console_tour import tour
from tests.support.running_console import Browser, RunningConsole

GUEST = {"name": "Max", "password": "old battery", "role": "guest", "cameras": []}


def test_the_api_refuses_with_json_and_pages_are_pages(broker: Mosquitto, tmp_path: Path) -> None:
    async def refusal(browser: Browser, method: str, path: str, **sent: object) -> tuple[int, str, str]:
        async with browser.session.request(method, path, **sent) as answer:  # type: ignore[arg-type]
            assert answer.headers["Content-Type"].startswith("application/json"), path
            body = json.loads(await answer.text())
            assert (body["ok"], body["data"]) == (False, {})
            return answer.status, body["code"], body["message"]

    async def visit(owner: Browser) -> None:
        assert (await owner.post_json("/api/accounts", GUEST))[0] == 201
        twice = "There is an account of this name already."
        assert await refusal(owner, "POST", "/api/accounts", json=GUEST) == (422, "bad_request", twice)
        assert await refusal(owner, "POST", "/api/accounts", data="x") == (415, "bad_request", "send application/json")
        status, code, message = await refusal(owner, "GET", "/api/nothing")
        assert (status, code, "openapi.json" in message) == (404, "bad_request", True)
        assert (await refusal(owner, "PUT", "/api/accounts"))[:2] == (405, "bad_request")
        foreign = {"Origin": "https://evil.example"}
        assert (await refusal(owner, "POST", "/api/accounts", json={}, headers=foreign))[:2] == (403, "forbidden")
        status, page = await owner.get("/api/nothing", Accept="text/html")
        assert (status, page.startswith("<!doctype html>")) == (404, True)
        async with Browser(console) as stranger:
            assert await refusal(stranger, "GET", "/api/nodes") == (401, "forbidden", "log in")
            assert (await stranger.get("/parts/tiles")) == (401, "log in\n")
            await stranger.log_in("Max", "old battery")
            assert (await refusal(stranger, "GET", "/api/accounts"))[:2] == (403, "forbidden")

    with RunningConsole(tmp_path / "console", broker.port) as console:
        console.visit(visit)


@pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")
def test_a_script_of_a_page_shows_the_message_alone(broker: Mosquitto, tmp_path: Path) -> None:
    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        del client, console
        for path, said in (("/api/accounts/x", "there is no such address"), ("/static/none.js", "no such file")):
            asked = f"import('/static/refusal.js').then(async (m) => m.messageOf(await fetch('{path}')))"
            assert (await tab.value(asked)).startswith(said)

    tour(broker, tmp_path, steps)
