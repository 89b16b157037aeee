"""How the console fetches pictures from a node: certificate pinning, renewal of tickets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

pytest.importorskip("cryptography", reason="the extra console is not installed")

from aiohttp import web

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.console import authority
from pi_cam_node.console.broker.requests import Requests
from pi_cam_node.console.nodes.node import Node
from pi_cam_node.console.pictures.client import NodeClient, Unreachable, body_of
from pi_cam_node.web.http.sockets import fingerprint
from tests.support.broker import port_of, reserved_port

LONG = b"\xff\xd8" + bytes(3 << 20)


class NodeServer:
    """The HTTP side of a node in small, over TLS; and the broker by which it hands out tickets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.boot = "b1"
        self.tickets: set[str] = set()
        self.issued = 0
        self.seen: list[tuple[str, str]] = []
        self._socket = reserved_port()
        self.url = f"https://127.0.0.1:{port_of(self._socket)}"
        self.certificate = self._issue("first")

    def _issue(self, name: str) -> Path:
        authority.issue(self.folder / name, ["127.0.0.1"], datetime.now(UTC))
        return self.folder / name / authority.FOLDER / authority.CERTIFICATE

    def change_certificate(self) -> None:
        self.certificate = self._issue("second")

    async def serve(self) -> web.AppRunner:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.certificate, self.certificate.with_name(authority.KEY))
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.SockSite(runner, self._socket.dup(), ssl_context=tls).start()
        return runner

    async def _answer(self, request: web.Request) -> web.Response:
        sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self.seen.append((request.path, sent))
        if sent not in self.tickets:
            return web.Response(status=401)
        if request.path == "/api/state":
            return web.json_response({"node": {"boot": self.boot}, "padding": "x" * 300_000})
        return web.Response(body=LONG, content_type="image/jpeg")

    async def ask(self, _node: str, verb: str, _arguments: Mapping[str, object], _deadline_s: float) -> dict[str, Any]:
        assert verb == "ticket"
        self.issued += 1
        self.tickets.add(ticket := f"ticket-{self.issued}")
        return {"ok": True, "data": {"ticket": ticket}}

    def node(self, certificate: Path) -> Node:
        made = Node("porch")
        made.info = {"boot": "b1", "url": self.url, "tls_sha256": fingerprint(certificate), "commands": ["ticket"]}
        return made


def scene(folder: Path, steps: Callable[[NodeServer, NodeClient], Awaitable[None]]) -> None:
    async def run() -> None:
        server = NodeServer(folder)
        client = NodeClient(cast("Requests", server), SystemClock())
        try:
            await steps(server, client)
        finally:
            await client.close()
            server._socket.close()

    asyncio.run(run())


async def fetched(client: NodeClient, node: Node) -> bytes:
    async with client.get(node, "/media/p1") as answer:
        assert answer.status == 200
        return await body_of(answer, 8 << 20)


def test_a_certificate_that_nobody_signed_is_accepted_where_the_broker_told_it(tmp_path: Path) -> None:
    async def steps(server: NodeServer, client: NodeClient) -> None:
        runner = await server.serve()
        assert await fetched(client, server.node(server.certificate)) == LONG
        await runner.cleanup()

    scene(tmp_path, steps)


def test_a_certificate_that_changed_is_told_and_gets_neither_ticket_nor_request(tmp_path: Path) -> None:
    async def steps(server: NodeServer, client: NodeClient) -> None:
        told = server.node(server.certificate)
        server.change_certificate()
        runner = await server.serve()
        with pytest.raises(Unreachable, match="not the one that the node told on the broker"):
            await fetched(client, told)
        assert "not the one that the node told" in client.why(told)
        assert server.seen == []
        await runner.cleanup()

    scene(tmp_path, steps)


def test_without_a_fingerprint_a_certificate_must_be_signed_by_who_is_trusted(tmp_path: Path) -> None:
    async def steps(server: NodeServer, client: NodeClient) -> None:
        runner = await server.serve()
        node = server.node(server.certificate)
        node.info = {key: value for key, value in node.info.items() if key != "tls_sha256"}
        with pytest.raises(Unreachable):
            await fetched(client, node)
        assert server.seen == []
        await runner.cleanup()

    scene(tmp_path, steps)


def test_a_ticket_that_ended_is_renewed_within_the_request(tmp_path: Path) -> None:
    async def steps(server: NodeServer, client: NodeClient) -> None:
        runner = await server.serve()
        node = server.node(server.certificate)
        assert await fetched(client, node) == LONG
        server.tickets.clear()
        assert await fetched(client, node) == LONG
        assert server.issued == 2
        assert [sent for path, sent in server.seen if path == "/media/p1"] == ["ticket-1", "ticket-1", "ticket-2"]
        await runner.cleanup()

    scene(tmp_path, steps)


def test_another_machine_at_the_address_is_not_taken_for_the_node(tmp_path: Path) -> None:
    async def steps(server: NodeServer, client: NodeClient) -> None:
        server.boot = "another"
        runner = await server.serve()
        with pytest.raises(Unreachable, match="answered by something else"):
            await fetched(client, server.node(server.certificate))
        assert all(path == "/api/state" for path, _ in server.seen)
        await runner.cleanup()

    scene(tmp_path, steps)


def test_a_node_that_is_silent_is_not_taken_for_one_that_others_cannot_reach(tmp_path: Path) -> None:
    async def steps(server: NodeServer, client: NodeClient) -> None:
        node = Node("porch")
        node.info = {"boot": "b1", "url": server.url.replace("https", "http")}
        with pytest.raises(Unreachable, match="serves its pictures to its own machine only"):
            await client.check(node)  # nothing listens
        hangs_up = await asyncio.start_server(lambda _reader, writer: writer.close(), sock=server._socket.dup())
        client.forget("porch")
        with pytest.raises(Unreachable, match="does not answer"):
            await client.check(node)
        hangs_up.close()

    scene(tmp_path, steps)


def test_a_node_that_answered_before_is_down_and_not_out_of_reach(tmp_path: Path) -> None:
    async def steps(server: NodeServer, client: NodeClient) -> None:
        runner = await server.serve()
        node = server.node(server.certificate)
        assert await fetched(client, node) == LONG
        await runner.cleanup()
        server._socket.close()  # it listens, too, since it is the same one
        for _ in range(2):
            with pytest.raises(Unreachable, match="does not answer: Connection refused"):
                await fetched(client, node)
        assert client.why(node).endswith("does not answer: Connection refused")

    scene(tmp_path, steps)
