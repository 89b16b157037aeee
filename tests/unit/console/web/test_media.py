"""Forwarding of nodes' pictures and films."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from types import SimpleNamespace
from typing import cast

import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")

from aiohttp import ClientPayloadError, ClientSession, web

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.console.broker.requests import Requests
from pi_cam_node.console.context import ConsoleContext
from pi_cam_node.console.nodes.node import Node
from pi_cam_node.console.nodes.registry import Nodes
from pi_cam_node.console.pictures.client import NodeClient
from pi_cam_node.console.pictures.cutoff import Cutoff
from pi_cam_node.console.store import media as media_rows
from pi_cam_node.console.store.accounts import Account, Session
from pi_cam_node.console.store.media import MediaRow
from pi_cam_node.console.store.schema import migrate
from pi_cam_node.console.web import recordings, routes
from pi_cam_node.console.web.application import application
from pi_cam_node.console.web.gate import ConsoleGate
from pi_cam_node.console.web.media import leads_elsewhere
from pi_cam_node.web.auth.proxies import Proxies
from pi_cam_node.web.http.engine import serve
from pi_cam_node.web.http.routes import Need
from tests.support.broker import port_of, reserved_port

LONG = bytes(3 << 20)
AT_MS = 1_795_938_397_433
OWNER = Account("a1", "Anna", "owner", "")


class Rows:
    """The console's rows of what the node has saved."""

    def __init__(self) -> None:
        self.database = sqlite3.connect(":memory:", check_same_thread=False)
        migrate(self.database)
        rows = [MediaRow("porch", name, AT_MS, "recording") for name in ("gone", "away", "there")]
        media_rows.replace(self.database, "porch", rows, complete=True)

    async def run(self, work: Callable[[sqlite3.Connection], object]) -> object:
        return work(self.database)

    def close(self) -> None:
        self.database.close()

    def names(self) -> list[str]:
        return sorted(row.id for row in media_rows.newest(self.database, ["porch"], "", 9))


