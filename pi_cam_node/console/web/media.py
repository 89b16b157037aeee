"""Relays pictures and films of the nodes; falls back to the broker's thumbnail of a picture."""

from __future__ import annotations

import asyncio
import logging
import re

import aiohttp
from aiohttp import web
from yarl import URL

from pi_cam_node.console.accounts import rights
from pi_cam_node.console.context import ConsoleContext
from pi_cam_node.console.nodes.node import Node
from pi_cam_node.console.pictures.client import Unreachable, body_of
from pi_cam_node.console.store import media as media_rows
from pi_cam_node.console.store.database import StoreUnavailable
from pi_cam_node.console.web.events import SHARE_S, span_in
from pi_cam_node.console.web.forms import form_of
from pi_cam_node.console.web.gate import gate_of
from pi_cam_node.console.web.rendering import page
from pi_cam_node.console.web.routes import account_of, account_or_none, context_of, is_signed, node_of, route

_log = logging.getLogger(__name__)

CHUNK_BYTES = 64 << 10
STALL_S = 30.0
# Relayed headers; not Cache-Control, since pictures of the home must stay in no browser's cache.
_PASSED_ON = ("Date", "Content-Length", "Content-Range", "Accept-Ranges", "ETag", "Last-Modified")
PLAYLIST = "application/vnd.apple.mpegurl"
# Relayed content types; HTML or scripts from a node would run with the rights of the account that opens them.
_TYPES = frozenset({"image/jpeg", "image/png", "video/mp4", PLAYLIST})
# Longest text of a node on why there is no live video.
_WORDS_MAX_BYTES = 1000
_ASKED = ("Range", "If-Range", "If-None-Match")
_ID = re.compile(r"[A-Za-z0-9_-]{1,120}")
_HLS = re.compile(r"[A-Za-z0-9_-]{1,80}\.(m3u8|m4s|mp4)")
# URIs in a playlist: whole lines, or attributes such as EXT-X-MAP's; the node uses relative names only.
_FILE_IN_PLAYLIST = re.compile(rf'(?:(?<=URI=")|^)(?!#){_HLS.pattern}(?="|\r?$)', re.MULTILINE)
_URI = re.compile(r'URI\s*=\s*"?([^",]*)', re.IGNORECASE)
PLAYLIST_MAX_BYTES = 64 << 10


@route("GET", "/media/{camera}/{id}", "view", signed=True)
async def picture(request: web.Request) -> web.StreamResponse:
    """Return a picture or film, with range requests."""
    node, name = node_of(request), _name(request)
    return await _pass_on(request, node, f"/media/{name}", name)


@route("GET", "/media/{camera}/{id}/thumbnail", "view", signed=True)
async def thumbnail(request: web.Request) -> web.StreamResponse:
    """Return the thumbnail of a picture."""
    node, name = node_of(request), _name(request)
    return await _pass_on(request, node, f"/media/{name}/thumbnail", name)


@route("POST", "/hls/{camera}/share", "control")
async def share_video(request: web.Request) -> web.StreamResponse:
    """Create a link to a camera's live video that needs no login, for players that cannot send one.

    It is valid for some time (``for``: ``1 h``, ``1 d``, ``7 d``), as long as its account may see the camera.
    """
    node, account, form = node_of(request, "act"), account_of(request), await form_of(request)
    context, span = context_of(request), span_in(form)
    signed = context.links.sign(f"/hls/{node.id}/master.m3u8", SHARE_S[span], account.id)
    context.note(account.name, "command", f"{node.id}: shared the live video for {span}")
    return page(request, "parts/share.html", link=gate_of(request).origin(request) + signed)


@route("GET", "/hls/{camera}/{name}", "view", signed=True)
async def hls(request: web.Request) -> web.StreamResponse:
    """Return a playlist or segment of a camera's live video; a signed playlist contains signed links."""
    node, name = node_of(request), request.match_info["name"]
    if _HLS.fullmatch(name) is None:
        raise web.HTTPNotFound(text="no such file\n")
    if node.is_private:
        raise web.HTTPForbidden(text="privacy is on\n")
    try:
        async with context_of(request).client.get(node, f"/hls/{name}") as answer:
            if answer.status in {403, 404, 501, 503}:
                words = await answer.content.read(_WORDS_MAX_BYTES)
                headers = {one: answer.headers[one] for one in ("Retry-After",) if one in answer.headers}
                return web.Response(status=answer.status, text=words.decode(errors="replace"), headers=headers)
            if answer.status != 200:
                raise _refusal(node, answer.status)
            if is_signed(request) and name.endswith(".m3u8"):
                text = (await body_of(answer, PLAYLIST_MAX_BYTES)).decode(errors="replace")
                return _signed_playlist(request, text)
            return await _copy(request, node, answer)
    except Unreachable as error:
        raise web.HTTPBadGateway(text=f"{error}\n") from None


