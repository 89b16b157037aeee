"""Live view: one WebSocket for all cameras of a browser, and server-sent events of changed parts."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from aiohttp import WSMsgType, web

from pi_cam_node.base.strict_json import read_json
from pi_cam_node.console.accounts import rights
from pi_cam_node.console.context import ConsoleContext
from pi_cam_node.console.pictures.scaling import LiveFrame
from pi_cam_node.console.pictures.viewer import Status, Viewer, seen_in, wanted_in
from pi_cam_node.console.store.accounts import Account
from pi_cam_node.console.store.database import StoreUnavailable
from pi_cam_node.console.web.rendering import build_id
from pi_cam_node.console.web.routes import account_of, context_of, route, session_of
from pi_cam_node.web.http.connection import Connection
from pi_cam_node.web.http.routes import app_key

_log = logging.getLogger(__name__)

PING_S = 10.0
MESSAGE_MAX_BYTES = 16 << 10
BEAT_S = 15.0
SCALE_DEADLINE_S = 5.0
# Delay before a browser reconnects to the changes, chosen at random in this range.
RETRY_MS = (500, 4_000)
# Limits of live views, and likewise of streams of changes: in all and for one account.
OPEN_MAX, OPEN_PER_ACCOUNT = 64, 32
# Least time between two messages of a browser, as each may open and close connections to nodes.
LISTEN_EVERY_S = 0.02


class AccountConnectionLimit:
    """Limits open connections in total and per account."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    @contextmanager
    def hold(self, account_id: str) -> Iterator[None]:
        """Count a connection as open within the ``with`` block.

        Raises:
            web.HTTPServiceUnavailable: Too many are open.
        """
        if self._open.total() >= OPEN_MAX or self._open[account_id] >= OPEN_PER_ACCOUNT:
            raise web.HTTPServiceUnavailable(text="too many pages are open\n", headers={"Retry-After": "5"})
        self._open[account_id] += 1
        try:
            yield
        finally:
            self._open[account_id] -= 1
            self._open += Counter()  # drops counts of 0


SOCKETS = app_key("sockets", set)
LIVE_LIMIT = app_key("limit of live views", AccountConnectionLimit)
CHANGES_LIMIT = app_key("limit of streams of changes", AccountConnectionLimit)


def attach(app: web.Application) -> None:
    """Attach the connection limits; open WebSockets are closed when the application shuts down."""
    app[LIVE_LIMIT], app[CHANGES_LIMIT] = AccountConnectionLimit(), AccountConnectionLimit()
    sockets: set[web.WebSocketResponse] = set()
    app[SOCKETS] = sockets

    async def close(_app: web.Application) -> None:
        await asyncio.gather(*(socket.close(code=1001) for socket in list(sockets)), return_exceptions=True)

    app.on_shutdown.append(close)


@route("GET", "/live", "view")
async def live(request: web.Request) -> web.StreamResponse:
    """WebSocket: the newest picture of each requested camera; messages: `frame_message`, `status_message`.

    The browser sends `wanted_in` and `seen_in`, together or apart. 400 without the headers of a WebSocket: then a page
    knows that a proxy does not pass them on.
    """
    if request.headers.get("Upgrade", "").lower() != "websocket":
        raise web.HTTPBadRequest(text="this is a WebSocket; a proxy must pass on the headers Upgrade and Connection\n")
    with request.app[LIVE_LIMIT].hold(account_of(request).id):
        return await _serve(request)


async def _serve(request: web.Request) -> web.WebSocketResponse:
    sockets: set[web.WebSocketResponse] = request.app[SOCKETS]
    socket = web.WebSocketResponse(heartbeat=PING_S, compress=False, max_msg_size=MESSAGE_MAX_BYTES)
    await socket.prepare(request)
    if isinstance(request.protocol, Connection):
        request.protocol.upgraded()
    viewer, hub = Viewer(), context_of(request).hub
    sockets.add(socket)
    sending = asyncio.create_task(_send(request, socket, viewer))
    try:
        await _listen(request, socket, viewer)
    finally:
        sending.cancel()
        hub.leave(viewer)
        sockets.discard(socket)
    return socket


