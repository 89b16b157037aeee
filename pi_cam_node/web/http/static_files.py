"""Static files of the package, read once and sent from memory, with ETags."""

from __future__ import annotations

import hashlib
from dataclasses import field

from aiohttp import web

from pi_cam_node.base.frozen import frozen

_TYPES = {
    "LICENSE": "text/plain",
    "css": "text/css",
    "html": "text/html",
    "js": "text/javascript",
    "png": "image/png",
    "svg": "image/svg+xml",
}


@frozen
class StaticFile:
    """A static file in memory.

    Attributes:
        content: Its bytes.
        content_type: Its media type.
        etag: ETag of the content.
    """

    content: bytes = field(repr=False)
    content_type: str
    etag: str


def static_file(name: str, content: bytes) -> StaticFile:
    """Return a static file; its media type is determined by the suffix."""
    return StaticFile(content, _TYPES[name.rpartition(".")[2]], hashlib.sha256(content).hexdigest()[:16])


def send(request: web.Request, file: StaticFile) -> web.Response:
    """Return the response with a file, or 304 if the browser's copy is current.

    ``no-cache`` makes browsers revalidate each time, so that after an update all files change together.
    """
    known = any(tag.value in (file.etag, "*") for tag in request.if_none_match or ())
    response = web.Response(status=304) if known else web.Response(body=file.content, content_type=file.content_type)
    if not known and file.content_type != "image/png":
        response.charset = "utf-8"
    response.etag = file.etag
    response.headers["Cache-Control"] = "no-cache"
    return response
