"""Pages and API of recordings: pictures and films by day from the nodes' lists, player, keep and delete."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from aiohttp import web

from pi_cam_node.base.clock import iso, utc_of_ms
from pi_cam_node.base.errors import DeadlinePassed, NodeError
from pi_cam_node.console.context import ConsoleContext
from pi_cam_node.console.nodes.node import Node
from pi_cam_node.console.store import events as event_rows
from pi_cam_node.console.store import media as media_rows
from pi_cam_node.console.store.database import StoreUnavailable
from pi_cam_node.console.store.media import MediaRow
from pi_cam_node.console.web import paging
from pi_cam_node.console.web.forms import form_of
from pi_cam_node.console.web.rendering import page
from pi_cam_node.console.web.routes import account_of, context_of, node_of, route, visible
from pi_cam_node.core.history import MEDIA_KINDS

PER_NODE = 60
# Cameras named in a notice that is about many.
NAMED_MAX = 6
# Deadline of a node's reply, and the same with the wait for requests to other nodes.
ASK_S, LIST_S = 3.0, 6.0
LIMIT = 25
KINDS = ("film", "picture", *MEDIA_KINDS)
# Bound of SQLite's integers.
_BYTES_END = 1 << 63


@route("GET", "/recordings", "view")
async def recordings(request: web.Request) -> web.StreamResponse:
    """Page: pictures and films by day, loaded from ``/api/media``."""
    nodes = visible(request)
    chosen = {name: request.query.get(name, "") for name in ("camera", "kind")}
    private = [node.name for node in nodes if node.is_private and node.online]
    return page(request, "recordings.html", nodes=nodes, chosen=chosen, private=private)


@route("GET", "/api/media", "view")
async def api_media(request: web.Request) -> web.StreamResponse:
    """List pictures and films, newest first, from the nodes' current lists; also why some nodes did not answer.

    Query: ``limit`` (25, at most 200), ``before`` (a row's ``cursor``, or an ISO time), ``camera``, ``kind``.
    """
    context, query, limit = context_of(request), request.query, paging.limit_in(request, LIMIT)
    before, kind = paging.before_in(request, paging.place_of), paging.kind_in(request, KINDS)
    shown = [node for node in visible(request) if query.get("camera", "") in {"", node.id}]
    if query.get("camera") and not shown:
        raise web.HTTPNotFound(text="there is no such camera\n")
    notices = await _refresh(context, shown, before)
    may = [node.id for node in shown if not node.is_private]
    rows = await context.database.read(lambda db: media_rows.newest(db, may, kind, limit + 1, before))
    facts = [_facts(context, row) for row in rows[:limit]]
    return web.json_response({"media": facts, "more": len(rows) > limit, "notices": notices})


@route("GET", "/recordings/{camera}/{id}", "view")
async def player(request: web.Request) -> web.StreamResponse:
    """Page: one picture, or a player for one film."""
    context, node, name = context_of(request), node_of(request), request.match_info["id"]
    row = await context.database.read(lambda db: media_rows.get(db, node.id, name))
    if row is None or node.is_private:
        raise web.HTTPNotFound(text="there is no such picture or film\n")
    facts = json.dumps(_facts(context, row))
    return page(request, "player.html", name=node.name, at_ms=row.at_ms, row=facts, why=context.client.why(node))


@route("POST", "/recordings/{camera}/{id}/{action:keep|release|delete}", "control")
async def change(request: web.Request) -> web.StreamResponse:
    """Protect a picture or film from retention, end that, or delete it."""
    context, node = context_of(request), node_of(request, "act")
    name, action, account = request.match_info["id"], request.match_info["action"], account_of(request)
    await form_of(request)
    arguments: dict[str, object] = {"media_id": name}
    if action == "release":
        arguments["off"] = True
    try:
        reply = await context.requests.ask(node.id, "delete" if action == "delete" else "keep", arguments)
    except NodeError as error:
        return web.json_response({"ok": False, "code": error.code, "message": str(error)})
    if not reply.get("ok"):
        refusal = {"ok": False, "code": str(reply.get("code")), "message": str(reply.get("message"))[:200]}
        return web.json_response(refusal)
    context.note(account.name, "command", f"{node.id}: {action} {name}")
    if action == "delete":
        await context.database.run(lambda db: media_rows.delete(db, node.id, name))
    else:
        await context.database.run(lambda db: media_rows.keep(db, node.id, name, kept=action == "keep"))
    return web.json_response({"ok": True, "data": reply.get("data", {})})


def _facts(context: ConsoleContext, row: MediaRow) -> dict[str, object]:
    """Return a row for the API, with paths on this server."""
    node, path = context.nodes.get(row.node), f"/media/{row.node}/{row.id}"
    return {
        "id": row.id,
        "at": iso(utc_of_ms(row.at_ms)),
        "node": row.node,
        "camera": row.node,
        "camera_name": node.name if node is not None else row.node,
        "kind": row.kind,
        "bytes": row.bytes,
        "seconds": row.seconds,
        "kept": row.is_kept,
        "url": path,
        "thumbnail_url": f"{path}/thumbnail",
        "cursor": paging.cursor_of(row.at_ms, row.id),
    }


async def _refresh(context: ConsoleContext, nodes: Sequence[Node], before: tuple[int, str] | None) -> list[str]:
    """Fetch and store the nodes' lists; return a message for each reason why some did not answer."""
    if not context.dispatcher.broker.connected:
        return ["The broker is unreachable; the list is from before."]
    reasons: dict[str, list[str]] = {}
    said = await asyncio.gather(*(_refresh_one(context, node, before) for node in nodes))
    for node, reason in zip(nodes, said, strict=True):
        if reason:
            reasons.setdefault(reason, []).append(node.name)
    return [f"{_some(names)}: {reason}" for reason, names in reasons.items()]


def _some(names: Sequence[str]) -> str:
    """Return names as text; of many the first few."""
    if len(names) <= NAMED_MAX:
        return ", ".join(names)
    return f"{', '.join(names[: NAMED_MAX - 1])} and {len(names) - NAMED_MAX + 1} more"


async def _refresh_one(context: ConsoleContext, node: Node, before: tuple[int, str] | None) -> str:
    arguments: dict[str, object] = {"limit": PER_NODE}
    if before is not None:
        # One millisecond later, since the node's ``before`` is exclusive.
        arguments["before"] = iso(utc_of_ms(before[0] + 1))
    why_not = _why_not_asked(node)
    if why_not is not None:
        return why_not
    try:
        async with asyncio.timeout(LIST_S), context.listing:
            reply = await context.requests.ask(node.id, "media", arguments, ASK_S)
    except NodeError as error:
        is_silent = isinstance(error, DeadlinePassed)
        return "no answer; what is listed is of earlier." if is_silent else str(error)
    except TimeoutError:
        return "not asked, since too many lists are waited for; what is listed is of earlier."
    if reply.get("ok") is not True:  # an error does not mean that pictures are gone
        return str(reply.get("message") or reply.get("code") or "it does not answer")[:200]
    data = reply.get("data")
    told = data.get("media") if isinstance(data, dict) else None
    rows = [row for one in (told if isinstance(told, list) else ()) if (row := row_of(node.id, one)) is not None]
    complete = not (isinstance(data, dict) and data.get("more"))
    before_ms = None if before is None else before[0] + 1
    try:
        await context.database.run(lambda db: media_rows.replace(db, node.id, rows, before_ms, complete=complete))
    except StoreUnavailable as error:
        return str(error)
    return ""


def _why_not_asked(node: Node) -> str | None:
    """Return why a node cannot be asked for its list (empty: not worth a message); ``None`` if it can."""
    if node.is_private or not node.online:
        return "" if node.is_private else "offline; what is listed is of earlier."
    if "media" not in node.commands:
        return "what is saved there is not told; only pictures of events are listed."
    return None


def row_of(node: str, told: object) -> MediaRow | None:
    """Return an item of a node's list as a row; ``None`` if it is malformed."""
    head = event_rows.head_of(told)
    if head is None:
        return None
    name, at_ms, body = head
    count, seconds = body.get("bytes"), body.get("seconds")
    return MediaRow(
        node=node,
        id=name,
        at_ms=at_ms,
        kind=str(body.get("kind") or "single")[:32],
        bytes=int(count) if isinstance(count, int | float) and 0 <= count < _BYTES_END else None,
        seconds=float(seconds) if isinstance(seconds, int | float) else None,
        is_kept=body.get("kept") is True,
    )
