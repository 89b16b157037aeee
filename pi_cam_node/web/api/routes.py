"""Routes of the API: commands, states, settings, and their OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from aiohttp import web

from pi_cam_node.base.errors import BadRequest, NodeError
from pi_cam_node.base.strict_json import json_bytes
from pi_cam_node.config import settings
from pi_cam_node.core.commands.history import EventListArguments, MediaListArguments
from pi_cam_node.core.commands.reply_data import EventItem, MediaItem
from pi_cam_node.web.api import models, openapi
from pi_cam_node.web.api.commands import arguments_in, carry_out, refusal, status_of_reply
from pi_cam_node.web.api.models import Reply
from pi_cam_node.web.context import WebContext, media_path
from pi_cam_node.web.http.routes import JSON, OVERLOADED, Described
from pi_cam_node.web.http.status_codes import json_response, status_of
from pi_cam_node.web.routes import ROUTES, context_of, route

PICTURES_TOLD = 24
# Lifetime of links in a page; an open page renews them earlier.
LINK_S = 3600.0
LISTS = {404: "`before` names an id that is not there.", 422: "`limit` is out of range.", **OVERLOADED}
MEDIA = Described(JSON, list[MediaItem], openapi.query_of(MediaListArguments), refusals=LISTS)
EVENTS = Described(JSON, list[EventItem], openapi.query_of(EventListArguments), refusals=LISTS)

_ID = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{3})Z-[0-9a-f]+-[0-9]+-([a-z]+)")


@route("POST", "/api/commands/{verb}", "control", Described(JSON, Reply))
async def command(request: web.Request) -> web.StreamResponse:
    """Run a command. The body is a JSON object with its arguments, or empty; the response is its final reply."""
    context, verb = context_of(request), request.match_info["verb"]
    try:
        arguments = arguments_in(await request.read(), request.content_type)
    except BadRequest as error:
        return json_response(refusal(context, verb, error), status_of(error.code))
    return await carry_out(context, verb, arguments)


@route("GET", "/api/media", "view", MEDIA)
async def media(request: web.Request) -> web.StreamResponse:
    """List saved pictures and films, newest first: the rows of the command ``media``."""
    return await _rows(request, "media", MEDIA.query)


@route("GET", "/api/events", "view", EVENTS)
async def events(request: web.Request) -> web.StreamResponse:
    """List events, newest first: the rows of the command ``events``."""
    return await _rows(request, "events", EVENTS.query)


@route("GET", "/api/state", "view", Described(JSON, models.State))
async def state(request: web.Request) -> web.StreamResponse:
    """Return states, telemetry, the brightness of the last hour, and the last pictures with links."""
    context = context_of(request)
    kept = context.pictures.newest(PICTURES_TOLD)
    told, is_private = context.state, context.hub.privacy_gate.closed
    pictures = [] if is_private else [linked(context, facts) for facts in pictures_of(kept, told.media)]
    answer = models.State(
        at=context.clock.utcnow(),
        node=dict(context.info),
        broker=told.broker,
        broker_away_because=told.broker_away_because,
        settings_changed=told.settings_changed,
        states=dict(told.states),
        telemetry=dict(told.telemetry),
        brightness=list(told.brightness),
        media=[models.Picture.model_validate(picture) for picture in pictures],
    )
    return json_response(answer.model_dump(exclude_unset=True))


@route("GET", "/api/config", "view", Described(JSON, models.Settings))
async def config(request: web.Request) -> web.StreamResponse:
    """List the settings: current value (secrets masked) and allowed values."""
    in_force = context_of(request).state.config
    described = [settings.description_of(info, in_force) for info in settings.catalogue().values()]
    return json_response(models.Settings.model_validate({"settings": described}).model_dump())


@route("GET", "/api/openapi.json", "view", Described(JSON))
async def document(request: web.Request) -> web.StreamResponse:
    """Return the OpenAPI 3.1 document, generated from the route table and the command registry."""
    told = context_of(request)
    cookie = f"session_{told.state.config.node.id}"
    return json_response(openapi.document(tuple(ROUTES), told.info.get("version", ""), cookie))


async def _rows(request: web.Request, verb: str, queried: Collection[str]) -> web.Response:
    """Return the rows in a command's reply as a JSON array; if the command fails, its reply.

    Args:
        request: The request.
        verb: The command.
        queried: Names of the query parameters that are its arguments.
    """
    context = context_of(request)
    arguments = {name: value for name, value in request.query.items() if name in queried}
    try:
        answered = await context.run(verb, json_bytes(arguments))
    except NodeError as error:
        return json_response(refusal(context, verb, error), status_of(error.code))
    if not answered.body["ok"]:
        return json_response(answered.body, status_of_reply(answered.body))
    data = answered.body["data"]
    assert isinstance(data, Mapping)
    return json_response(data[verb])


def pictures_of(kept: Sequence[str], told: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return metadata of existing pictures, newest first; for pictures of earlier runs only what their ids tell.

    Args:
        kept: Ids of the archive's pictures; empty before its first scan.
        told: Metadata of pictures saved in this run, newest first.
    """
    known = {facts["id"]: facts for facts in told}
    return [known.get(picture_id) or facts_in(picture_id) for picture_id in kept] if kept else list(told)


def facts_in(picture_id: str) -> dict[str, object]:
    """Return the metadata in an id such as ``20261120T194501123Z-3f2a91c0-000042-single``."""
    said = _ID.match(picture_id)
    if said is None:
        return {"id": picture_id}
    year, month, day, hour, minute, second, ms, kind = said.groups()
    return {"id": picture_id, "kind": kind, "first_at": f"{year}-{month}-{day}T{hour}:{minute}:{second}.{ms}Z"}


def linked(context: WebContext, facts: Mapping[str, Any]) -> dict[str, object]:
    """Return a picture's metadata with signed links that expire after an hour."""
    path = media_path(str(facts["id"]))
    links = {"url": context.links.sign(path, LINK_S), "thumbnail_url": context.links.sign(f"{path}/thumbnail", LINK_S)}
    return {**facts, **links}
