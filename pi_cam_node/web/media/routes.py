"""Routes of saved pictures and thumbnails, addressed by id, not by file name."""

from __future__ import annotations

import logging

from aiohttp import web

from pi_cam_node.base.errors import NotSaved
from pi_cam_node.base.strict_json import json_bytes, read_object
from pi_cam_node.config import FORMATS, Format, format_of
from pi_cam_node.web.api.commands import carry_out
from pi_cam_node.web.api.models import Reply
from pi_cam_node.web.context import PictureStore
from pi_cam_node.web.http import disk_pool
from pi_cam_node.web.http.disk_pool import DISK, DiskPool
from pi_cam_node.web.http.file_response import Stored, is_known, open_stored, send
from pi_cam_node.web.http.privacy_cutoff import send_whole
from pi_cam_node.web.http.routes import JSON, NOT_MODIFIED, OVERLOADED, Described, app_key
from pi_cam_node.web.media.thumbnails import Thumbnails
from pi_cam_node.web.routes import CONTEXT, context_of, route

_log = logging.getLogger(__name__)

# Deadline of a thumbnail, including queued ones of the same page; 12 megapixels take a second each.
THUMBNAIL_S = 20.0
# Width for the page if export.thumbnail_px disables thumbnails over MQTT.
THUMBNAIL_PX = 320
# Browsers must revalidate cached pictures, so that an expired link or session does not live on in the cache.
CACHING = {"Cache-Control": "private, no-cache"}

GONE = "There is no such picture or film, any more."
UNAVAILABLE = "The disk of the pictures is unavailable, or too many requests are waiting."

THUMBNAILS = app_key("thumbnails", Thumbnails)
THUMBNAIL_POOL = app_key("thumbnail_pool", DiskPool)

_TYPES = {"jpg": "image/jpeg", "png": "image/png", "npy": "application/octet-stream", "mp4": "video/mp4"}


def attach(app: web.Application) -> None:
    """Attach the thumbnail thread to an application."""
    app[THUMBNAILS] = Thumbnails(app[CONTEXT].images)
    disk_pool.attach(app, THUMBNAIL_POOL, DiskPool("http-thumbnail", 1, THUMBNAIL_S))


@route(
    "GET",
    "/media/{id}",
    "view",
    Described(
        ("image/jpeg", "image/png", "application/octet-stream", "video/mp4"),
        query={"format": ({"enum": list(FORMATS)}, "The file of this format.")},
        refusals={
            **NOT_MODIFIED,
            **OVERLOADED,
            206: "The part that was asked for.",
            404: GONE,
            416: "The range lies beyond the end.",
            503: UNAVAILABLE,
        },
    ),
    signed=True,
)
async def picture(request: web.Request) -> web.StreamResponse:
    """Return a saved picture: JPEG if there is one, else PNG, else npy; or as ``?format=``."""
    context_of(request).hub.privacy_gate.check()
    pictures, picture_id = context_of(request).pictures, request.match_info["id"]
    stored = await request.app[DISK].run(_open, pictures, picture_id, asked_format(request))
    if stored is None:
        raise await _missing(request)
    with stored.file:
        return await send(request, stored, headers_of(stored.name), context_of(request).hub.privacy_gate)


@route(
    "GET",
    "/media/{id}/thumbnail",
    "view",
    Described(("image/jpeg",), refusals={**NOT_MODIFIED, **OVERLOADED, 404: GONE, 503: UNAVAILABLE}),
    signed=True,
)
async def thumbnail(request: web.Request) -> web.StreamResponse:
    """Return a small JPEG of a saved picture; for a film, of its event's picture."""
    context, picture_id = context_of(request), request.match_info["id"]
    context.hub.privacy_gate.check()
    width_px = context.state.config.export.thumbnail_px or THUMBNAIL_PX
    disk = request.app[DISK]
    path = await disk.run(_still_of, context.pictures, picture_id)
    stored = await disk.run(open_stored, path) if path is not None else None
    if path is None or stored is None:
        raise await _missing(request)
    stored.file.close()
    etag = f"{stored.etag}-{width_px}"
    headers = {**headers_of(f"{stored.name.rpartition('.')[0]}-small.jpg"), "ETag": f'"{etag}"'}
    if is_known(request, etag, stored.modified):
        return web.Response(status=304, headers=headers)
    try:
        body = await request.app[THUMBNAIL_POOL].run(request.app[THUMBNAILS].of, path, stored.etag, width_px)
    except (ValueError, NotSaved) as error:
        _log.warning("no thumbnail of %s: %s", picture_id, error)
        raise web.HTTPNotFound(text="this picture cannot be read\n") from None
    return await send_whole(context.hub.privacy_gate, request, web.Response(body=body, headers=headers))


@route(
    "DELETE", "/media/{id}", "control", Described(JSON, Reply, refusals={403: "It is kept.", 404: GONE, **OVERLOADED})
)
async def delete(request: web.Request) -> web.StreamResponse:
    """Delete a picture or film, like the command ``delete``; refused for kept ones."""
    arguments = json_bytes({"media_id": request.match_info["id"]})
    return await carry_out(context_of(request), "delete", arguments)


async def _missing(request: web.Request) -> web.HTTPException:
    """Return the error for a missing picture: 404, or another if the disk is missing."""
    pictures = context_of(request).pictures
    if await request.app[DISK].run(lambda: pictures.is_away):
        return web.HTTPServiceUnavailable(
            text="the disk of the pictures is unavailable\n", headers={"Retry-After": "60"}
        )
    return web.HTTPNotFound(text="there is no such picture (any more)\n")


def asked_format(request: web.Request) -> Format | None:
    """Return ``?format=``; ``None`` if missing.

    Raises:
        HTTPBadRequest: There is no such format.
    """
    raw = request.query.get("format")
    try:
        return None if raw is None else format_of(raw)
    except ValueError as error:
        raise web.HTTPBadRequest(text=f"{error}\n") from None


def headers_of(name: str) -> dict[str, str]:
    """Return Content-Type and Content-Disposition for a file."""
    kind = _TYPES[name.rpartition(".")[2]]
    return {"Content-Type": kind, "Content-Disposition": f'inline; filename="{name}"', **CACHING}


def _open(pictures: PictureStore, picture_id: str, wanted: Format | None) -> Stored | None:
    """Open a file of a picture. The archive validates the id; nothing else of a request is used in a path."""
    path = pictures.find(picture_id)
    if path is None:
        return None
    return open_stored(path if wanted is None else f"{path.rpartition('.')[0]}.{wanted}")


def _still_of(pictures: PictureStore, media_id: str) -> str | None:
    """Return the file of a picture; for a film that of its event's picture, from the sidecar file."""
    path = pictures.find(media_id)
    if path is None or not path.endswith(".mp4"):
        return path
    try:
        facts = read_object(f"{path.removesuffix('.mp4')}.json") or {}
    except OSError:
        return None
    event = facts.get("event")
    picture_id = event.get("picture_id") if isinstance(event, dict) else None
    return pictures.find(picture_id) if isinstance(picture_id, str) else None
