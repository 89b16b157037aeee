"""Settings: settings of a node as page and API, from the node's own descriptions, so for any version."""

from __future__ import annotations

import asyncio
import itertools
import json
from contextlib import suppress
from dataclasses import field
from types import UnionType
from typing import Any

from aiohttp import web

from pi_cam_node.base.errors import NodeError
from pi_cam_node.base.frozen import frozen
from pi_cam_node.base.strict_json import json_object
from pi_cam_node.console.context import ConsoleContext
from pi_cam_node.console.nodes.node import Node
from pi_cam_node.console.pictures.client import Unreachable, body_of
from pi_cam_node.console.web.forms import form_of, json_of
from pi_cam_node.console.web.rendering import page, refused
from pi_cam_node.console.web.routes import account_of, context_of, node_of, owner_route
from pi_cam_node.console.web.setting_units import entered, shown, shown_unit
from pi_cam_node.console.web.versions import refusal_of_old, version_of

SETTINGS_MAX_BYTES = 1 << 20
# How long a page waits for its node; one that takes longer is waited for by a part of the page.
SOON_S = 2.0
# Type and default of each field, which a node of another version may lack, and a lying one may send as anything.
_FIELDS: dict[str, tuple[type | UnionType, Any]] = {
    "title": (str, ""),
    "doc": (str, ""),
    "unit": (str, ""),
    "minimum": (int | float, ""),
    "maximum": (int | float, ""),
    "step": (int | float, None),
    "choices": (list, []),
    "expected": (str, ""),
    "live": (bool, False),
    "secret": (bool, False),
}
# Display names of sections that are acronyms.
_TITLES = {
    "hls": "HLS",
    "homeassistant": "Home Assistant",
    "http": "HTTP",
    "mjpeg_server": "MJPEG server",
    "mqtt": "MQTT",
}
_ONLINE = "It is online; a node that was heard in the last hour cannot be removed."
KINDS = ("bool", "int", "float", "choice", "list", "text")


@frozen
class SettingView:
    """View model of a setting.

    Attributes:
        told: Description from the node.
        value: Current value as text of a form.
        version: Version of the value as last published.
        kind: One of `KINDS`.
        input_id: Id of the HTML input.
        factor: How many of the setting's own unit are one of the unit in which value and limits are shown.
    """

    told: dict[str, Any]
    value: str
    version: str
    kind: str
    input_id: str
    factor: int = 1


@frozen
class SectionView:
    """A section of settings."""

    name: str
    settings: list[SettingView] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Display name of the section."""
        return _TITLES.get(self.name) or self.name.replace("_", " ").capitalize()


@owner_route("GET", "/settings/nodes/{camera}")
async def settings(request: web.Request) -> web.StreamResponse:
    """Page: every setting of a node, with an input."""
    context, node = context_of(request), node_of(request, "own")
    told: dict[str, Any] = {"is_waiting": True}
    with suppress(TimeoutError):
        async with asyncio.timeout(SOON_S):
            told = {"is_waiting": False, **await _asked(request)}
    is_there, nodes = context.nodes.is_there(node), list(context.nodes)
    return page(request, "settings_node.html", node=node, is_there=is_there, nodes=nodes, **told)


@owner_route("GET", "/parts/settings/{camera}")
async def settings_part(request: web.Request) -> web.StreamResponse:
    """Part: every setting of a node that does not answer at once, or why they cannot be shown."""
    return page(request, "parts/node_settings.html", node=node_of(request, "own"), **await _asked(request))


@owner_route("POST", "/settings/nodes/{camera}/set")
async def change(request: web.Request) -> web.StreamResponse:
    """Change one setting; the form's field is named by its key. 409 if it was changed since the page was made.

    ``factor``, where the form has it, is how many of the setting's own unit are one of that of the field.
    """
    context, node, form = context_of(request), node_of(request, "own"), await form_of(request)
    key = form.get("key") or next((name for name in form if "." in name), "")
    value: object = form.get(key, "")
    if form.get("kind") == "bool":
        value = form.get(key, "off") in {"on", "true", "1"}
    elif form.get("kind") == "list":
        posted = await request.post()
        value = [item for one in posted.getall(key, []) for item in str(one).splitlines() if item.strip()]
    elif "factor" in form:
        value = entered(str(value), form["factor"])
    changed = f"{node.id}: {key} = "
    if old := await refusal_of_old(request, form, "setting", changed, node.config.get(key)):
        return old
    try:
        reply = await context.requests.ask(node.id, "set", {"key": key, "value": value})
    except NodeError as error:
        return refused(request, str(error), 200)
    if not reply.get("ok"):
        refusal = str(reply.get("message", "")).removeprefix("ERROR: ").removeprefix(f"{key}: ")[:300]
        return refused(request, refusal, 200)
    context.note(account_of(request).name, "setting", f"{changed}{json.dumps(value)[:100]}")
    # A node publishes a setting before it replies.
    version = version_of(context.now_ms(), node.config.get(key))
    said = "In force. Not in the file yet."
    form_id = input_id_of(key)
    return page(request, "parts/changed.html", said=said, version=version, form_id=form_id, is_refusal=False)


@owner_route("POST", "/settings/nodes/{camera}/save")
async def save(request: web.Request) -> web.StreamResponse:
    """Have the node save its settings to its file."""
    context, node = context_of(request), node_of(request, "own")
    try:
        reply = await context.requests.ask(node.id, "overwrite_config")
    except NodeError as error:
        return refused(request, str(error), 200)
    context.note(account_of(request).name, "setting", f"{node.id}: saved to file")
    said = "Saved to the node's file." if reply.get("ok") else str(reply.get("message"))[:300]
    return page(request, "parts/said.html", said=said, is_refusal=not reply.get("ok"))


@owner_route("POST", "/settings/nodes/{camera}/remove")
async def remove(request: web.Request) -> web.StreamResponse:
    """Remove a node that is offline or silent, and its events; pictures and films at the node are not touched."""
    if not _remove(request):
        return refused(request, _ONLINE, 200)
    return web.Response(headers={"HX-Redirect": "/"})


@owner_route("DELETE", "/api/nodes/{camera}")
async def remove_api(request: web.Request) -> web.StreamResponse:
    """Remove a node that is offline or silent, and its events; it is back when it publishes. 409: it is online."""
    if not _remove(request):
        raise web.HTTPConflict(text=f"{_ONLINE}\n")
    return web.Response(status=204)


@owner_route("GET", "/api/nodes/{camera}/settings")
async def settings_api(request: web.Request) -> web.StreamResponse:
    """List the settings of a node: current value (secrets masked) and allowed values."""
    try:
        told = await described(context_of(request), node_of(request, "own"))
    except (NodeError, OSError) as error:
        raise web.HTTPBadGateway(text=f"{error}\n") from None
    return web.json_response({"settings": told})


@owner_route("POST", "/api/nodes/{camera}/{verb:set|explain}")
async def command_api(request: web.Request) -> web.StreamResponse:
    """Send ``set`` or ``explain`` to a node; returns the node's reply."""
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


