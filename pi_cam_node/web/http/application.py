"""Builds an aiohttp application from a route table, with authorization, limits and security headers on all routes."""

from __future__ import annotations

import itertools

from aiohttp import web

from pi_cam_node.web.http.connection import BODY_BYTES_MAX
from pi_cam_node.web.http.connection_limit import CONNECTIONS, ConnectionLimit
from pi_cam_node.web.http.middleware import Gate, Worded, guard, refuse_second_answer
from pi_cam_node.web.http.routes import Need, Route, RouteTable
from pi_cam_node.web.http.security_headers import CONTENT_SECURITY_POLICY, security_headers


def application(
    routes: RouteTable,
    gate: Gate,
    connections: ConnectionLimit,
    policy: str = CONTENT_SECURITY_POLICY,
    *,
    prefix: str = "",
    worded: Worded | None = None,
) -> web.Application:
    """Return an application for the routes of a table.

    Args:
        routes: The routes.
        gate: Authorizes each request before its handler is called.
        connections: Connection limit; stored in the application as `CONNECTIONS`.
        prefix: A path such as ``/cam`` under which every route is also served, for a reverse proxy that does not strip
            it.
        policy: The Content-Security-Policy of every response.
        worded: Words refusals; by default they are plain text.
    """
    declared: dict[web.AbstractRoute, Route] = {}
    app = web.Application(middlewares=[guard(gate, declared, worded)], client_max_size=BODY_BYTES_MAX)
    for one in routes:
        methods = ("GET", "HEAD") if one.method == "GET" else (one.method,)
        for method, place in itertools.product(methods, {"", prefix}):
            declared[app.router.add_route(method, place + one.path, one.handler)] = one
    if prefix:
        to_page = Route("GET", prefix, Need("public"), _to_page)
        declared[app.router.add_route("GET", prefix, to_page.handler)] = to_page
    app[CONNECTIONS] = connections
    app.on_response_prepare.append(refuse_second_answer)
    app.on_response_prepare.append(security_headers(policy, prefix))
    return app


async def _to_page(request: web.Request) -> web.StreamResponse:
    """Redirect to the path with a trailing slash, which relative links of the page need."""
    raise web.HTTPPermanentRedirect(request.path.rpartition("/")[2] + "/")
