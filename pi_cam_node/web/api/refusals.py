"""Refusals of requests to the API, as JSON in the form of a reply; those of pages and pictures stay plain text."""

from __future__ import annotations

from aiohttp import web

from pi_cam_node.base.strict_json import json_bytes
from pi_cam_node.core.commands.registry import VERB_SHOWN
from pi_cam_node.web.api.models import Refusal
from pi_cam_node.web.auth.access import access_of
from pi_cam_node.web.http.refusals import API, code_of, text_of
from pi_cam_node.web.http.routes import JSON, Route
from pi_cam_node.web.routes import context_of


def worded_as_reply(request: web.Request, route: Route | None, refusal: web.HTTPException) -> None:
    """Word a refusal as JSON if the path is below ``/api/``, or its responses are described by a model."""
    path = request.path.removeprefix(access_of(request).prefix)
    if refusal.status < web.HTTPBadRequest.status_code or not (is_of_api(route) if route else path.startswith(API)):
        return
    body = Refusal(
        verb=request.match_info.get("verb", "")[:VERB_SHOWN],
        code=code_of(refusal),
        message=f"ERROR: {text_of(request, refusal)}",
        data={},
        node=context_of(request).info.get("id", ""),
    )
    refusal.text = json_bytes(body.model_dump()).decode()
    refusal.content_type = JSON[0]


def is_of_api(route: Route) -> bool:
    """Tell whether refusals of a route are JSON."""
    return route.path.startswith(API) or route.described.model is not None
