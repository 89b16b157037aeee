"""Pages of sensors: states, names, rooms, and forms for rules."""

from __future__ import annotations

import itertools
import json

from aiohttp import web

from pi_cam_node.base.frozen import frozen
from pi_cam_node.console.sensors import by_hand
from pi_cam_node.console.sensors.sensor import Sensor, SensorSpec, is_topic, slug
from pi_cam_node.console.sensors.templates import Template
from pi_cam_node.console.store import sensors as sensor_rows
from pi_cam_node.console.web.forms import form_of, several_of
from pi_cam_node.console.web.rendering import page, refused
from pi_cam_node.console.web.routes import account_of, context_of, owner_route, require, route
from pi_cam_node.console.web.versions import refusal_of_old, version_of

CHANGES_SHOWN = 50


@frozen
class Room:
    """The sensors of one room."""

    name: str
    sensors: list[Sensor]


@route("GET", "/sensors", "view")
async def sensors(request: web.Request) -> web.StreamResponse:
    """Page: sensors by room."""
    _require_whole_house(request)
    template = "parts/sensor_rooms.html" if request.headers.get("HX-Request") else "sensors.html"
    return page(request, template, rooms=_rooms(request))


@route("GET", "/sensors/{key}", "view")
async def sensor(request: web.Request) -> web.StreamResponse:
    """Page: one sensor with its history, and a form for a rule."""
    _require_whole_house(request)
    context, found = context_of(request), _sensor(request)
    changes = await context.rows_or_none(lambda db: sensor_rows.changes(db, found.spec.key, CHANGES_SHOWN))
    used = [rule for rule in context.engine.rules if rule.when.sensor == found.spec.key]
    return page(
        request,
        "sensor.html",
        sensor=found,
        changes=changes,
        version=version_of(context.now_ms(), *_shown(found)),
        rules=used,
        nodes=list(context.nodes),
        accounts=[account for account in context.accounts.all() if account.role != "kiosk"],
    )


@owner_route("POST", "/sensors/{key}")
async def note(request: web.Request) -> web.StreamResponse:
    """Set name, room and cameras of a sensor, unless they have changed since the form was made (409 Conflict)."""
    context, form = context_of(request), await form_of(request)
    cameras = [camera for camera in await several_of(request, "cameras") if context.nodes.get(camera) is not None]
    name, room = form.get("name", "").strip()[:64], form.get("room", "").strip()[:64]
    key = _sensor(request).spec.key
    changed = f"sensor {key}: "
    async with context.changing:
        if old := await refusal_of_old(request, form, "setting", changed, *_shown(_sensor(request))):
            return old
        await context.database.run(lambda db: sensor_rows.put_note(db, key, name, room, json.dumps(cameras)))
        await by_hand.apply(context.sensors, context.database)
    context.note(account_of(request).name, "setting", f"{changed}{name or 'its own name'}, {room or 'no room'}")
    context.changes.tell("sensors")
    return web.Response(headers={"HX-Redirect": f"/sensors/{key}"})


@owner_route("POST", "/sensors")
async def add(request: web.Request) -> web.StreamResponse:
    """Add a sensor manually: topic, JSON field, and payload for open."""
    context, form = context_of(request), await form_of(request)
    name, topic = form.get("name", "").strip()[:64], form.get("topic", "").strip()[:256]
    key = slug(name)
    if not key or not is_topic(topic):
        return refused(request, "A name and a topic without wildcards are needed.")
    if context.sensors.get(key) is not None:
        return refused(request, "There is a sensor of this name already.")
    kind = form.get("kind", "")
    spec = SensorSpec(
        key=key,
        source=by_hand.HAND,
        name=name,
        device="",
        kind=kind if kind in {"door", "window", "motion"} else "",
        topic=topic,
        template=Template(form.get("field", "").strip()[:64] or None),
        on=form.get("on", "").strip()[:64] or "ON",
        off=form.get("off", "").strip()[:64] or "OFF",
    )
    await context.database.run(lambda db: by_hand.put_spec(db, spec))
    await by_hand.apply(context.sensors, context.database)
    context.note(account_of(request).name, "setting", f"added the sensor {key} on {topic}")
    context.changes.tell("sensors")
    return web.Response(headers={"HX-Redirect": f"/sensors/{key}"})


@owner_route("POST", "/sensors/{key}/remove")
async def remove(request: web.Request) -> web.StreamResponse:
    """Remove a manually added sensor; others disappear with their announcement."""
    context, found = context_of(request), _sensor(request)
    key = found.spec.key
    if found.spec.source != by_hand.HAND:
        return refused(request, "Only a sensor that was added here can be removed here.")
    await context.database.run(lambda db: by_hand.delete_spec(db, key))
    await by_hand.apply(context.sensors, context.database)
    context.note(account_of(request).name, "setting", f"removed the sensor {key}")
    context.changes.tell("sensors")
    return web.Response(headers={"HX-Redirect": "/sensors"})


def _shown(sensor: Sensor) -> tuple[object, ...]:
    """Return what the form of a sensor shows."""
    return sensor.title, sensor.room, sensor.cameras


def _rooms(request: web.Request) -> list[Room]:
    found = context_of(request).sensors.all()
    return [Room(name, list(group)) for name, group in itertools.groupby(found, key=lambda s: s.room or s.spec.room)]


def _sensor(request: web.Request) -> Sensor:
    found = context_of(request).sensors.get(request.match_info["key"])
    if found is None:
        raise web.HTTPNotFound(text="there is no such sensor\n")
    return found


def _require_whole_house(request: web.Request) -> None:
    """Refuse accounts limited to some cameras, since sensors reveal who comes and goes.

    Raises:
        web.HTTPForbidden: The account is limited to some cameras.
    """
    account = require(request, "view")
    if account.cameras is not None:
        raise web.HTTPForbidden(text="this account sees chosen cameras only\n")
