"""Imports every module that declares routes, so that the table is whole."""

from __future__ import annotations

from pi_cam_node.web.api import health, metrics
from pi_cam_node.web.api import routes as api_routes
from pi_cam_node.web.auth import login
from pi_cam_node.web.http.routes import Route, declared
from pi_cam_node.web.live import routes as live_routes
from pi_cam_node.web.media import routes as media_routes
from pi_cam_node.web.pages import routes as page_routes

DECLARING = (api_routes, health, live_routes, login, media_routes, metrics, page_routes)


def routes() -> tuple[Route, ...]:
    """Return the whole table."""
    return declared()
