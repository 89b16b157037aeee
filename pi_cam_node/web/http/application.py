"""Builds an aiohttp application from a table of routes: rights, bounds and security headers on every answer."""

from __future__ import annotations

from aiohttp import web

from pi_cam_node.web.http.connection import BODY_BYTES_MAX
from pi_cam_node.web.http.connection_limit import CONNECTIONS, ConnectionLimit
from pi_cam_node.web.http.middleware import Gate, guard
from pi_cam_node.web.http.routes import Route, RouteTable
from pi_cam_node.web.http.security_headers import CONTENT_SECURITY_POLICY, security_headers


def application(
    routes: RouteTable, gate: Gate, connections: ConnectionLimit, policy: str = CONTENT_SECURITY_POLICY
) -> web.Application:
    """Return an application that answers the routes of a table, and nothing else.

    Args:
        routes: What it answers.
        gate: Judges each request before its handler is called.
        connections: Bounds the connections; found in the application as `CONNECTIONS`.
        policy: The Content-Security-Policy of every answer.
    """
    declared: dict[web.AbstractRoute, Route] = {}
    app = web.Application(middlewares=[guard(gate, declared)], client_max_size=BODY_BYTES_MAX)
    for one in routes:
        methods = ("GET", "HEAD") if one.method == "GET" else (one.method,)
        for method in methods:
            declared[app.router.add_route(method, one.path, one.handler)] = one
    app[CONNECTIONS] = connections
    app.on_response_prepare.append(security_headers(policy))
    return app