async def _asked(request: web.Request) -> dict[str, Any]:
    """Return the settings of a node by section, and the reason why there are none, empty if there is none."""
    context, node = context_of(request), node_of(request, "own")
    try:
        return {"fault": "", "sections": sections_of(node, await described(context, node), context.now_ms())}
    except (NodeError, OSError) as error:
        return {"fault": str(error), "sections": []}


def _remove(request: web.Request) -> bool:
    context, node = context_of(request), node_of(request, "own")
    is_removed = context.nodes.remove(node.id)
    if is_removed:
        context.note(account_of(request).name, "setting", f"{node.id}: removed")
    return is_removed


async def described(context: ConsoleContext, node: Node) -> list[dict[str, Any]]:
    """Return the node's descriptions: by a command over MQTT, else over HTTP.

    Raises:
        NodeError: Both failed; the message says why.
    """
    if not node.online:
        raise Unreachable(f"{node.name} is offline; its settings can be seen when it is back.")
    if "settings" not in node.commands and not node.url:
        raise Unreachable(f"{node.name} tells its settings neither on the broker nor at an address; update it.")
    if "settings" in node.commands:
        reply = await context.requests.ask(node.id, "settings")
        body = reply.get("data")
    else:
        async with context.client.get(node, "/api/config") as answer:
            body = json_object(await body_of(answer, SETTINGS_MAX_BYTES)) if answer.status == 200 else {}
    told = body.get("settings") if isinstance(body, dict) else None
    if not isinstance(told, list) or not told:
        raise Unreachable(f"{node.name} does not describe its settings.")
    return [one for one in told if isinstance(one, dict) and isinstance(one.get("key"), str)]


def input_id_of(key: str) -> str:
    """Return the id of a setting's HTML input."""
    return f"set-{key.replace('.', '-')}"


def sections_of(node: Node, told: list[dict[str, Any]], now_ms: int) -> list[SectionView]:
    """Return the settings by section, with current values as last published."""
    views = [_view(node, one, now_ms) for one in told]
    groups = itertools.groupby(views, key=lambda view: str(view.told.get("section") or ""))
    return [SectionView(name, list(group)) for name, group in groups]


def _view(node: Node, told: dict[str, Any], now_ms: int) -> SettingView:
    fields = {
        name: told[name] if isinstance(told.get(name), kind) else other for name, (kind, other) in _FIELDS.items()
    }
    told = {"value": None, **told, **fields}
    key, kind = str(told["key"]), str(told.get("type"))
    value = told.get("value")
    text = "\n".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
    if isinstance(value, bool):
        text = "on" if value else "off"
    if key in node.config and kind in {"bool", "choice", "int", "float"}:
        text = node.config[key]
    factor = 1
    if kind in {"int", "float"}:
        factor, told["unit"] = shown_unit(told["unit"], told["maximum"])
        text = shown(text, factor)
        told |= {limit: shown(told[limit], factor) for limit in ("minimum", "maximum")}
    return SettingView(
        told,
        "" if told.get("secret") else text,
        version_of(now_ms, node.config.get(key)),
        kind if kind in KINDS else "text",
        input_id_of(key),
        factor,
    )
