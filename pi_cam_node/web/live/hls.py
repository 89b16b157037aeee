"""Live video over HTTP Live Streaming (HLS): playlists, segments, and the limit of viewers.

All URIs are relative, so that a relay can serve them below any path.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import TypeVar

from aiohttp import web

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.errors import CameraDown
from pi_cam_node.core.ports import LiveVideoPort
from pi_cam_node.web.auth.access import access_of
from pi_cam_node.web.auth.signed_links import SIGNATURE, is_signed
from pi_cam_node.web.context import WebContext
from pi_cam_node.web.http.privacy_cutoff import send_whole
from pi_cam_node.web.http.routes import Described, app_key
from pi_cam_node.web.http.status_codes import retry_headers
from pi_cam_node.web.routes import CONTEXT, context_of, route

T = TypeVar("T")

PLAYLIST, VIDEO = "application/vnd.apple.mpegurl", "video/mp4"
# Wait for the first playlist: the encoder takes seconds to start on a small board, and relays time out after 10 s.
FIRST_PLAYLIST_S, LOOK_S = 8.0, 0.05
# A viewer without a request for so long no longer counts.
VIEWER_S = 12.0
# Names of segments are never reused, so clients may cache them for a while.
CACHING = {"Cache-Control": "private, max-age=60, immutable"}
VARIANTS = ("main", "remote")
_FILE = re.compile(r"(main|remote)-([0-9a-f]{8})-([0-9]{1,12})\.(m4s|mp4)")

GONE = "That part of the live video is gone, or does not exist yet."
REFUSALS = {404: GONE, 501: "Packages are missing.", 503: "The camera is offline, or all places for viewers are taken."}


class HlsViewers:
    """Viewers that requested a playlist within `VIEWER_S`. Thread: the web server's.

    Args:
        most: Returns the limit.
        clock: Tells the time.
    """

    def __init__(self, most: Callable[[], int], clock: Clock) -> None:
        self._most, self._clock = most, clock
        self._seen_s: dict[tuple[str, ...], float] = {}

    def admit(self, viewer: tuple[str, ...]) -> bool:
        """Register a viewer's request; return false if the limit is reached."""
        now_s = self._clock.monotonic()
        self._seen_s = {one: seen_s for one, seen_s in self._seen_s.items() if now_s - seen_s < VIEWER_S}
        if viewer not in self._seen_s and len(self._seen_s) >= self._most():
            return False
        self._seen_s[viewer] = now_s
        return True


VIEWERS = app_key("hls_viewers", HlsViewers)


def attach(app: web.Application) -> None:
    """Attach the viewer limit to an application with a `CONTEXT`."""
    context = app[CONTEXT]
    app[VIEWERS] = HlsViewers(lambda: context.state.config.http.max_viewers, context.clock)


@route("GET", "/hls/master.m3u8", "view", Described((PLAYLIST,), refusals=REFUSALS), signed=True)
async def master(request: web.Request) -> web.StreamResponse:
    """Return the master playlist of the variants ``main`` and ``remote`` (low bandwidth); starts no encoder."""
    context = _available(request)
    try:
        return _playlist(await asyncio.to_thread(context.live.master, _uri_of(request)))
    except CameraDown as error:
        return _refusal(error)


@route("GET", "/hls/address", "view", Described(("text/plain",), refusals=REFUSALS))
async def address(request: web.Request) -> web.StreamResponse:
    """Return a signed link to the master playlist, valid for a week, for players that cannot send headers."""
    context, access = _available(request), access_of(request)
    peer = access.proxies.peer_of(request)
    root = access.public_url or f"{peer.scheme}://{peer.host}"
    return web.Response(text=f"{root}{context.links.sign('/hls/master.m3u8')}\n")


@route("GET", "/hls/{variant}.m3u8", "view", Described((PLAYLIST,), refusals=REFUSALS), signed=True)
async def media(request: web.Request) -> web.StreamResponse:
    """Return the media playlist of a variant; its encoder stops seconds after the last request."""
    context, variant = _available(request), request.match_info["variant"]
    if variant not in VARIANTS:
        raise web.HTTPNotFound(text="there is no such playlist; see master.m3u8\n")
    if not request.app[VIEWERS].admit(_viewer_of(request)):
        places = context.state.config.http.max_viewers
        return _later(f"All {places} places for viewers are taken (http.max_viewers). Try again later.")
    until_s, uri = context.clock.monotonic() + FIRST_PLAYLIST_S, _uri_of(request)
    while context.clock.monotonic() < until_s:
        try:
            text = await _read(context, variant, lambda live: live.playlist(variant, uri))
        except CameraDown as error:
            return _refusal(error)
        if text is not None:
            return _playlist(text)
        await asyncio.sleep(LOOK_S)
    return _later("There is no live video yet.")


@route("GET", "/hls/{file}", "view", Described((VIDEO,), refusals=REFUSALS), signed=True)
async def file(request: web.Request) -> web.StreamResponse:
    """Return a segment, or the initialization section of a track."""
    context, gate = _available(request), context_of(request).hub.privacy_gate
    named, generation = _FILE.fullmatch(request.match_info["file"]), gate.generation
    body = None
    if named is not None:
        variant, boot, number, kind = named.groups()
        count, is_segment = int(number), kind == "m4s"
        body = await _read(
            context,
            variant,
            lambda live: live.segment(variant, boot, count) if is_segment else live.header(variant, boot, count),
        )
    if body is None:
        raise web.HTTPNotFound(text=f"{GONE}\n")
    response = web.Response(body=body, content_type=VIDEO, headers=CACHING)
    return await send_whole(gate, request, response, generation)


async def _read(context: WebContext, variant: str, read: Callable[[LiveVideoPort], T]) -> T:
    """Read of a variant: in this thread where that is quick, for a change of threads costs more than the answer."""
    if context.live.is_prompt(variant):
        return read(context.live)
    return await asyncio.to_thread(read, context.live)


def _available(request: web.Request) -> WebContext:
    """Return the context, if live video is available and may be shown.

    Raises:
        PrivacyOn: Privacy is on.
        web.HTTPException: Live video is not available.
    """
    context = context_of(request)
    if not context.state.config.hls.enable:
        raise web.HTTPNotFound(text="live video is off (hls.enable)\n")
    context.hub.privacy_gate.check()
    if context.live.missing:
        raise web.HTTPNotImplemented(text=f"{context.live.missing}\n")
    return context


def _viewer_of(request: web.Request) -> tuple[str, ...]:
    """Return a key that distinguishes viewers, which have no connection of their own: address, browser, credentials."""
    access = access_of(request)
    session, signature = request.cookies.get(access.cookie, ""), request.query.get(SIGNATURE, "")
    return access.proxies.peer_of(request).address, request.headers.get("User-Agent", "")[:200], session, signature


def _uri_of(request: web.Request) -> Callable[[str], str]:
    """Return the function that makes URIs of files: signed, with the same expiry, if the playlist's own is."""
    links, query = context_of(request).links, request.query
    path = request.path.removeprefix(access_of(request).prefix)
    if not is_signed(query) or not links.verify(path, query):
        return str
    return lambda name: links.sign_alike(f"/hls/{name}", query).removeprefix("/hls/")


def _playlist(text: str) -> web.Response:
    return web.Response(text=text, content_type=PLAYLIST, headers={"Cache-Control": "no-cache"})


def _refusal(error: CameraDown) -> web.Response:
    return _later(str(error).removeprefix("ERROR: "))


def _later(why: str) -> web.Response:
    return web.Response(status=503, text=f"{why}\n", headers=retry_headers(503))
