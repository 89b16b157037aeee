"""Builds the console's aiohttp application, with the HTTP server shared with the node."""

from __future__ import annotations

from aiohttp import web

from pi_cam_node.console.context import ConsoleContext
from pi_cam_node.console.web import (  # noqa: F401 - importing a module declares its routes
    api,
    dashboard,
    events,
    files,
    live,
    login,
    media,
    metrics,
    recordings,
    sensors,
    settings_accounts,
    settings_devices,
    settings_nodes,
    settings_rules,
)
from pi_cam_node.console.web.gate import GATE, ConsoleGate
from pi_cam_node.console.web.rendering import whole_pages
from pi_cam_node.console.web.routes import CONTEXT, ROUTES
from pi_cam_node.web.http.application import application as application_of
from pi_cam_node.web.http.connection_limit import ConnectionLimit

# Each open page holds two connections: pictures and changes.
BROWSERS_MAX = 32
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def application(context: ConsoleContext, gate: ConsoleGate) -> web.Application:
    """Return the application."""
    connections = ConnectionLimit(lambda: 2 * BROWSERS_MAX, gate.proxies.trusts)
    app = application_of(ROUTES, gate, connections, POLICY, worded=api.worded_as_json)
    app[CONTEXT], app[GATE] = context, gate
    app.middlewares.append(whole_pages)
    live.attach(app)
    return app
