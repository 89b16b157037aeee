"""Privacy and erase of a node: all its pictures and data disappear from the console within a second."""

from __future__ import annotations

import asyncio
import html
import json
import re
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")
pytest.importorskip("cryptography", reason="the extra console is not installed")
pytest.importorskip("av", reason="the extra video is not installed")

from aiohttp import ClientWebSocketResponse, WSMsgType

from tests.support.bars import bar
from tests.support.broker import Mosquitto, free_port
from tests.support.running_console import DEADLINE_S, Browser, RunningConsole
from tests.support.running_node import CommandClient, RunningNode

BAR_S = 1.0
Holds = Callable[[], Awaitable[bool]]


async def gone_after_s(began_s: float, checks: Mapping[str, Holds]) -> dict[str, float]:
    """Return after how many seconds each check held for the first time."""

    async def first(holds: Holds) -> float:
        async with asyncio.timeout(DEADLINE_S):
            while not await holds():  # noqa: ASYNC110 - it is another process that changes
                await asyncio.sleep(0.01)
        return time.monotonic() - began_s

    found = await asyncio.gather(*(first(holds) for holds in checks.values()))
    return dict(zip(checks, found, strict=True))


class Scene:
    """An owner and a stranger with links, who look at everything of one camera."""

    def __init__(self, owner: Browser, stranger: Browser) -> None:
        self.owner, self.stranger = owner, stranger
        self.picture, self.links = "", dict[str, str]()

    async def prepare(self) -> None:
        """Find the picture that was saved, make links of it and of the live video, and have that begin."""
        told = await self.owner.until("/api/events", lambda body: body and body[0]["url"], "the picture")
        self.picture = told[0]["url"]
        assert (await self.owner.get(self.picture + "/thumbnail"))[0] == 200
        await self.owner.until("/api/media", lambda body: body["media"], "its row")
        for name, path in {"picture": f"/events/{told[0]['number']}/share", "video": "/hls/porch/share"}.items():
            said = html.unescape((await self.owner.post(path, {"for": "1 h"}))[1])
            self.links[name] = re.findall(r'value="https?://[^/]+([^"]+)"', said)[0]
            async with asyncio.timeout(DEADLINE_S):
                while (await self.stranger.get(self.links[name]))[0] == 503:
                    continue
            assert (await self.stranger.get(self.links[name]))[0] == 200

    def status_is(self, browser: Browser, path: str, *wanted: int, **headers: str) -> Holds:
        async def holds() -> bool:
            return (await browser.get(path, **headers))[0] in wanted

        return holds

    def json_is(self, path: str, holds: Callable[[object], object]) -> Holds:
        async def found() -> bool:
            return bool(holds(json.loads((await self.owner.get(path))[1])))

        return found

    def checks(self, *wanted: int) -> dict[str, Holds]:
        """Return what must not be had any more, each with the statuses that say so."""
        film = "/hls/porch/main.m3u8"
        return {
            "picture": self.status_is(self.owner, self.picture, *wanted),
            "thumbnail": self.status_is(self.owner, f"{self.picture}/thumbnail", *wanted),
            "link to the picture": self.status_is(self.stranger, self.links["picture"], *wanted),
            "live video": self.status_is(self.owner, film, *wanted),
            "link to the live video": self.status_is(self.stranger, self.links["video"], *wanted),
            "a proxy's copy": self.status_is(self.owner, "/auth/check", 403, **{"X-Original-URI": film}),
            "a proxy's copy by link": self.status_is(
                self.stranger, "/auth/check", 401, 403, **{"X-Original-URI": self.links["video"]}
            ),
            "list of recordings": self.json_is("/api/media", lambda body: not body["media"]),  # type: ignore[index]
        }


async def blanked(socket: ClientWebSocketResponse) -> None:
    """Wait until the live view must show nothing; fail at any later picture."""
    while True:
        message = await socket.receive()
        if message.type is WSMsgType.TEXT and json.loads(message.data)["blank"]:
            break
    try:
        async with asyncio.timeout(0.7):
            while True:
                assert (await socket.receive()).type is not WSMsgType.BINARY, "a picture after the end"
    except TimeoutError:
        return


@pytest.mark.parametrize("how", ["privacy", "erase"])
def test_everything_of_a_node_is_gone_within_a_second(broker: Mosquitto, tmp_path: Path, how: str) -> None:
    (tmp_path / "node").mkdir()

    async def visit(owner: Browser) -> None:
        async with Browser(console) as stranger, owner.session.ws_connect("/live") as socket:
            scene = Scene(owner, stranger)
            await scene.prepare()
            await socket.send_json({"cameras": {"porch": {"fps": 5, "width": 0}}})
            async with asyncio.timeout(DEADLINE_S):
                while (await socket.receive()).type is not WSMsgType.BINARY:
                    continue
            checks = scene.checks(403) if how == "privacy" else scene.checks(404, 502)
            if how == "privacy":
                checks["events"] = scene.json_is("/api/events", lambda body: body[0]["url"] is None)  # type: ignore[index]
            else:
                del checks["link to the live video"]
                checks["events"] = scene.json_is("/api/events", lambda body: not body)
                checks["nodes"] = scene.json_is("/api/nodes", lambda body: not body["nodes"])  # type: ignore[index]
            topic, last = ("state/privacy", b"ON") if how == "privacy" else ("availability", b"")
            fields: dict[str, Any] = {"enable": "on"} if how == "privacy" else {"confirm": "porch"}
            asked = asyncio.create_task(asyncio.to_thread(lambda: commands.ask(how, **fields)))
            async with asyncio.timeout(DEADLINE_S):
                while commands.client.latest(f"pi_cam_node/porch/{topic}") != last:  # noqa: ASYNC110 - another thread
                    await asyncio.sleep(0.005)
            began_s = time.monotonic()
            looking = asyncio.create_task(blanked(socket))
            took = await gone_after_s(began_s, checks)
            assert {name: s for name, s in took.items() if s > bar(BAR_S)} == {}
            async with asyncio.timeout(DEADLINE_S):
                await looking
            assert (await asked)["ok"]

    served = {"enable": True, "port": free_port(), "fps": 5}
    with RunningNode(tmp_path / "node", broker.port, mjpeg_server=served), broker.client() as client:
        commands = CommandClient(client)
        commands.wait_online()
        with RunningConsole(tmp_path / "console", broker.port) as console:
            console.visit(lambda owner: owner.until("/api/nodes", lambda body: body["nodes"], "the node"))
            assert commands.ask("save", formats=["jpg"])["ok"]
            console.visit(visit)
            if how == "erase":
                with closing(sqlite3.connect(f"file:{console.base_dir}/console.db?mode=ro", uri=True)) as db:
                    for table, where in (("event", "node"), ("event", "camera"), ("media", "node"), ("node", "id")):
                        asked = f"SELECT count(*) FROM {table} WHERE {where} = 'porch'"
                        assert db.execute(asked).fetchone() == (0,), f"{table}.{where}"
                assert [path for path in console.base_dir.rglob("*") if "porch" in path.name] == []
