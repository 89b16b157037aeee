"""Live pages: dashboard with a tile for each camera, and kiosk for a wall tablet."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from pi_cam_node.base.errors import NodeError
from pi_cam_node.console.nodes.node import Node
from pi_cam_node.console.push.pause import next_ms
from pi_cam_node.console.store import events as event_rows
from pi_cam_node.console.store.events import EventFilter
from pi_cam_node.console.web import event_views
from pi_cam_node.console.web.events import SHARE_S, shown_cameras
from pi_cam_node.console.web.forms import form_of
from pi_cam_node.console.web.rendering import page, refused
from pi_cam_node.console.web.routes import account_of, context_of, node_of, require, route, visible
from pi_cam_node.console.web.visits import is_sent_form, shown_page

STRIP = 12
# Commands of the buttons on a tile.
TILE_COMMANDS = {"save": "save", "past": "pastStack", "privacy": "privacy"}
PAST_S = 5.0


@route("GET", "/", "view")
async def dashboard(request: web.Request) -> web.StreamResponse:
    """Page: every camera, the last events, and open sensors."""
    account = account_of(request)
    if account.role == "kiosk":
        return web.Response(status=303, headers={"Location": "/kiosk"})
    return page(request, "dashboard.html", nodes=visible(request), **await _strip(request), **_sensors(request))


@route("GET", "/kiosk", "view")
async def kiosk(request: web.Request) -> web.StreamResponse:
    """Page: cameras for a wall tablet, four at a time, without controls."""
    return page(request, "kiosk.html", nodes=visible(request))


@route("GET", "/offline", "public")
async def offline(request: web.Request) -> web.StreamResponse:
    """Page: the console is unreachable; cached by the service worker."""
    return page(request, "offline.html")


@route("GET", "/cameras/{camera}", "view")
async def camera(request: web.Request) -> web.StreamResponse:
    """Page: one camera, large, with its node's states."""
    node = node_of(request)
    why = context_of(request).client.why(node)
    return page(request, "camera.html", node=node, why=why, shares=SHARE_S, **await _strip(request, node))


@route("GET", "/parts/{part}", "view")
async def part(request: web.Request) -> web.StreamResponse:
    """Return one part of the dashboard, for an update."""
    match request.match_info["part"]:
        case "tiles":
            return page(request, "parts/tiles.html", nodes=visible(request))
        case "strip":
            return page(request, "parts/strip.html", **await _strip(request))
        case "sensors":
            return page(request, "parts/open_sensors.html", **_sensors(request))
        case "health":
            return page(request, "parts/health.html")
        case "mode":
            return page(request, "parts/mode.html")
    raise web.HTTPNotFound(text="no such part\n")


@route("GET", "/parts/tile/{camera}", "view")
async def tile(request: web.Request) -> web.StreamResponse:
    """Return the part of a tile below the picture, for an update."""
    return page(request, "parts/tile_foot.html", node=node_of(request))


@route("GET", "/parts/strip/{camera}", "view")
async def strip(request: web.Request) -> web.StreamResponse:
    """Return the last events of a camera, for an update."""
    return page(request, "parts/strip.html", **await _strip(request, node_of(request)))


@route("GET", "/parts/facts/{camera}", "view")
async def facts(request: web.Request) -> web.StreamResponse:
    """Return the states of a camera's node, for an update."""
    node = node_of(request)
    return page(request, "parts/facts.html", node=node, why=context_of(request).client.why(node))


@route("POST", "/cameras/{camera}/{action}", "control")
async def act(request: web.Request) -> web.StreamResponse:
    """Save a picture, save a picture of the past, or switch privacy; return the result as text."""
    node, action = node_of(request, "act"), request.match_info["action"]
    if action not in TILE_COMMANDS:
        raise web.HTTPNotFound(text="no such button\n")
    account, form = account_of(request), await form_of(request)
    context = context_of(request)
    verb, arguments, words = TILE_COMMANDS[action], dict[str, object](), "took a picture"
    if action == "past":
        arguments, words = {"at": _seconds(form.get("at", ""))}, "took a picture of the past"
    elif action == "privacy":
        turned = "off" if form.get("to") == "off" else "on"
        arguments, words = {"enable": turned}, f"switched privacy {turned}"
    context.note(account.name, "command", f"{node.id}: {words}")
    try:
        reply = await context.requests.ask(node.id, verb, arguments)
    except NodeError as error:
        return refused(request, str(error), 200)
    return page(request, "parts/said.html", said=result_text(action, reply), is_refusal=not reply.get("ok"))


@route("POST", "/mode", "control")
async def mode(request: web.Request) -> web.StreamResponse:
    """Set the mode, home or away."""
    account, form = require(request, "act"), await form_of(request)
    wanted = form.get("mode")
    if wanted not in {"home", "away"}:
        raise web.HTTPBadRequest(text="the mode is home or away\n")
    context_of(request).set_mode(account.name, wanted)
    return _bar(request)


@route("POST", "/pushes", "control")
async def pushes(request: web.Request) -> web.StreamResponse:
    """Pause all pushes ``until`` a time of day; ``on`` resumes them."""
    account, form = require(request, "act"), await form_of(request)
    context = context_of(request)
    try:
        until_ms = 0 if "on" in form else next_ms(form.get("until", "").strip(), context.clock.utcnow())
    except ValueError as error:
        raise web.HTTPBadRequest(text=f"{error}\n") from None
    context.pause_pushes(account.name, until_ms)
    return _bar(request)


def _bar(request: web.Request) -> web.StreamResponse:
    """Return the bar above the page; the whole page if the browser itself sent a form of it."""
    if is_sent_form(request):
        return web.Response(status=303, headers={"Location": shown_page(request)})
    return page(request, "parts/mode.html")


def result_text(action: str, reply: dict[str, Any]) -> str:
    """Return the result of a button as text."""
    if reply.get("ok"):
        return {"save": "Picture taken.", "past": "Picture of the past taken."}.get(action, "Done.")
    refusals = {
        "privacy_on": "Privacy is on: no picture is taken.",
        "camera_down": "There is no camera: no frames arrive.",
        "no_frames": "The node has no picture of that moment.",
        "no_space": "The node's disk is full.",
        "busy": "The node is busy; try again in a moment.",
    }
    return refusals.get(str(reply.get("code")), str(reply.get("message", "It did not work."))[:200])


def _sensors(request: web.Request) -> dict[str, Any]:
    may_see = account_of(request).cameras is None
    return {"open_sensors": [sensor for sensor in context_of(request).sensors.all() if sensor.value and may_see]}


async def _strip(request: web.Request, node: Node | None = None) -> dict[str, Any]:
    """Return the last events, of all cameras of the account or of one."""
    context = context_of(request)
    wanted = EventFilter(frozenset({node.id}) if node else shown_cameras(context, account_of(request)))
    rows = await context.rows_or_none(lambda db: event_rows.newest(db, wanted, STRIP))
    return {"events": event_views.views(rows, context)}


def _seconds(text: str) -> float:
    try:
        return min(3600.0, max(0.0, float(text)))
    except ValueError:
        return PAST_S
