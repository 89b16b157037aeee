"""Puts routes, guard and headers together."""

from __future__ import annotations

from aiohttp import web

from pi_cam_node.web import all_routes as everything
from pi_cam_node.web.app_keys import SITE
from pi_cam_node.web.auth.access import ACCESS, Access
from pi_cam_node.web.context import Site
from pi_cam_node.web.http.connection import BODY_BYTES_MAX
from pi_cam_node.web.http.connection_limit import CROWD, Crowd
from pi_cam_node.web.http.middleware import guard
from pi_cam_node.web.http.routes import Route
from pi_cam_node.web.http.security_headers import harden
from pi_cam_node.web.live import routes as streams
from pi_cam_node.web.media import disk_pool as disk


def application(site: Site, access: Access, crowd: Crowd) -> web.Application:
    """Return the application of every declared route."""
    table: dict[web.AbstractRoute, Route] = {}
    app = web.Application(middlewares=[guard(access, table)], client_max_size=BODY_BYTES_MAX)
    for declared in everything.routes():
        methods = ("GET", "HEAD") if declared.method == "GET" else (declared.method,)
        for method in methods:
            table[app.router.add_route(method, declared.path, declared.handler)] = declared
    app[SITE], app[ACCESS], app[CROWD] = site, access, crowd
    app.on_response_prepare.append(harden)
    streams.attach(app)
    disk.attach(app)
    return app
