"""Live video of a node through the console: rights, messages, and playback in a browser."""

from __future__ import annotations

import asyncio
import html
import json
import re
from pathlib import Path

import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")
pytest.importorskip("cryptography", reason="the extra console is not installed")
pytest.importorskip("av", reason="the extra video is not installed")

from tests.support.broker import Mosquitto, free_port
from tests.support.chromium import browsing, find_chromium
from tests.support.running_console import DEADLINE_S, OWNER, PASSWORD, Browser, RunningConsole
from tests.support.running_node import CommandClient, RunningNode

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")

PLAYING = "document.querySelector('video').readyState >= 2 && document.querySelector('video').currentTime > 0"


def test_a_browser_plays_it_by_the_console_until_privacy_is_on(broker: Mosquitto, tmp_path: Path) -> None:
    (tmp_path / "node").mkdir()

    async def visit(owner: Browser) -> None:
        await owner.until("/api/nodes", lambda body: body["nodes"], "the node")
        async with asyncio.timeout(DEADLINE_S):  # on a busy machine the encoder starts slowly
            while (await owner.get("/hls/porch/main.m3u8"))[0] == 503:
                continue
        async with owner.session.get("/hls/porch/main.m3u8") as playlist:
            assert (playlist.status, playlist.headers["Cache-Control"]) == (200, "no-store")
            name = next(line for line in (await playlist.text()).splitlines() if line.endswith(".m4s"))
        async with owner.session.get(f"/hls/porch/{name}") as segment:
            assert (segment.status, (await segment.read())[4:8]) == (200, b"moof")
            assert segment.headers["Content-Type"] == "video/mp4"
            assert segment.headers["Cache-Control"] == "no-store", "it stays in no browser's cache"
        assert (await owner.get("/hls/porch/main-00000000-0.m4s"))[0] == 404
        async with browsing(tmp_path / "profile") as tab:
            await tab.go(f"{console.url}/login")
            await tab.value(f"document.getElementById('name').value = {json.dumps(OWNER)}")
            await tab.write("#password", PASSWORD)
            await tab.until("location.pathname === '/'", "the dashboard")
            tab.complaints.clear()  # this test's own typing disturbs the login's autofocus
            await tab.go(f"{console.url}/cameras/porch")
            await tab.until("document.querySelector('.watch') !== null", "the button")
            await tab.click(".watch")
            await tab.until(PLAYING, "live video")
            await tab.until("/[0-9]:[0-9]{2}.* s behind/.test(document.querySelector('#moment').innerText)", "its time")
            assert (await asyncio.to_thread(commands.ask, "privacy", enable="on"))["ok"]
            await tab.until("document.querySelector('figure.screen').dataset.showing === 'pictures'", "its end")
            assert await tab.value("document.querySelector('video').readyState") == 0
            assert (await owner.get("/hls/porch/main.m3u8"))[0] == 403
            assert tab.complaints == []

    served = {"enable": True, "port": free_port(), "fps": 5}
    with RunningNode(tmp_path / "node", broker.port, mjpeg_server=served), broker.client() as client:
        commands = CommandClient(client)
        commands.wait_online()
        with RunningConsole(tmp_path / "console", broker.port) as console:
            console.visit(visit)


def test_a_link_opens_it_to_players_that_send_nothing_as_long_as_its_account_may(
    broker: Mosquitto, tmp_path: Path
) -> None:
    (tmp_path / "node").mkdir()
    clip = re.compile(r'(?:URI="|^)([^#"\s]+\.(?:m3u8|m4s|mp4)\?[^"\s]+)', re.MULTILINE)

    async def fetched(player: Browser, path: str) -> tuple[int, bytes]:
        """Return status and body, as soon as the encoder has started."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                async with player.session.get(path) as answer:
                    if answer.status != 503:
                        return answer.status, await answer.read()

    async def visit(owner: Browser) -> None:
        await owner.until("/api/nodes", lambda body: body["nodes"], "the node")
        for name, role in (("Max", "member"), ("Gast", "guest")):
            body = {"name": name, "password": "correct horse", "role": role, "cameras": ["porch"]}
            assert (await owner.post_json("/api/accounts", body))[0] == 201
        async with Browser(console) as guest:
            await guest.log_in("Gast", "correct horse")
            assert (await guest.post("/hls/porch/share", {"for": "1 h"}))[0] == 403
        async with Browser(console) as member, Browser(console) as player:
            await member.log_in("Max", "correct horse")
            assert (await member.post("/hls/hall/share", {"for": "1 h"}))[0] == 404
            said = html.unescape((await member.post("/hls/porch/share", {"for": "1 h"}))[1])
            link = re.search(rf'value="{console.url}(/hls/porch/master.m3u8[^"]+)"', said)
            assert link is not None
            master, folder = link[1], "/hls/porch/"
            assert (await player.get(master.partition("?")[0]))[0] == 401
            assert (await player.get(master.replace("porch", "hall")))[0] == 403
            status, text = await fetched(player, master)
            names = clip.findall(text.decode())
            assert (status, len(names)) == (200, 2)
            status, text = await fetched(player, folder + names[0])
            files = clip.findall(text.decode())
            assert status == 200
            assert {name.partition("?")[0].rpartition(".")[2] for name in files} == {"m4s", "mp4"}
            for name in files:
                assert (await fetched(player, folder + name))[0] == 200, name
                assert (await player.get("/auth/check", **{"X-Original-URI": folder + name}))[0] == 204
                assert (await player.get(folder + name.partition("?")[0]))[0] == 401
            ended = re.sub(r"expires=\d+", "expires=1", master)
            assert (await player.get(ended))[0] == 403
            listed = await owner.json("/api/accounts")
            number = next(one["id"] for one in listed if one["name"] == "Max")
            assert (await owner.post(f"/settings/accounts/{number}/cameras", {"role": "guest"}))[0] == 200
            assert (await player.get(master))[0] == 403, "the account may not see the camera any more"
            assert (await player.get("/auth/check", **{"X-Original-URI": master}))[0] == 401
            form = {"role": "guest", "cameras": "porch"}
            assert (await owner.post(f"/settings/accounts/{number}/cameras", form))[0] == 200
            assert (await player.get(master))[0] == 200
            assert (await asyncio.to_thread(commands.ask, "privacy", enable="on"))["ok"]
            await owner.until("/api/nodes", lambda body: body["nodes"][0]["private"], "privacy")
            assert (await player.get(master))[0] == 403
            assert (await player.get("/auth/check", **{"X-Original-URI": master}))[0] == 403
            assert (await owner.post(f"/settings/accounts/{number}/remove"))[0] == 200
            assert (await asyncio.to_thread(commands.ask, "privacy", enable="off"))["ok"]
            await owner.until("/api/nodes", lambda body: not body["nodes"][0]["private"], "the end of privacy")
            assert (await player.get(master))[0] == 403

    served = {"enable": True, "port": free_port(), "fps": 5}
    with RunningNode(tmp_path / "node", broker.port, mjpeg_server=served), broker.client() as client:
        commands = CommandClient(client)
        commands.wait_online()
        with RunningConsole(tmp_path / "console", broker.port) as console:
            console.visit(visit)
