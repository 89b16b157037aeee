"""Pages of recordings: pictures and films by day, from the nodes' own lists; a player; keep and delete."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from pi_cam_node.base.errors import NodeError
from pi_cam_node.console.context import ConsoleContext
from pi_cam_node.console.nodes.node import Node
from pi_cam_node.console.store import events as event_rows
from pi_cam_node.console.store import media as media_rows
from pi_cam_node.console.store.media import FILM_KINDS, MediaRow
from pi_cam_node.console.web.forms import form_of
from pi_cam_node.console.web.rendering import page
from pi_cam_node.console.web.routes import account_of, context_of, node_of, route, visible

PER_NODE = 60
ASK_S = 3.0
SHOWN = 120


@dataclass(frozen=True, slots=True)
class MediaView:
    """A picture or a film as it is shown."""

    row: MediaRow
    camera: str
    path: str
    is_film: bool
    may_keep: bool


@route("GET", "/recordings", "view")
async def recordings(request: web.Request) -> web.StreamResponse:
    """List pictures and films, newest first."""
    context, nodes = context_of(request), visible(request)
    chosen = request.query.get("camera", "")
    kind = request.query.get("kind", "")
    shown = [node for node in nodes if not chosen or node.id == chosen]
    silent = await _refresh(context, shown)
    may = [node.id for node in shown if not node.is_private]
    rows = await context.database.read(lambda db: media_rows.newest(db, may, kind, SHOWN))
    views = [_view(context, row) for row in rows]
    return page(
        request,
        "recordings.html",
        media=views,
        nodes=nodes,
        chosen={"camera": chosen, "kind": kind},
        silent=silent,
        private=[node.name for node in shown if node.is_private and node.online],
    )


@route("GET", "/recordings/{camera}/{id}", "view")
async def player(request: web.Request) -> web.StreamResponse:
    """Show one picture or play one film."""
    context, node, name = context_of(request), node_of(request), request.match_info["id"]
    row = await context.database.read(lambda db: media_rows.get(db, node.id, name))
    if row is None or node.is_private:
        raise web.HTTPNotFound(text="there is no such picture or film\n")
    return page(request, "player.html", item=_view(context, row), why=context.client.why(node))


@route("POST", "/recordings/{camera}/{id}/{deed:keep|release|delete}", "control")
async def change(request: web.Request) -> web.StreamResponse:
    """Keep a picture or film from retention, keep it no longer, or delete it."""
    context, node = context_of(request), node_of(request, "act")
    name, deed, account = request.match_info["id"], request.match_info["deed"], account_of(request)
    await form_of(request)
    arguments: dict[str, object] = {"media_id": name}
    if deed == "release":
        arguments["off"] = True
    try:
        reply = await context.requests.ask(node.id, "delete" if deed == "delete" else "keep", arguments)
    except NodeError as error:
        return page(request, "parts/said.html", said=str(error), is_refusal=True)
    if not reply.get("ok"):
        return page(request, "parts/said.html", said=str(reply.get("message"))[:200], is_refusal=True)
    context.note(account.name, "command", f"{node.id}: {deed} {name}")
    if deed == "delete":
        await context.database.run(lambda db: media_rows.delete(db, node.id, name))
        return web.Response(headers={"HX-Redirect": "/recordings"})
    await context.database.run(lambda db: media_rows.keep(db, node.id, name, kept=deed == "keep"))
    said = "Kept: it is not deleted when the disk fills." if deed == "keep" else "No longer kept."
    return page(request, "parts/said.html", said=said, is_refusal=False)


def _view(context: ConsoleContext, row: MediaRow) -> MediaView:
    node = context.nodes.get(row.node)
    return MediaView(
        row=row,
        camera=node.name if node is not None else row.node,
        path=f"/media/{row.node}/{row.id}",
        is_film=row.kind in FILM_KINDS,
        may_keep=node is not None and "keep" in node.commands,
    )


async def _refresh(context: ConsoleContext, nodes: Sequence[Node]) -> list[str]:
    """Store the lists of the nodes; return why some did not answer, for people."""
    said = await asyncio.gather(*(_refresh_one(context, node) for node in nodes))
    return [text for text in said if text]


async def _refresh_one(context: ConsoleContext, node: Node) -> str:
    if node.is_private or not node.online:
        return "" if node.is_private else f"{node.name} is offline; what is listed of it is of earlier."
    if "media" not in node.commands:
        return f"{node.name} does not tell what it has saved; only pictures of events are listed."
    try:
        reply = await context.requests.ask(node.id, "media", {"limit": PER_NODE}, ASK_S)
    except NodeError as error:
        return f"{node.name}: {error}"
    data = reply.get("data")
    told = data.get("media") if isinstance(data, dict) else None
    rows = [row for one in (told if isinstance(told, list) else ()) if (row := row_of(node.id, one)) is not None]
    complete = not (isinstance(data, dict) and data.get("more"))
    await context.database.run(lambda db: media_rows.replace(db, node.id, rows, complete=complete))
    return ""


def row_of(node: str, told: object) -> MediaRow | None:
    """Return the row of a picture or film in a node's list; ``None`` where it is none."""
    if not isinstance(told, Mapping) or not isinstance(told.get("id"), str):
        return None
    body: Mapping[str, Any] = told
    at_ms = event_rows.ms_of(body.get("at"), 0)
    if not at_ms:
        return None
    count, seconds = body.get("bytes"), body.get("seconds")
    return MediaRow(
        node=node,
        id=str(body["id"])[:200],
        at_ms=at_ms,
        kind=str(body.get("kind") or "single")[:32],
        bytes=int(count) if isinstance(count, int | float) else None,
        seconds=float(seconds) if isinstance(seconds, int | float) else None,
        is_kept=body.get("kept") is True,
    )
