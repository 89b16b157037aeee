"""Route table of the node, and the application key of its context. Imports aiohttp; `web.context` does not."""

from __future__ import annotations

from aiohttp import web

from pi_cam_node.web.context import WebContext
from pi_cam_node.web.http.routes import RouteTable, app_key

ROUTES = RouteTable()
route = ROUTES.route

CONTEXT = app_key("context", WebContext)


def context_of(request: web.Request) -> WebContext:
    """Return the node's context of a request."""
    return request.app[CONTEXT]
