"""Health check ``/healthz``: ``ok`` while the broker is connected and the camera delivers frames or privacy is on."""

from __future__ import annotations

from aiohttp import web

from pi_cam_node.web.context import State
from pi_cam_node.web.routes import context_of, route


def is_well(state: State) -> bool:
    """Tell whether the broker is connected, and frames arrive or privacy is on."""
    may_be_seen = state.states.get("privacy") != "ON"
    return state.broker and (not may_be_seen or state.states.get("camera") == "online")


@route("GET", "/healthz", "public")
async def healthz(request: web.Request) -> web.StreamResponse:
    """Say ``ok`` or ``not ok``."""
    well = is_well(context_of(request).state)
    return web.Response(status=200 if well else 503, text="ok" if well else "not ok")
