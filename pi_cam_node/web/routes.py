"""Route table of the node, and the keys under which handlers find the services of the application."""

from __future__ import annotations

from aiohttp import web

from pi_cam_node.web.context import WebContext
from pi_cam_node.web.http.app_keys import app_key
from pi_cam_node.web.http.routes import RouteTable

ROUTES = RouteTable()
route = ROUTES.route

CONTEXT = app_key("context", WebContext)


def context_of(request: web.Request) -> WebContext:
    """Return the node as the handlers of this request see it."""
    return request.app[CONTEXT]
