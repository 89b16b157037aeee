"""Static files of the package, read once and sent from memory, with ETags."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import field

from aiohttp import ETag, web

from pi_cam_node.base.frozen import frozen
from pi_cam_node.web.http.file_response import is_known

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
        gzipped: The same, compressed; empty if it is never sent so.
    """

    content: bytes = field(repr=False)
    content_type: str
    etag: str
    gzipped: bytes = field(repr=False, default=b"")


def static_file(name: str, content: bytes, *, is_compressed: bool = False) -> StaticFile:
    """Return a static file; its media type is determined by the suffix.

    Args:
        name: Its name.
        content: Its bytes.
        is_compressed: Whether clients may get it compressed; pictures never are.
    """
    kind, etag = _TYPES[name.rpartition(".")[2]], hashlib.sha256(content).hexdigest()[:16]
    gzipped = gzip.compress(content, mtime=0) if is_compressed and kind != "image/png" else b""
    return StaticFile(content, kind, etag, gzipped)


def send(request: web.Request, file: StaticFile) -> web.Response:
    """Return the response with a file, or 304 if the browser's copy is current.

    ``no-cache`` makes browsers revalidate each time, so that after an update all files change together.
    """
    known = is_known(request, file.etag)
    is_gzipped = bool(file.gzipped) and _takes_gzip(request.headers.get("Accept-Encoding", ""))
    body = file.gzipped if is_gzipped else file.content
    response = web.Response(status=304) if known else web.Response(body=body, content_type=file.content_type)
    if not known and file.content_type != "image/png":
        response.charset = "utf-8"
    if not known and is_gzipped:
        response.headers["Content-Encoding"] = "gzip"
    if file.gzipped:
        response.headers["Vary"] = "Accept-Encoding"
    response.etag = ETag(file.etag, is_weak=is_gzipped)  # other bytes than those without compression
    response.headers["Cache-Control"] = "no-cache"
    return response


def _takes_gzip(accepted: str) -> bool:
    """Tell whether an Accept-Encoding header allows gzip."""
    found = re.search(r"(?:^|,)\s*(?:x-)?gzip\s*(?:;\s*q=(\d(?:\.\d*)?)\s*)?(?:,|$)", accepted, re.IGNORECASE)
    return found is not None and float(found[1] or 1) > 0
