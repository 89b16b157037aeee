"""Builds the console's aiohttp application on the HTTP server that the node uses too."""

from __future__ import annotations

from aiohttp import web

from pi_cam_node.console.context import ConsoleContext
from pi_cam_node.console.web import (
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
from pi_cam_node.console.web.rendering import refusal_pages
from pi_cam_node.console.web.routes import CONTEXT, ROUTES
from pi_cam_node.web.http.application import application as application_of
from pi_cam_node.web.http.connection_limit import ConnectionLimit

# Imported for the routes that they declare.
DECLARING = (
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
# Open pages hold two connections each: the pictures and the changes.
BROWSERS_MAX = 32
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def application(context: ConsoleContext, gate: ConsoleGate) -> web.Application:
    """Return the application."""
    connections = ConnectionLimit(lambda: 2 * BROWSERS_MAX, gate.proxies.trusts)
    app = application_of(ROUTES, gate, connections, POLICY)
    app[CONTEXT], app[GATE] = context, gate
    app.middlewares.append(refusal_pages)
    live.attach(app)
    return app