class NodeServer:
    """The HTTP side of a node that answers odd things."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.database = Rows()
        self.states = {"privacy": "OFF"}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if request.path in {"/media/gone", "/media/gone/thumbnail"}:
            raise web.HTTPNotFound
        if request.path == "/media/away":
            raise web.HTTPServiceUnavailable
        if request.path == "/api/state":
            return web.json_response({"node": {"boot": "b1"}})
        if request.path == "/media/before":
            self.states["privacy"] = "ON"
        if request.path == "/media/page":
            return web.Response(text="<script src=/media/porch/script></script>", content_type="text/html")
        if request.path == "/hls/master.m3u8":
            return web.Response(text="#EXTM3U\n", content_type="application/vnd.apple.mpegurl")
        response = web.StreamResponse(headers={"Content-Type": "video/mp4"})
        response.content_length = len(LONG)
        await response.prepare(request)
        if request.path == "/media/half":
            await response.write(LONG[:100_000])
            await asyncio.sleep(0.1)
            assert request.transport is not None
            request.transport.abort()
        else:
            await response.write(LONG)
        return response


class Gate:
    """Admits everybody as the owner."""

    proxies = Proxies(())

    def admit(self, request: web.Request, need: Need) -> None:
        del need
        routes.identify(request, OWNER, Session("h", OWNER.id, "browser", "browser", 0, 0, None))


Visit = Callable[[ClientSession, NodeServer], Awaitable[None]]


def visiting(visit: Visit) -> None:
    """Let a browser ask a console of one node."""

    async def run() -> None:
        server, clock, sockets = NodeServer(), SystemClock(), [reserved_port(), reserved_port()]
        nodes, client = Nodes(clock), NodeClient(cast("Requests", None), clock)
        node = nodes._nodes["porch"] = Node("porch", online=True, states=server.states)
        node.info = {"boot": "b1", "url": f"http://127.0.0.1:{port_of(sockets[0])}"}
        context = SimpleNamespace(nodes=nodes, client=client, cutoff=Cutoff(), database=server.database)
        app = application(cast("ConsoleContext", context), cast("ConsoleGate", Gate()))
        theirs = web.Application()
        theirs.router.add_get("/{path:.*}", server.answer)
        runner = web.AppRunner(theirs)
        await runner.setup()
        await web.SockSite(runner, sockets[0]).start()
        sockets[1].listen()
        stopped = asyncio.Event()
        serving = asyncio.create_task(serve(app, [sockets[1]], None, stopped))
        async with ClientSession(f"http://127.0.0.1:{port_of(sockets[1])}") as browser:
            await visit(browser, server)
        stopped.set()
        await serving
        await client.close()
        await runner.cleanup()
        server.database.close()

    asyncio.run(run())


def test_a_picture_that_was_asked_for_before_privacy_is_not_shown_after_it() -> None:
    async def visit(browser: ClientSession, node: NodeServer) -> None:
        async with browser.get("/media/porch/before") as answer:
            assert (answer.status, await answer.text()) == (403, "privacy is on\n")
        assert node.asked[-1] == "/media/before"

    visiting(visit)


def test_a_page_or_script_of_a_node_is_none_of_the_console() -> None:
    async def visit(browser: ClientSession, _node: NodeServer) -> None:
        for path, kind in (
            ("/media/porch/page", "application/octet-stream"),
            ("/media/porch/film", "video/mp4"),
            ("/hls/porch/master.m3u8", "application/vnd.apple.mpegurl"),
        ):
            async with browser.get(path) as answer:
                assert (answer.status, answer.content_type) == (200, kind)
                assert answer.headers["X-Content-Type-Options"] == "nosniff"

    visiting(visit)


def test_a_film_that_breaks_off_at_the_node_is_cut_here_and_ends_in_no_words() -> None:
    async def visit(browser: ClientSession, _node: NodeServer) -> None:
        async with asyncio.timeout(5), browser.get("/media/porch/half") as answer:
            assert answer.status == 200
            with pytest.raises(ClientPayloadError):
                await answer.read()

    visiting(visit)


def test_a_browser_that_leaves_a_film_says_nothing_about_the_node() -> None:
    async def visit(browser: ClientSession, node: NodeServer) -> None:
        for _ in range(3):
            async with browser.get("/media/porch/film") as answer:
                await answer.content.readexactly(1000)
                answer.close()
            await asyncio.sleep(0.2)
        assert node.asked == ["/api/state", *3 * ["/media/film"]]

    visiting(visit)


def test_a_film_that_its_node_has_no_more_is_forgotten_and_one_whose_disk_is_away_is_not() -> None:
    async def visit(browser: ClientSession, node: NodeServer) -> None:
        async with browser.get("/media/porch/gone/thumbnail") as answer:
            assert answer.status == 404
        assert node.database.names() == ["away", "gone", "there"], "a film may have no picture"
        for name, status in (("gone", 404), ("away", 503)):
            async with browser.get(f"/media/porch/{name}") as answer:
                assert answer.status == status
        assert node.database.names() == ["away", "there"]

    visiting(visit)


@pytest.mark.parametrize(
    ("reply", "left"),
    [
        ({"ok": False, "code": "not_saved", "message": "the disk is away"}, ["away", "gone", "there"]),
        ({"ok": False, "code": "busy", "data": {}}, ["away", "gone", "there"]),
        ({"ok": True, "data": {"media": [], "more": False}}, []),
    ],
)
def test_a_node_that_refuses_its_list_has_lost_nothing(reply: dict[str, object], left: list[str]) -> None:
    async def ask(*_question: object) -> dict[str, object]:
        return reply

    with closing(Rows()) as rows:
        context = SimpleNamespace(requests=SimpleNamespace(ask=ask), listing=asyncio.Semaphore(), database=rows)
        node = Node("porch", online=True, states={"privacy": "OFF"})
        node.info = {"name": "Porch", "commands": ["media"]}
        said = asyncio.run(recordings._refresh_one(cast("ConsoleContext", context), node, None))
        assert rows.names() == left
    assert said == ("" if reply["ok"] else reply.get("message") or reply["code"])


PLAYLIST = """#EXTM3U
#EXT-X-MAP:URI="main-1a2b3c4d-1.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-11-30T12:00:00.000Z
#EXTINF:1.00000,
main-1a2b3c4d-7.m4s
"""


@pytest.mark.parametrize(
    "line",
    [
        "http://192.0.2.1/x.m4s",
        "//192.0.2.1/x.m4s",
        "../hall/main-1a2b3c4d-7.m4s",
        "/hls/hall/main.m3u8",
        "file:///etc/passwd",
        "main.m4s?x",
        '#EXT-X-KEY:METHOD=AES-128,URI="http://192.0.2.1/key"',
        "#EXT-X-MEDIA:TYPE=AUDIO,URI=http://192.0.2.1/a.m3u8",
    ],
)
def test_a_playlist_of_a_node_leads_nowhere_else(line: str) -> None:
    """Players of people with a link have no policy that keeps them here, as browsers have."""
    assert not leads_elsewhere(PLAYLIST)
    assert not leads_elsewhere('#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="avc1.64001f"\nmain.m3u8\n')
    assert leads_elsewhere(f"{PLAYLIST}{line}\n")
