"""aiohttp behind the listening sockets. Imported when the first client connects: see `service`."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from pi_cam_node.web.application import application
from pi_cam_node.web.auth.access import Access
from pi_cam_node.web.auth.allowed_hosts import AllowedHosts
from pi_cam_node.web.auth.lockout import Lockout
from pi_cam_node.web.auth.proxies import Proxies
from pi_cam_node.web.auth.sessions import Sessions
from pi_cam_node.web.auth.signed_links import SignedLinks
from pi_cam_node.web.auth.token import Token
from pi_cam_node.web.context import WebContext
from pi_cam_node.web.http import sockets as listening
from pi_cam_node.web.http import tls_handshake
from pi_cam_node.web.http.connection import Connection
from pi_cam_node.web.http.connection_limit import ConnectionLimit

# How long answers under way may take when the server ends.
FAREWELL_S = 0.5


@dataclass(frozen=True, slots=True)
class Listener:
    """How clients come in.

    Attributes:
        sockets: What to listen on.
        tls: How to encrypt; ``None``: not at all.
        token: What opens everything; ``None``: nobody is asked.
        proxies: Whose word is taken.
        links: Signed links.
    """

    sockets: Sequence[socket.socket]
    tls: ssl.SSLContext | None
    token: Token | None
    proxies: Proxies
    links: SignedLinks


async def serve(entrance: Listener, site: WebContext, stopped: asyncio.Event) -> None:
    """Answer until told to stop."""
    crowd = ConnectionLimit(lambda: site.state.config.http.max_viewers, entrance.proxies.trusts)
    app = application(site, _access(entrance, site), crowd)
    runner = web.AppRunner(app, handle_signals=False, access_log=None)
    await runner.setup()
    try:
        await _listen(entrance, runner, crowd, stopped)
    finally:
        await runner.cleanup()


async def _listen(entrance: Listener, runner: web.AppRunner, crowd: ConnectionLimit, stopped: asyncio.Event) -> None:
    engine, tls, loop = runner.server, entrance.tls, asyncio.get_running_loop()
    assert engine is not None

    def connect() -> Connection:
        return Connection(engine, crowd, loop)

    def begin() -> asyncio.Protocol:
        return connect() if tls is None else tls_handshake.Handshake(crowd, tls, connect)

    servers = [await loop.create_server(begin, sock=sock, backlog=listening.BACKLOG) for sock in entrance.sockets]
    try:
        await stopped.wait()
    finally:
        for server in servers:
            server.close()
        crowd.send_idle_home()
        await runner.shutdown()
        await engine.shutdown(FAREWELL_S)
        crowd.disperse()


def _access(entrance: Listener, site: WebContext) -> Access:
    """Return the rules that the settings ask for."""
    config, clock = site.state.config, site.clock
    return Access(
        token=entrance.token,
        links=entrance.links,
        sessions=Sessions(clock),
        guesses=Lockout(clock),
        proxies=entrance.proxies,
        names=AllowedHosts([*config.http.allowed_hosts, config.http.host]),
        cookie=f"session_{config.node.id}",
    )
