"""Refusals of requests to the API, as JSON in the form of a reply; those of pages and pictures stay plain text."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from pi_cam_node.base.errors import Code
from pi_cam_node.base.strict_json import json_bytes
from pi_cam_node.core.commands.registry import VERB_SHOWN
from pi_cam_node.web.api.models import Refusal
from pi_cam_node.web.auth.access import access_of
from pi_cam_node.web.http.routes import JSON, Route
from pi_cam_node.web.routes import context_of

API = "/api/"
# Codes of the refusals that concern the sender or the server; any other is that of a request that makes no sense.
_CODES: Mapping[int, Code] = {
    401: "forbidden",
    403: "forbidden",
    408: "timeout",
    429: "busy",
    500: "internal",
    503: "busy",
    504: "timeout",
}


def worded_as_reply(request: web.Request, route: Route | None, refusal: web.HTTPException) -> None:
    """Word a refusal as JSON if the path is below ``/api/``, or its responses are described by a model."""
    path = request.path.removeprefix(access_of(request).prefix)
    if refusal.status < web.HTTPBadRequest.status_code or not (is_of_api(route) if route else path.startswith(API)):
        return
    body = Refusal(
        verb=request.match_info.get("verb", "")[:VERB_SHOWN],
        code=_CODES.get(refusal.status, "bad_request"),
        message=f"ERROR: {_text_of(request, refusal)}",
        data={},
        node=context_of(request).info.get("id", ""),
    )
    refusal.text = json_bytes(body.model_dump()).decode()
    refusal.content_type = JSON[0]


def is_of_api(route: Route) -> bool:
    """Tell whether refusals of a route are JSON."""
    return route.path.startswith(API) or route.described.model is not None


def _text_of(request: web.Request, refusal: web.HTTPException) -> str:
    """Return the text of a refusal; instead of aiohttp's for a missing route, one that says what to do."""
    if request.match_info.http_exception is not refusal:
        return (refusal.text or "").strip().removeprefix("ERROR: ")
    if isinstance(refusal, web.HTTPMethodNotAllowed):
        return f"{request.method} is not possible here; use {' or '.join(sorted(refusal.allowed_methods))}"
    return "there is no such address; /api/openapi.json lists those that there are"
