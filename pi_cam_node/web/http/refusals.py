"""Code and text of a refused request, for APIs that refuse in JSON."""

from __future__ import annotations

import types
from collections.abc import Mapping

from aiohttp import web

from pi_cam_node.base.errors import Code

API = "/api/"
# Codes of the refusals that concern the sender or the server; any other is that of a request that makes no sense.
_CODES: Mapping[int, Code] = types.MappingProxyType(
    {
        401: "forbidden",
        403: "forbidden",
        408: "timeout",
        429: "busy",
        500: "internal",
        502: "camera_down",
        503: "busy",
        504: "timeout",
    }
)


def code_of(refusal: web.HTTPException) -> Code:
    """Return the reply code of a refusal."""
    return _CODES.get(refusal.status, "bad_request")


def text_of(request: web.Request, refusal: web.HTTPException) -> str:
    """Return the text of a refusal; instead of aiohttp's for a missing route, one that says what to do."""
    if request.match_info.http_exception is not refusal:
        return (refusal.text or "").strip().removeprefix("ERROR: ")
    if isinstance(refusal, web.HTTPMethodNotAllowed):
        return f"{request.method} is not possible here; use {' or '.join(sorted(refusal.allowed_methods))}"
    return f"there is no such address; {API}openapi.json lists those that there are"
