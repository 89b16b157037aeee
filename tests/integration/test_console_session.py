"""Expiry of sessions with open pages, and redirects after login."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")
pytest.importorskip("cryptography", reason="the extra console is not installed")

from tests.support.broker import Client, Mosquitto
from tests.support.chromium import Tab, find_chromium
from tests.support.console_tour import announce, tour
from tests.support.running_console import OWNER, PASSWORD, Browser, RunningConsole
from tests.support.running_node import REPOSITORY

WITH_BROWSER = pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")
HTML = {"Accept": "text/html"}


async def end_sessions(owner: Browser) -> None:
    """End every session of the owner but that of this browser."""
    _, page = await owner.get("/settings/accounts")
    hashes = [part.partition("/end")[0] for part in page.split("/settings/sessions/")[1:]]
    own = hashes.pop()
    for name in hashes:
        assert (await owner.post(f"/settings/sessions/{name}/end"))[0] == 200
    assert own


@WITH_BROWSER
def test_a_page_whose_session_has_ended_asks_for_the_login_and_comes_back(broker: Mosquitto, tmp_path: Path) -> None:
    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        announce(client, "porch")
        await tab.go(f"{console.url}/events?camera=porch")
        await tab.until("document.getElementById('unreached').hidden && document.readyState === 'complete'")
        async with Browser(console) as owner:
            await owner.log_in()
            await end_sessions(owner)
        await tab.until("location.pathname === '/login'", "the login, in place of the page")
        await tab.until("document.activeElement?.id === 'name'")
        await tab.value(f"document.getElementById('name').value = {OWNER!r}")
        await tab.write("#password", "a guess")
        await tab.until(
            "document.querySelector('.refused')?.innerText && document.readyState === 'complete'", "a refusal"
        )
        await tab.write("#password", PASSWORD)
        await tab.until("location.pathname + location.search === '/events?camera=porch'", "the page again")

    tour(broker, tmp_path, steps)


@WITH_BROWSER
def test_what_was_typed_stays_while_a_session_ends_and_is_sent_after_the_next_login(
    broker: Mosquitto, tmp_path: Path
) -> None:
    said = "document.querySelector('#made').innerText"

    async def steps(tab: Tab, _client: Client, console: RunningConsole) -> None:
        await tab.go(f"{console.url}/settings/accounts")
        await tab.until("document.querySelector('[name=name]').form.dataset.htmxPowered === 'true'", "the script")
        await tab.click("[name=name]")
        await tab.send("Input.insertText", text="Berta")
        async with Browser(console) as owner:
            await owner.log_in()
            await end_sessions(owner)
            await tab.until("!document.getElementById('ended').hidden", "that the session has ended")
            await tab.write("[name=password]", "correct horse")
            await tab.until(f"{said} === 'Nothing was done: the session has ended.'", "what is said beside the button")
            assert await tab.value("location.pathname") == "/settings/accounts"
            form = f"new URLSearchParams({{name: {OWNER!r}, password: {PASSWORD!r}}})"
            assert await tab.value(f"fetch('/login', {{method: 'POST', body: {form}}}).then((answer) => answer.ok)")
            await tab.until("document.getElementById('ended').hidden", "that there is one again")
            assert await tab.value("document.querySelector('[name=name]').value") == "Berta"
            await tab.write("[name=password]", "correct horse")
            await owner.until("/api/accounts", lambda all_: "Berta" in [one["name"] for one in all_], "the account")

    tour(broker, tmp_path, steps)


@WITH_BROWSER
def test_a_wall_whose_account_is_removed_shows_a_code_and_is_paired_again(broker: Mosquitto, tmp_path: Path) -> None:
    code = "document.querySelector('.code')?.innerText"

    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        announce(client, "porch")
        async with Browser(console) as owner:
            await owner.log_in()
            await tab.value("fetch('/logout', {method: 'POST'})")
            await tab.go(f"{console.url}/pair")
            for is_removed in (True, False):
                await tab.until(f"location.pathname === '/pair' && Boolean({code})", "a code")
                await owner.post("/pair/approve", {"code": await tab.value(code), "name": "Kitchen"})
                await tab.until("location.pathname === '/kiosk'", "the wall")
                if is_removed:
                    walls = [one["id"] for one in await owner.json("/api/accounts") if one["role"] == "kiosk"]
                    assert (await owner.post(f"/settings/accounts/{walls[0]}/remove"))[0] == 200
        await tab.go(f"{console.url}/pair")
        await tab.until("location.pathname === '/kiosk'", "the wall, which needs no other code")

    tour(broker, tmp_path, steps)


def test_a_login_leads_to_the_page_that_was_asked_for_and_nowhere_else(broker: Mosquitto, tmp_path: Path) -> None:
    async def visit(browser: Browser) -> None:
        form = {"name": OWNER, "password": PASSWORD}
        async with browser.session.get("/events/7?x=1", headers=HTML, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/login?next=/events/7?x%3D1")
        _, page = await browser.get("/login?next=/events/7?x%3D1", **HTML)
        assert 'name="next" value="/events/7?x=1"' in page
        htmx = {**HTML, "HX-Request": "true", "HX-Current-URL": f"{console.url}/settings/rules"}
        async with browser.session.post("/settings/rules", headers=htmx) as answer:
            assert (answer.status, answer.headers["HX-Redirect"]) == (401, "/login?next=/settings/rules")
        for wanted in (
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/a\r\nb: c",
        ):
            async with browser.session.post("/login", data={**form, "next": wanted}, allow_redirects=False) as answer:
                assert (answer.status, answer.headers["Location"]) == (303, "/"), wanted
        async with browser.session.get("/login?next=/sensors", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/sensors"), "who is logged in goes on"

    with RunningConsole(tmp_path / "console", broker.port) as console:
        console.visit(lambda browser: browser.get("/"))
        console.visit(visit, as_owner=False)


def test_an_owner_who_forgot_the_password_gets_another_on_the_consoles_machine(
    broker: Mosquitto, tmp_path: Path
) -> None:
    with RunningConsole(tmp_path / "console", broker.port) as console:

        def told(name: str, password: str) -> tuple[int, str]:
            command = [
                sys.executable,
                "-m",
                "pi_cam_node",
                "console",
                "password",
                name,
                "--config",
                str(console.config),
            ]
            done = subprocess.run(
                command, input=f"{password}\n", cwd=REPOSITORY, capture_output=True, text=True, check=False
            )
            return done.returncode, done.stdout + done.stderr

        async def log_in(browser: Browser) -> None:
            await browser.log_in()

        async def log_in_again(browser: Browser) -> None:
            form = {"name": OWNER, "password": PASSWORD}
            assert (await browser.post("/login", form))[0] == 401, "the old password"
            await browser.log_in(OWNER, "another horse")
            _, page = await browser.get("/settings/accounts")
            assert page.count("End this session") == 1, "those of the old one have ended"

        console.visit(log_in)
        for name, password, words in (
            ("Eve", "another horse", f"there are: {OWNER}."),
            (OWNER, "short", "at least 8 characters"),
        ):
            code, said = told(name, password)
            assert (code, words in said) == (2, True), said
        assert told(OWNER.lower(), "another horse")[0] == 0
        console.stop()
        console.start()
        console.visit(log_in_again, as_owner=False)


def test_a_wall_that_is_paired_again_keeps_its_name_and_its_cameras(broker: Mosquitto, tmp_path: Path) -> None:
    async def pair(owner: Browser) -> list[tuple[str, list[str] | None]]:
        async with Browser(console) as wall:
            found = re.search(r'class="code">([A-Z2-9]{6})<', (await wall.get("/pair"))[1])
            assert found is not None
            form = {"code": found[1], "name": "Kitchen"}
            told = await asyncio.gather(*(owner.post("/pair/approve", form) for _ in range(2)))
            assert sorted(status for status, _ in told) == [200, 422], "a double click"
            assert (await wall.get("/pair"))[0] == 303
            return [
                (one["name"], one["cameras"]) for one in await owner.json("/api/accounts") if one["role"] == "kiosk"
            ]

    async def visit(owner: Browser) -> None:
        with broker.client() as client:
            announce(client, "cam7", "Porch")
            await owner.until("/api/nodes", lambda told: told["nodes"], "the node")
        assert await pair(owner) == [("Kitchen", None)]
        (number,) = [one["id"] for one in await owner.json("/api/accounts") if one["role"] == "kiosk"]
        form = {"role": "kiosk", "cameras": "cam7"}
        assert (await owner.post(f"/settings/accounts/{number}/cameras", form))[0] == 200
        page = (await owner.get("/settings/accounts"))[1]
        assert "(Porch)" in page, "people know cameras by name"
        kitchen = page.partition("<h2>Kitchen</h2>")[2]
        (ended,) = re.findall(r"/settings/sessions/[0-9a-f]+/end", kitchen)
        assert (await owner.post(ended))[0] == 200
        assert await pair(owner) == [("Kitchen", ["cam7"])]
        names = [name for name, _ in await pair(owner)]
        assert (len(names), len(set(names))) == (2, 2), "another screen of the same name"

    with RunningConsole(tmp_path / "console", broker.port) as console:
        console.visit(visit)


@WITH_BROWSER
def test_a_page_opened_while_the_console_is_away_comes_once_it_answers(broker: Mosquitto, tmp_path: Path) -> None:
    """Nobody presses a link on a wall; a proxy's answer (502) is not taken for the console's."""

    async def away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\naway")
        writer.close()

    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        announce(client, "porch")
        await tab.until("navigator.serviceWorker.controller !== null", "the service worker")
        await asyncio.to_thread(console.stop)
        proxy = await asyncio.start_server(away, "127.0.0.1", console.port, reuse_address=True)
        await tab.go(f"{console.url}/kiosk")
        await tab.until("document.title === 'Not reached'", "the page in place of the proxy's")
        tab.requests.clear()
        await tab.until_asked("/healthz")
        proxy.close()
        await asyncio.to_thread(console.start)
        await tab.until("location.pathname === '/kiosk' && document.title === 'Wall'", "the wall")

    tour(broker, tmp_path, steps)
