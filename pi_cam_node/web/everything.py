"""Imports every module that declares routes, so that the table is whole."""

from __future__ import annotations

from pi_cam_node.web import api, health, login, media, metrics, page, streams
from pi_cam_node.web.routes import Route, declared

DECLARING = (api, health, login, media, metrics, page, streams)


def routes() -> tuple[Route, ...]:
    """Return the whole table."""
    return declared()
