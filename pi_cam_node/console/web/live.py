"""The live view: one WebSocket for all cameras of a browser, and a stream of what changed."""

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
from pi_cam_node.console.pictures.viewer import Status, Viewer, wanted_in
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
# When a browser asks for the changes again that it lost.
RETRY_MS = (500, 4_000)
# Live views, and as many streams of changes; of either, one account may have half.
OPEN_MAX, OPEN_PER_ACCOUNT = 64, 32
# Between two messages of a browser: each may begin and end connections to nodes.
LISTEN_EVERY_S = 0.02


class ConnectionLimit:
    """Bounds the connections that are open at one time, in all and for each account."""

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
            self._open += Counter()  # without those that are 0


SOCKETS = app_key("sockets", set)
LIVE_LIMIT = app_key("limit of live views", ConnectionLimit)
CHANGES_LIMIT = app_key("limit of streams of changes", ConnectionLimit)


def attach(app: web.Application) -> None:
    """Attach the limits of open connections; open sockets are closed at the end of the application."""
    app[LIVE_LIMIT], app[CHANGES_LIMIT] = ConnectionLimit(), ConnectionLimit()
    sockets: set[web.WebSocketResponse] = set()
    app[SOCKETS] = sockets

    async def close(_app: web.Application) -> None:
        await asyncio.gather(*(socket.close(code=1001) for socket in list(sockets)), return_exceptions=True)

    app.on_shutdown.append(close)


@route("GET", "/live", "view")
async def live(request: web.Request) -> web.StreamResponse:
    """Send the newest picture of each camera asked for; see `frame_message` and `status_message` for the messages."""
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
    """Process messages of the browser: which cameras it shows."""
    context, account = context_of(request), account_of(request)
    async for message in socket:
        if message.type is not WSMsgType.TEXT:
            break
        try:
            wanted = wanted_in(read_json(message.data))
        except ValueError as error:
            await socket.close(code=1008, message=str(error)[:100].encode())
            return
        context.hub.show(viewer, {camera: one for camera, one in wanted.items() if rights.may(account, "view", camera)})
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
                wanted, node = viewer.wanted.get(camera), context.nodes.get(camera)
                if wanted is None or node is None or node.is_private:
                    continue
                try:
                    async with asyncio.timeout(SCALE_DEADLINE_S):
                        jpeg = await frame.at_width(wanted.width_px, context.hub.scalers)
                except Exception as error:
                    _log.warning("a picture of %s is left out: %r", camera, error)
                    continue
                # Privacy may have been switched on while the picture was made smaller.
                if not node.is_private:
                    await socket.send_bytes(frame_message(camera, frame.at_ms, jpeg))
    except (ConnectionError, RuntimeError) as error:
        _log.debug("a viewer is gone: %s", error)
    except Exception:
        # Open and silent it would be taken for a live one; the browser comes back after its end.
        _log.exception("a live view failed")
        await socket.close(code=1011)


def _still_may(request: web.Request) -> bool:
    """Tell whether the session is still valid, and its account unchanged."""
    session, accounts = session_of(request), context_of(request).accounts
    return session is not None and accounts.is_valid(session) and accounts.get(session.account) == account_of(request)


def frame_message(camera: str, at_ms: int, jpeg: bytes) -> bytes:
    """Return a picture as a message: length of the id, id, time (8 bytes, UTC epoch ms, big-endian), JPEG."""
    name = camera.encode("ascii")
    return b"".join((bytes([len(name)]), name, max(0, at_ms).to_bytes(8, "big"), jpeg))


def status_message(camera: str, status: Status) -> str:
    """Return the state of a camera as a message."""
    return json.dumps({"camera": camera, "live": status.live, "text": status.text, "blank": status.blank})


@route("GET", "/changes", "view")
async def changes(request: web.Request) -> web.StreamResponse:
    """Send the names of the parts that changed, as server-sent events, and a beat with the build of the pages."""
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
        # A browser by itself comes back after the same time as all the others.
        await response.write(f"retry: {random.randint(*RETRY_MS)}\n".encode())
        await response.write(_sse("build", build_id()))
        while request.transport is not None and not request.transport.is_closing():
            parts = await listener.next(BEAT_S)
            if not _still_may(request):
                break
            told = [part for part in parts if _may_hear(account, part)]
            await response.write(_sse("changed", " ".join(told)))
            # What changes many times a second is fetched once in a while.
            await asyncio.sleep(0.25)
    return response


def _may_hear(account: Account, part: str) -> bool:
    """Tell whether an account may know that a part changed: those of a camera bear its id."""
    node = part.removeprefix("node-")
    return node == part or rights.may(account, "view", node)


def _sse(event: str, data: str) -> bytes:
    return f"event: {event}\ndata: {data}\n\n".encode()
