"""Whether the node is well, for whoever may ask: one word and nothing else."""

from __future__ import annotations

from aiohttp import web

from pi_cam_node.web.keys import site_of
from pi_cam_node.web.routes import route
from pi_cam_node.web.site import State


def is_well(state: State) -> bool:
    """Tell whether frames arrive and the broker is connected."""
    return state.states.get("camera") == "online" and state.broker


@route("GET", "/healthz", "public")
async def healthz(request: web.Request) -> web.StreamResponse:
    """Say ``ok`` or ``not ok``."""
    well = is_well(site_of(request).state)
    return web.Response(status=200 if well else 503, text="ok" if well else "not ok")
