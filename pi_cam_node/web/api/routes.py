"""The programming interface: commands, states, settings, and the document that describes them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from pi_cam_node.base.errors import BadRequest, NodeError
from pi_cam_node.config import Config, settings
from pi_cam_node.core.commands.dispatcher import VERB_SHOWN
from pi_cam_node.web.api import openapi
from pi_cam_node.web.context import WebContext, media_path
from pi_cam_node.web.http.status_codes import json_response, status_of
from pi_cam_node.web.routes import ROUTES, context_of, route

PICTURES_TOLD = 24
# A page that is open asks again long before; whoever copies a link out of it has this long.
LINK_S = 3600.0

_ID = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{3})Z-[0-9a-f]+-[0-9]+-([a-z]+)")


@route("POST", "/api/commands/{verb}", "control")
async def command(request: web.Request) -> web.StreamResponse:
    """Carry out a command. The body is a JSON object with its arguments, or empty; the answer is its final reply."""
    context, verb = context_of(request), request.match_info["verb"]
    try:
        answered = await context.run(verb, arguments_in(await request.read(), request.content_type))
    except NodeError as error:
        return json_response(refusal(context, verb, error), status_of(error.code))
    return json_response(answered.body, status_of(answered.body["code"]))


@route("GET", "/api/state", "view")
async def state(request: web.Request) -> web.StreamResponse:
    """Tell what is: states, figures, the brightness of the last hour, and the last pictures with links to them."""
    context = context_of(request)
    kept = context.pictures.newest(PICTURES_TOLD)
    told, is_private = context.state, context.hub.privacy_gate.closed
    return json_response(
        {
            "at": context.clock.utcnow(),
            "node": context.info,
            "broker": told.broker,
            "broker_away_because": told.broker_away_because,
            "states": told.states,
            "telemetry": told.telemetry,
            "brightness": told.brightness,
            "media": [] if is_private else [linked(context, facts) for facts in pictures_of(kept, told.media)],
        }
    )


@route("GET", "/api/config", "view")
async def config(request: web.Request) -> web.StreamResponse:
    """Tell every setting: its value in force, secrets masked, and what it may be."""
    return json_response({"settings": settings_of(context_of(request).state.config)})


@route("GET", "/api/openapi.json", "view")
async def document(request: web.Request) -> web.StreamResponse:
    """Describe this interface: OpenAPI 3.1, made from the table of routes and the registry of commands."""
    told = context_of(request)
    cookie = f"session_{told.state.config.node.id}"
    return json_response(openapi.document(tuple(ROUTES), told.info.get("version", ""), cookie))


def arguments_in(body: bytes, content_type: str) -> bytes:
    """Return the arguments of a command as JSON; no body is no arguments.

    Raises:
        BadRequest: They are something else. Whether an object makes sense is the dispatcher's to say.
    """
    text = body.strip()
    if text and content_type != "application/json":
        raise BadRequest("ERROR: send application/json")
    if text and not text.startswith(b"{"):
        raise BadRequest("ERROR: the arguments must be a JSON object")
    return text


def refusal(context: WebContext, verb: str, error: NodeError) -> dict[str, object]:
    """Return the reply to a command that never came to the node, or to which no reply came back."""
    said = {"ok": False, "code": error.code, "message": error.text, "data": error.data}
    return {"verb": verb[:VERB_SHOWN], **said, "stage": "final", "node": context.info.get("id", "")}


def pictures_of(kept: Sequence[str], told: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return facts of the pictures that there are, newest first; of those of earlier runs, what their ids say.

    Args:
        kept: Ids of what the archive has; none where it has not looked yet.
        told: Facts of what was saved in this run, newest first.
    """
    known = {facts["id"]: facts for facts in told}
    return [known.get(picture_id) or facts_in(picture_id) for picture_id in kept] if kept else list(told)


def facts_in(picture_id: str) -> dict[str, object]:
    """Return what an id says: ``20261120T194501123Z-3f2a91c0-000042-single``."""
    said = _ID.match(picture_id)
    if said is None:
        return {"id": picture_id}
    year, month, day, hour, minute, second, ms, kind = said.groups()
    return {"id": picture_id, "kind": kind, "first_at": f"{year}-{month}-{day}T{hour}:{minute}:{second}.{ms}Z"}


def linked(context: WebContext, facts: Mapping[str, Any]) -> dict[str, object]:
    """Return a picture's facts with links to it that end after an hour."""
    path = media_path(str(facts["id"]))
    links = {"url": context.links.sign(path, LINK_S), "thumbnail_url": context.links.sign(f"{path}/thumbnail", LINK_S)}
    return {**facts, **links}


def settings_of(in_force: Config) -> list[dict[str, object]]:
    """Return every setting with all that a control for it needs, in the order of the file."""
    return [settings.description_of(info, in_force) for info in settings.catalogue().values()]
