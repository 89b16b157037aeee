"""Imports every module that declares routes, so that the table is whole."""

from __future__ import annotations

from pi_cam_node.web.api import health, metrics
from pi_cam_node.web.api import routes as api
from pi_cam_node.web.auth import login
from pi_cam_node.web.http.routes import Route, declared
from pi_cam_node.web.live import routes as streams
from pi_cam_node.web.media import routes as media
from pi_cam_node.web.pages import routes as page

DECLARING = (api, health, login, media, metrics, page, streams)


def routes() -> tuple[Route, ...]:
    """Return the whole table."""
    return declared()
