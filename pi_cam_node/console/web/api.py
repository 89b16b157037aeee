"""API of the console: health, nodes, and the OpenAPI document."""

from __future__ import annotations

import re

from aiohttp import web

from pi_cam_node import __version__
from pi_cam_node.base.strict_json import json_bytes
from pi_cam_node.console.web.rendering import build_id
from pi_cam_node.console.web.routes import ROUTES, context_of, route, visible
from pi_cam_node.console.web.visits import is_visit
from pi_cam_node.web.http.refusals import API, code_of, text_of
from pi_cam_node.web.http.routes import JSON, Route


@route("GET", "/healthz", "public")
async def healthz(request: web.Request) -> web.StreamResponse:
    """Return ``ok`` while the broker is connected and the database can be written, else ``not ok``."""
    context = context_of(request)
    well = context.dispatcher.broker.connected and not context.database.trouble
    return web.Response(status=200 if well else 503, text="ok" if well else "not ok")


@route("GET", "/api/nodes", "view")
async def nodes(request: web.Request) -> web.StreamResponse:
    """List the nodes that the account may see, with their states."""
    context = context_of(request)
    return web.json_response(
        {
            "broker": context.dispatcher.broker.connected,
            "broker_away_because": context.dispatcher.broker.reason,
            "build": build_id(),
            "mode": context.mode,
            "nodes": [
                {
                    "id": node.id,
                    "name": node.name,
                    "online": node.online,
                    "camera": node.camera,
                    "private": node.is_private,
                    "states": node.states,
                    "trouble": node.trouble(),
                    "why_no_stream": context.client.why(node),
                }
                for node in visible(request)
            ],
        }
    )


@route("GET", "/api/openapi.json", "view")
async def document(_request: web.Request) -> web.StreamResponse:
    """Return the OpenAPI 3.1 document, generated from the route table."""
    paths: dict[str, dict[str, object]] = {}
    for one in ROUTES:
        path = re.sub(r"\{(\w+):[^{}]*(?:\{[^{}]*\}[^{}]*)*\}", r"{\1}", one.path)
        parameters = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in re.findall(r"\{(\w+)\}", path)
        ]
        summary = (one.handler.__doc__ or "").strip().partition("\n")[0]
        operation: dict[str, object] = {
            "summary": summary,
            "responses": {"default": {"description": "see the summary"}},
        }
        if parameters:
            operation["parameters"] = parameters
        operation["x-right"] = one.need.right
        paths.setdefault(path, {})[one.method.lower()] = operation
    return web.json_response(
        {"openapi": "3.1.0", "info": {"title": "pi_cam_node console", "version": __version__}, "paths": paths}
    )


def worded_as_json(request: web.Request, _route: Route | None, refusal: web.HTTPException) -> None:
    """Word a refusal of the API as JSON, in the form of a node's reply; people who open its address get a page."""
    if refusal.status < web.HTTPBadRequest.status_code or not request.path.startswith(API) or is_visit(request):
        return
    body: dict[str, object] = {"ok": False, "code": code_of(refusal), "message": text_of(request, refusal), "data": {}}
    refusal.text = json_bytes(body).decode()
    refusal.content_type = JSON[0]
