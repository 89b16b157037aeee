"""API of a node's settings, for owners: told as the node describes them, changed and explained by its commands."""

from __future__ import annotations

import json

from aiohttp import web

from pi_cam_node.base.errors import NodeError
from pi_cam_node.console.web.forms import json_of
from pi_cam_node.console.web.routes import account_of, context_of, node_of, owner_route
from pi_cam_node.console.web.settings_nodes import described


@owner_route("GET", "/api/nodes/{camera}/settings")
async def settings(request: web.Request) -> web.StreamResponse:
    """Tell every setting of a node: its value in force, secrets masked, and what it may be."""
    try:
        told = await described(context_of(request), node_of(request, "own"))
    except (NodeError, OSError) as error:
        raise web.HTTPBadGateway(text=f"{error}\n") from None
    return web.json_response({"settings": told})


@owner_route("POST", "/api/nodes/{camera}/{verb:set|explain}")
async def command(request: web.Request) -> web.StreamResponse:
    """Change a setting of a node, or ask why it sees motion or none; the answer is the node's reply."""
    context, node, arguments = context_of(request), node_of(request, "own"), dict(await json_of(request))
    verb = request.match_info["verb"]
    try:
        reply = await context.requests.ask(node.id, verb, arguments)
    except NodeError as error:
        return web.json_response({"ok": False, "code": error.code, "message": str(error), "data": {}})
    if verb == "set" and reply.get("ok"):
        value = json.dumps(arguments.get("value"))[:100]
        context.note(account_of(request).name, "setting", f"{node.id}: {arguments.get('key')} = {value}")
    return web.json_response({"data": {}, "message": "", **reply})
