"""Routes of live pictures: MJPEG stream, last pictures of the ring, and one picture of the past."""

from __future__ import annotations

import asyncio
import itertools
import json
import math
from collections.abc import Sequence
from typing import cast

from aiohttp import web

from pi_cam_node.base.errors import PrivacyOn
from pi_cam_node.core.events import FramesSent
from pi_cam_node.web.http.privacy_cutoff import abort_on_privacy, send, send_whole
from pi_cam_node.web.http.routes import OVERLOADED, Described, app_key
from pi_cam_node.web.http.status_codes import retry_headers, status_of
from pi_cam_node.web.live.fanout import Fanout
from pi_cam_node.web.live.multipart import CONTENT_TYPE, END, enclose, picture_headers
from pi_cam_node.web.live.snapshot import EMBEDDABLE
from pi_cam_node.web.live.viewer import Viewer, ViewerLimit
from pi_cam_node.web.routes import CONTEXT, context_of, route

FANOUT = app_key("fanout", Fanout)
SHORTSTREAMS = app_key("shortstreams", ViewerLimit)

# Limit of concurrent requests, each of which may hold a whole ring of pictures in memory.
SHORTSTREAMS_MAX = 2

HEADERS = {
    "Content-Type": CONTENT_TYPE,
    "Cache-Control": "no-store, no-cache, must-revalidate, private",
    "Pragma": "no-cache",
    "Expires": "0",
    "X-Accel-Buffering": "no",  # nginx would otherwise buffer pictures
    **EMBEDDABLE,
}


def attach(app: web.Application) -> None:
    """Attach the stream to an application with a `CONTEXT`; streams end when the application shuts down."""
    context = app[CONTEXT]
    fanout = app[FANOUT] = Fanout(context.hub, context.state, context.clock, context.images)
    app[SHORTSTREAMS] = ViewerLimit(lambda: SHORTSTREAMS_MAX)

    async def close(_app: web.Application) -> None:
        fanout.close()

    app.on_shutdown.append(close)


class _Endless(web.StreamResponse):
    """Response of unknown length that ends with the connection.

    aiohttp would use chunked encoding, which would need framing for each viewer and which HTTP/1.0 clients cannot
    parse.
    """

    _length_check = False

    def __init__(self) -> None:
        super().__init__(headers=HEADERS)
        self.force_close()


@route(
    "GET",
    "/stream",
    "view",
    Described(
        (CONTENT_TYPE,),
        query={"fps": ({"type": "number", "exclusiveMinimum": 0}, "Fewer pictures a second.")},
        refusals={503: "All places for viewers are taken."},
    ),
)
async def stream(request: web.Request) -> web.StreamResponse:
    """MJPEG stream with ``mjpeg_server.fps`` pictures a second, or ``?fps=`` if less."""
    interval_s = 1 / asked_fps(request)
    fanout = request.app[FANOUT]
    context_of(request).hub.privacy_gate.check()
    if request.method == "HEAD":
        return await _prepared(request)
    with fanout.limit.one() as is_free:
        if not is_free:
            places = context_of(request).state.config.http.max_viewers
            return _full(f"All {places} places for viewers are taken (http.max_viewers).")
        response = await _prepared(request)
        writer = await response.prepare(request)
        if writer is not None and request.transport is not None:
            await fanout.serve(Viewer(cast("asyncio.WriteTransport", request.transport), writer, interval_s))
    return response


async def _prepared(request: web.Request) -> web.StreamResponse:
    response = _Endless()
    await response.prepare(request)
    return response


def _full(why: str) -> web.Response:
    return web.Response(status=503, text=f"{why} Close one, or try again later.\n", headers=retry_headers(503))


def asked_fps(request: web.Request) -> float:
    """Return ``?fps=``; infinite if missing, so that the setting applies.

    Raises:
        HTTPBadRequest: It is not a number above zero.
    """
    raw = request.query.get("fps", "inf")
    try:
        fps = float(raw)
    except ValueError:
        fps = math.nan
    if not fps > 0:
        raise web.HTTPBadRequest(text=f"fps must be a number above 0 (found {raw[:40]!r})\n")
    return max(fps, 0.01)


@route(
    "GET",
    "/shortstream",
    "view",
    Described(
        (CONTENT_TYPE,),
        query={"n": ({"type": "integer", "minimum": 1, "maximum": 1000}, "How many pictures.")},
        refusals={**OVERLOADED, 404: "There is no picture."},
    ),
)
async def shortstream(request: web.Request) -> web.StreamResponse:
    """Return the last ``?n=`` pictures of the ring, oldest first, as a finite multipart body."""
    with request.app[SHORTSTREAMS].one() as is_free:
        if not is_free:
            return _full(f"{SHORTSTREAMS_MAX} shortstreams are being sent already.")
        generation = context_of(request).hub.privacy_gate.generation
        answered = await context_of(request).run("shortstream", _arguments(request))
        if answered.body["ok"]:
            with abort_on_privacy(context_of(request).hub.privacy_gate, request, generation):
                return await _send(request, answered.frames, generation)
    status = status_of(answered.body["code"])
    return web.Response(status=status, text=f"{answered.body['message']}\n", headers=retry_headers(status))


@route(
    "GET",
    "/past.jpg",
    "view",
    Described(
        ("image/jpeg",),
        query={"at": ({"type": "string"}, "Seconds ago, or an ISO 8601 time; 0 unless told otherwise.")},
        refusals={**OVERLOADED, 404: "The ring does not reach back that far."},
    ),
)
async def past(request: web.Request) -> web.StreamResponse:
    """Return the picture of the ring nearest to a time, without saving it."""
    context = context_of(request)
    gate, at = context.hub.privacy_gate, request.query.get("at", "0")
    generation = gate.generation
    answered = await context.run("shortstream", json.dumps({"n": 1, "at": at}).encode())
    if not answered.body["ok"] or not answered.frames:
        is_refused = not answered.body["ok"]
        status = status_of(answered.body["code"]) if is_refused else web.HTTPNotFound.status_code
        text = answered.body["message"] if is_refused else "the ring holds no picture of that moment"
        return web.Response(status=status, text=f"{text}\n")
    sent = answered.frames[0]
    response = web.Response(body=sent.jpeg, content_type="image/jpeg", headers=picture_headers(sent.seq, sent.at))
    return await send_whole(gate, request, response, generation)


def _arguments(request: web.Request) -> bytes:
    n = request.query.get("n")
    return b"" if n is None else json.dumps({"n": n}).encode()


async def _send(request: web.Request, frames: Sequence[FramesSent], generation: int) -> web.StreamResponse:
    response = await _prepared(request)
    if request.method == "HEAD":
        return response
    # One at a time, so that the pictures are not in memory twice.
    pieces = (enclose(sent.jpeg, picture_headers(sent.seq, sent.at)) for sent in frames)
    try:
        for piece in itertools.chain(pieces, [END]):
            context_of(request).hub.privacy_gate.check(generation)
            await send(request, response.write(piece))
        await send(request, response.write_eof())
    except PrivacyOn:
        if request.transport is not None:
            request.transport.abort()
    return response
