"""Conditional requests: whether the copy that a client already has is current."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web


def is_known(request: web.Request, etag: str, modified: datetime | None = None) -> bool:
    """Tell whether the client's copy is current. If-None-Match takes precedence over dates (RFC 9110, 13.2.2)."""
    if request.if_none_match is not None:
        return any(tag.value in (etag, "*") for tag in request.if_none_match)
    since = request.if_modified_since
    return modified is not None and since is not None and modified <= since
