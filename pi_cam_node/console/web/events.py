"""Pages and API of events: list by day, single event with its pushes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from aiohttp import web

from pi_cam_node.console.accounts import rights
from pi_cam_node.console.context import ConsoleContext
from pi_cam_node.console.store import devices as device_rows
from pi_cam_node.console.store import events as event_rows
from pi_cam_node.console.store.accounts import Account
from pi_cam_node.console.store.devices import Delivery
from pi_cam_node.console.store.events import EventFilter, EventRow
from pi_cam_node.console.web import event_views, paging
from pi_cam_node.console.web.forms import form_of
from pi_cam_node.console.web.gate import gate_of
from pi_cam_node.console.web.rendering import page, refused
from pi_cam_node.console.web.routes import account_of, context_of, owner_route, require, route, visible

PAGE = 50
KINDS = tuple(dict.fromkeys((*event_views.TITLES, *event_rows.QUIET_KINDS)))
SHARE_S = {"1 h": 3600.0, "1 d": 86_400.0, "7 d": 7 * 86_400.0}
SHARE_OTHERWISE = "1 d"


@route("GET", "/events", "view")
async def events(request: web.Request) -> web.StreamResponse:
    """Page: events by day, loaded from ``/api/events``."""
    filters = {name: request.query.get(name, "") for name in ("camera", "kind", "sensor")}
    sensors = context_of(request).sensors.all() if account_of(request).cameras is None else []
    return page(
        request, "events.html", nodes=visible(request), sensors=sensors, kinds=event_views.TITLES, chosen=filters
    )


@route("GET", "/events/{id:[0-9]+}", "view")
async def event(request: web.Request) -> web.StreamResponse:
    """Page: one event with picture or film, cause, and notified devices."""
    context = context_of(request)
    row = await _row(request)
    account, told = account_of(request), await context.database.read(lambda db: device_rows.deliveries(db, row.rowid))
    deliveries = [(*event_views.delivery_words(*one), one[0].at_ms) for one in told if may_see(account, one)]
    view = event_views.view(row, context)
    done = row.data.get("done")
    return page(
        request,
        "event.html",
        event=view,
        cause=event_views.cause_of(row),
        deliveries=deliveries,
        done=list(map(str, done)) if isinstance(done, list) else [],
        row=json.dumps(view.facts()),
        shares=list(SHARE_S),
    )


@route("POST", "/events/{id:[0-9]+}/share", "control")
async def share(request: web.Request) -> web.StreamResponse:
    """Create a link to an event's picture that opens without a login."""
    context, row, form = context_of(request), await _row(request), await form_of(request)
    span = span_in(form)
    view = event_views.view(row, context)
    path = view.film or view.picture
    if not path:
        return refused(request, "There is nothing to share.")
    context.note(account_of(request).name, "event", f"shared the picture of event {row.rowid} for {span}")
    link = context.links.sign(path, SHARE_S[span], account_of(request).id)
    return page(request, "parts/share.html", link=gate_of(request).origin(request) + link)


@owner_route("POST", "/events/{id:[0-9]+}/delete")
async def delete(request: web.Request) -> web.StreamResponse:
    """Delete an event from the console; its picture stays at the node."""
    context, row = context_of(request), await _row(request)
    await context.database.run(lambda db: event_rows.delete(db, row.rowid))
    context.note(account_of(request).name, "event", f"deleted event {row.rowid}: {row.kind} {row.camera or ''}")
    context.changes.tell("events")
    return web.Response(status=303, headers={"Location": "/events"})


@route("GET", "/api/events", "view")
async def api_events(request: web.Request) -> web.StreamResponse:
    """List events, newest first. Query: ``limit`` (50, at most 200), ``before``, ``camera``, ``kind``, ``sensor``."""
    context, limit, wanted = context_of(request), paging.limit_in(request, PAGE), _filter(request)
    rows = await context.database.read(lambda db: event_rows.newest(db, wanted, limit))
    if not rows and wanted.before is None:
        _refuse_unknown(request)
    views = event_views.views(rows, context)
    told = [{**view.facts(), "cursor": paging.cursor_of(view.row.at_ms, view.row.rowid)} for view in views]
    return web.json_response(told)


def span_in(form: Mapping[str, str]) -> str:
    """Return the lifetime of a link from a form.

    Raises:
        web.HTTPUnprocessableEntity: It is none of the offered lifetimes.
    """
    span = form.get("for", "") or SHARE_OTHERWISE
    if span not in SHARE_S:
        raise web.HTTPUnprocessableEntity(text=f"for is one of {', '.join(SHARE_S)} (found {span[:40]!r})\n")
    return span


def may_see(account: Account, told: tuple[Delivery, str, str]) -> bool:
    """Tell whether an account sees a delivery: guests and wall screens do not see who else is told, and on what."""
    return rights.may(account, "act") or told[2] == account.name


def shown_cameras(context: ConsoleContext, account: Account) -> frozenset[str | None] | None:
    """Return the cameras whose events an account sees, as in `EventFilter`.

    Nodes that ``console.nodes`` leaves out are hidden with their events, which may be older than that setting.
    """
    listed = context.dispatcher.topics.nodes
    if account.cameras is not None:
        return account.cameras & listed if listed else account.cameras
    return listed | {None} if listed else None


async def _row(request: web.Request) -> EventRow:
    """Return the event of a path, if the account may see its camera.

    Raises:
        web.HTTPNotFound: There is none, or the account may not see it.
    """
    context, account = context_of(request), account_of(request)
    number = int(request.match_info["id"][:18])
    row = await context.database.read(lambda db: event_rows.get(db, number))
    shown = shown_cameras(context, account)
    if row is None or (shown is not None and row.camera not in shown):
        raise web.HTTPNotFound(text="there is no such event\n")
    return row


def _filter(request: web.Request) -> EventFilter:
    """Return the filter of a query, limited to what the account may see."""
    query = request.query
    cameras = shown_cameras(context_of(request), account_of(request))
    camera = query.get("camera", "")
    if camera:
        require(request, "view", camera)
        cameras = frozenset({camera} if cameras is None else {camera} & cameras)
    kind, before = paging.kind_in(request, KINDS), paging.before_in(request, place_of)
    return EventFilter(cameras, (kind,) if kind else (), query.get("sensor", ""), before)


def _refuse_unknown(request: web.Request) -> None:
    """Refuse a camera or sensor that is neither known nor has stored events.

    Raises:
        web.HTTPNotFound: One of them is unknown.
    """
    context, query = context_of(request), request.query
    if query.get("camera") and context.nodes.get(query["camera"]) is None:
        raise web.HTTPNotFound(text="there is no such camera\n")
    if query.get("sensor") and context.sensors.get(query["sensor"]) is None:
        raise web.HTTPNotFound(text="there is no such sensor\n")


def place_of(text: str) -> tuple[int, int] | None:
    """Return time and row number of the last event of the previous page; see `paging.place_of`."""
    place = paging.place_of(text)
    if place is None or not re.fullmatch(r"[0-9]{0,18}", place[1]):
        return None
    return place[0], int(place[1] or 0)