def leads_elsewhere(playlist: str) -> bool:
    """Tell whether a playlist has other URIs than names of files beside it."""
    lines = [line for line in playlist.splitlines() if line and not line.startswith("#")]
    return not all(_HLS.fullmatch(uri) for uri in (*lines, *_URI.findall(playlist)))


def _signed_playlist(request: web.Request, text: str) -> web.Response:
    """Return a playlist whose links have the expiry of its own signature.

    Raises:
        web.HTTPBadGateway: It leads to another server, where players would follow it; browsers are kept by the policy.
    """
    if leads_elsewhere(text):
        raise web.HTTPBadGateway(text="the node's playlist leads elsewhere\n")
    links, folder = context_of(request).links, request.path.rpartition("/")[0] + "/"

    def signed(found: re.Match[str]) -> str:
        return links.sign_alike(folder + found[0], request.query).removeprefix(folder)

    body = _FILE_IN_PLAYLIST.sub(signed, text)
    return web.Response(text=body, content_type=PLAYLIST)


@route("GET", "/auth/check", "public")
async def auth_check(request: web.Request) -> web.Response:
    """Authorization subrequest of a reverse proxy: 204, or 401 (no login), or 403 (not this camera)."""
    account = account_or_none(request)
    asked = request.headers.get("X-Original-URI", "/")
    path = asked.partition("?")[0]
    if re.search(r"%|\\|//|/\.", path):
        return web.Response(status=403)
    parts = path.split("/")
    camera = parts[2] if len(parts) > 2 and parts[1] in {"media", "hls"} else None
    is_open = camera is not None and gate_of(request).is_open(path, URL(asked, encoded=True).query, camera)
    if account is None and not is_open:
        return web.Response(status=401)
    may = is_open or (account is not None and rights.may(account, "view", camera))
    return web.Response(status=204 if may and (camera is None or _is_shown(request, camera)) else 403)


def _is_shown(request: web.Request, camera: str) -> bool:
    """Tell whether a camera's pictures may be shown: the proxy may still have segments from before privacy."""
    node = context_of(request).nodes.get(camera)
    return node is not None and not node.is_private


def _name(request: web.Request) -> str:
    name = request.match_info["id"]
    if _ID.fullmatch(name) is None:
        raise web.HTTPNotFound(text="there is no such picture\n")
    return name


async def _pass_on(request: web.Request, node: Node, path: str, picture_id: str) -> web.StreamResponse:
    context = context_of(request)
    if node.is_private:
        raise web.HTTPForbidden(text="privacy is on\n")
    headers = {name: request.headers[name] for name in _ASKED if name in request.headers}
    try:
        async with context.client.get(node, path, headers) as answer:
            if answer.status not in {200, 206, 304}:
                if answer.status == 404 and path == f"/media/{picture_id}":
                    await _forget(context, node, picture_id)
                raise _refusal(node, answer.status)
            return await _copy(request, node, answer)
    except Unreachable as error:
        kept = context.nodes.thumbnail(node.id, picture_id) if picture_id else b""
        if kept:
            return web.Response(body=kept, content_type="image/jpeg")
        raise web.HTTPBadGateway(text=f"{error}\n") from None


async def _forget(context: ConsoleContext, node: Node, media_id: str) -> None:
    """Delete the row of a picture or film that its node reports as deleted (not as on a missing disk)."""
    try:
        await context.database.run(lambda db: media_rows.delete(db, node.id, media_id))
    except StoreUnavailable as error:
        _log.warning("the row of %s could not be deleted: %s", media_id, error)


def _refusal(node: Node, status: int) -> web.HTTPException:
    if status == 404:
        return web.HTTPNotFound(text="the node does not have it any more\n")
    if status == 503:
        return web.HTTPServiceUnavailable(text=f"{node.name} cannot read it now\n")
    return web.HTTPBadGateway(text=f"{node.name} answers {status}\n")


async def _copy(request: web.Request, node: Node, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    """Relay a response; it is aborted if the node is hidden meanwhile.

    Raises:
        ConnectionError: The client has disconnected or stopped reading.
    """
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client has gone")
    transport.set_write_buffer_limits(high=CHUNK_BYTES)
    response = web.StreamResponse(status=answer.status)
    response.content_type = answer.content_type if answer.content_type in _TYPES else "application/octet-stream"
    for name in _PASSED_ON:
        if name in answer.headers:
            response.headers[name] = answer.headers[name]
    with context_of(request).cutoff.watch(node.id, transport.abort):
        if node.is_private:  # since the node was asked
            raise web.HTTPForbidden(text="privacy is on\n")
        await response.prepare(request)
        if request.method != "HEAD":
            async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
                try:
                    await asyncio.wait_for(response.write(chunk), STALL_S)
                except TimeoutError as error:
                    transport.abort()
                    raise ConnectionAbortedError("the client takes nothing") from error
        await response.write_eof()
    return response
