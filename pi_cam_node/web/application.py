"""Builds the node's aiohttp application: imports every module that declares routes, and attaches what handlers need."""

from __future__ import annotations

from aiohttp import web

from pi_cam_node.web.api import monitoring  # noqa: F401 - declares its routes
from pi_cam_node.web.api import routes as api_routes  # noqa: F401 - declares its routes
from pi_cam_node.web.api.refusals import worded_as_reply
from pi_cam_node.web.auth.access import ACCESS, Access
from pi_cam_node.web.context import WebContext
from pi_cam_node.web.http import application as foundation
from pi_cam_node.web.http import disk_pool
from pi_cam_node.web.http.connection_limit import ConnectionLimit
from pi_cam_node.web.http.routes import Route
from pi_cam_node.web.live import hls
from pi_cam_node.web.live import routes as live_routes
from pi_cam_node.web.media import routes as media_routes
from pi_cam_node.web.pages import login  # noqa: F401 - declares its routes
from pi_cam_node.web.pages import routes as page_routes  # noqa: F401 - declares its routes
from pi_cam_node.web.routes import CONTEXT, ROUTES


def routes() -> tuple[Route, ...]:
    """Return every route of the node."""
    return tuple(ROUTES)


def application(context: WebContext, access: Access) -> web.Application:
    """Return the application of every declared route."""
    connections = ConnectionLimit(lambda: context.state.config.http.max_viewers, access.proxies.trusts)
    app = foundation.application(ROUTES, access, connections, prefix=access.prefix, worded=worded_as_reply)
    app[CONTEXT], app[ACCESS] = context, access
    disk_pool.attach(app)
    live_routes.attach(app)
    hls.attach(app)
    media_routes.attach(app)
    return app
