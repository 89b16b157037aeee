"""Puts routes, guard and headers together."""

from __future__ import annotations

from aiohttp import web

from pi_cam_node.web import all_routes
from pi_cam_node.web.app_keys import SITE
from pi_cam_node.web.auth.access import ACCESS, Access
from pi_cam_node.web.context import WebContext
from pi_cam_node.web.http.connection import BODY_BYTES_MAX
from pi_cam_node.web.http.connection_limit import CROWD, ConnectionLimit
from pi_cam_node.web.http.middleware import guard
from pi_cam_node.web.http.routes import Route
from pi_cam_node.web.http.security_headers import harden
from pi_cam_node.web.live import routes
from pi_cam_node.web.media import disk_pool


def application(site: WebContext, access: Access, crowd: ConnectionLimit) -> web.Application:
    """Return the application of every declared route."""
    table: dict[web.AbstractRoute, Route] = {}
    app = web.Application(middlewares=[guard(access, table)], client_max_size=BODY_BYTES_MAX)
    for declared in all_routes.routes():
        methods = ("GET", "HEAD") if declared.method == "GET" else (declared.method,)
        for method in methods:
            table[app.router.add_route(method, declared.path, declared.handler)] = declared
    app[SITE], app[ACCESS], app[CROWD] = site, access, crowd
    app.on_response_prepare.append(harden)
    routes.attach(app)
    disk_pool.attach(app)
    return app