async def _listen(request: web.Request, socket: web.WebSocketResponse, viewer: Viewer) -> None:
    """Process messages of the browser: the cameras to show, and how many pictures have arrived."""
    context, account = context_of(request), account_of(request)
    async for message in socket:
        if message.type is not WSMsgType.TEXT:
            break
        try:
            body = read_json(message.data)
            seen, wanted = seen_in(body), wanted_in(body)
        except ValueError as error:
            await socket.close(code=1008, message=str(error)[:100].encode())
            return
        if seen is not None:
            viewer.acknowledge(seen)
        if wanted is not None:
            context.hub.show(viewer, {c: one for c, one in wanted.items() if rights.may(account, "view", c)})
        await asyncio.sleep(LISTEN_EVERY_S)


async def _send(request: web.Request, socket: web.WebSocketResponse, viewer: Viewer) -> None:
    context = context_of(request)
    try:
        while not socket.closed:
            statuses, frames = await viewer.next()
            if not _still_may(request):
                await socket.close(code=1008, message=b"the session has ended")
                return
            for camera, status in statuses.items():
                await socket.send_str(status_message(camera, status))
            for camera, frame in frames.items():
                await _send_frame(context, socket, viewer, camera, frame)
    except (ConnectionError, RuntimeError) as error:
        _log.debug("a viewer is gone: %s", error)
    except Exception:
        # Closed, since the browser would take a silent open socket for live; it reconnects.
        _log.exception("a live view failed")
        await socket.close(code=1011)


async def _send_frame(
    context: ConsoleContext, socket: web.WebSocketResponse, viewer: Viewer, camera: str, frame: LiveFrame
) -> None:
    wanted, node = viewer.wanted.get(camera), context.nodes.get(camera)
    if wanted is None or node is None or node.is_private:
        return
    try:
        async with asyncio.timeout(SCALE_DEADLINE_S):
            jpeg = await frame.at_width(wanted.width_px, context.hub.scalers)
    except Exception as error:
        _log.warning("a picture of %s is left out: %r", camera, error)
        return
    # Privacy may have been switched on while the picture was made smaller.
    if not node.is_private:
        viewer.sent += 1
        await socket.send_bytes(frame_message(camera, frame.at_ms, jpeg))


def _still_may(request: web.Request) -> bool:
    """Tell whether the session is still valid and the account unchanged."""
    session, accounts = session_of(request), context_of(request).accounts
    return session is not None and accounts.is_valid(session) and accounts.get(session.account) == account_of(request)


def frame_message(camera: str, at_ms: int, jpeg: bytes) -> bytes:
    """Return a picture as a binary message: length of the id, id, time (8 bytes, UTC epoch ms, big-endian), JPEG."""
    name = camera.encode("ascii")
    return b"".join((bytes([len(name)]), name, max(0, at_ms).to_bytes(8, "big"), jpeg))


def status_message(camera: str, status: Status) -> str:
    """Return the state of a camera as a JSON message."""
    return json.dumps({"camera": camera, "live": status.live, "text": status.text, "blank": status.blank})


@route("GET", "/changes", "view")
async def changes(request: web.Request) -> web.StreamResponse:
    """Server-sent events: names of changed parts, and a heartbeat with the build id of the pages."""
    context, session = context_of(request), session_of(request)
    if session is not None:
        with suppress(StoreUnavailable):
            await context.accounts.seen(session)
    with request.app[CHANGES_LIMIT].hold(account_of(request).id):
        return await _tell_changes(request)


async def _tell_changes(request: web.Request) -> web.StreamResponse:
    context, account = context_of(request), account_of(request)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    await response.prepare(request)
    with context.changes.listen() as listener:
        # Random, since browsers would otherwise all reconnect at the same time.
        await response.write(f"retry: {random.randint(*RETRY_MS)}\n".encode())
        await response.write(_sse("build", build_id()))
        while request.transport is not None and not request.transport.is_closing():
            parts = await listener.next(BEAT_S)
            if not _still_may(request):
                break
            told = [part for part in parts if _may_hear(account, part)]
            await response.write(_sse("changed", " ".join(told)))
            # Limits how often a frequently changing part is fetched.
            await asyncio.sleep(0.25)
    return response


def _may_hear(account: Account, part: str) -> bool:
    """Tell whether an account may receive the name of a part; names of a camera's parts contain its id."""
    node = part.removeprefix("node-")
    return node == part or rights.may(account, "view", node)


def _sse(event: str, data: str) -> bytes:
    return f"event: {event}\ndata: {data}\n\n".encode()
