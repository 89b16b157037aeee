"""Generates the OpenAPI 3.1 document from the route table and the command registry."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel, TypeAdapter

from pi_cam_node.core.commands.all import registry
from pi_cam_node.core.commands.parsing import MAX_ID_CHARS
from pi_cam_node.core.commands.registry import Command
from pi_cam_node.web.api.models import Refusal, Reply
from pi_cam_node.web.api.refusals import is_of_api
from pi_cam_node.web.auth.signed_links import EXPIRES, SIGNATURE
from pi_cam_node.web.http.routes import Route
from pi_cam_node.web.http.status_codes import STATUSES, codes_of

COMMAND = "/api/commands/{verb}"
_REF = "#/components/schemas/{model}"
_REFUSED = {"application/json": {"schema": {"anyOf": [{"$ref": _REF.format(model=m)} for m in ("Reply", "Refusal")]}}}
MULTIPLE_CHOICES, BAD_REQUEST = 300, 400
# Arguments common to all commands.
_COMMON = {
    "id": {
        "anyOf": [{"type": "string", "minLength": 1, "maxLength": MAX_ID_CHARS}, {"type": "integer"}],
        "description": "Your name for the request. A repeated one gets the stored reply.",
        "examples": ["a1"],
    },
    "expires": {
        "anyOf": [{"type": "string", "format": "date-time"}, {"type": "number"}],
        "description": "The moment after which it shall not be carried out, or seconds since 1970.",
        "examples": ["2026-11-20T19:45:11Z"],
    },
}
_ABOUT = (
    "Pictures, states and commands of a camera node. Refusals of addresses below `/api/` are JSON, of all others plain "
    "text. An address with query parameters refuses those that it does not know, and repeated ones; one whose value is "
    "a long number, as in `t=1795203901`, is ignored."
)
_RIGHTS = {
    "public": "Open to everybody.",
    "view": "Shows pictures or states.",
    "control": "Changes something; a page of another site may not send it.",
}


@functools.lru_cache(maxsize=1)
def document(routes: tuple[Route, ...], version: str, cookie: str) -> dict[str, Any]:
    """Return the OpenAPI document of all routes and commands.

    Args:
        routes: The route table.
        version: Version of the node.
        cookie: Name of the session cookie.
    """
    schemas: dict[str, Any] = {}
    for model in (Reply, Refusal):
        _schema_of(model, schemas)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        for path, operation in _operations(route, schemas):
            paths.setdefault(path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "pi_cam_node",
            "version": version or "unknown",
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": _schemes(cookie)},
    }


def _schemes(cookie: str) -> dict[str, Any]:
    return {
        "token": {"type": "http", "scheme": "bearer", "description": "The token, for programs."},
        "basic": {"type": "http", "scheme": "basic", "description": "The token as the password, whatever the user."},
        "session": {"type": "apiKey", "in": "cookie", "name": cookie, "description": "After a login on /login."},
        "link": {
            "type": "apiKey",
            "in": "query",
            "name": SIGNATURE,
            "description": f"A signed link, which carries `{EXPIRES}` and `{SIGNATURE}` and ends.",
        },
    }


def _operations(route: Route, schemas: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield path and operation of a route; the command route yields one path for each verb."""
    if route.path != COMMAND:
        yield route.path, _operation(route, schemas)
        return
    for command in registry().values():
        yield route.path.replace("{verb}", command.verb), _command(route, command, schemas)


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    told = route.described
    summary = (inspect.getdoc(route.handler) or route.path).partition("\n")[0].replace("``", "`")
    schema = {} if told.model is None else {"schema": _schema_of(told.model, schemas)}
    content: dict[str, Any] = dict.fromkeys(told.content, schema)
    query = [
        {"name": name, "in": "query", "required": False, "schema": dict(schema), "description": description}
        for name, (schema, description) in told.query.items()
    ]
    body = {}
    if told.body is not None:
        accepted = {form: {"schema": _schema_of(told.body, schemas)} for form in told.forms}
        body = {"requestBody": {"required": True, "content": accepted}}
    return {
        "operationId": _name_of(route),
        "summary": summary,
        "description": _RIGHTS[route.need.right],
        "x-right": route.need.right,
        "security": _security(route),
        "parameters": [*_in_path(route.path), *query],
        **body,
        "responses": {"200": {"description": "As asked for.", "content": content}, **_others(route, content)},
    }


def _others(route: Route, content: dict[str, Any]) -> dict[str, Any]:
    """Return the responses of a route other than 200: its own, and those of its right and method.

    Args:
        route: The route.
        content: Content of its response with status 200.
    """
    told = dict(route.described.refusals)
    if route.described.query or route.described.body is not None:
        told.setdefault(400, "What was sent makes no sense.")
    if route.need.right != "public" or route.method not in ("GET", "HEAD"):
        told.setdefault(403, "The name, the page or the link may not do this; or privacy is on.")
    if route.need.right != "public":
        told.setdefault(401, "Who asks is not known.")
        told.setdefault(429, "Too many wrong tokens; wait as long as `Retry-After` says.")
    if route.method == "POST":
        told |= {408: "The body did not come in time.", 413: "It is too large.", 415: "It is of the wrong kind."}
    refused = _REFUSED if is_of_api(route) else {"text/plain": {}}
    found: dict[str, Any] = {}
    for status, description in sorted(told.items()):
        found[str(status)] = {"description": description}
        if status < MULTIPLE_CHOICES or status >= BAD_REQUEST:
            found[str(status)]["content"] = content if status < BAD_REQUEST else refused
    return found


def query_of(arguments: type[BaseModel]) -> dict[str, tuple[dict[str, Any], str]]:
    """Return query parameters for the arguments of a command."""
    properties = arguments.model_json_schema(ref_template=_REF, by_alias=False)["properties"]
    return {
        name: ({k: v for k, v in schema.items() if k not in ("title", "description")}, schema.get("description", ""))
        for name, schema in properties.items()
    }


def _schema_of(kind: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a type; schemas of its models are added to ``schemas``."""
    schema = TypeAdapter(kind).json_schema(ref_template=_REF)
    schemas.update(schema.pop("$defs", {}))
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        schemas[kind.__name__] = schema
        return {"$ref": _REF.format(model=kind.__name__)}
    return schema


def _command(route: Route, command: Command, schemas: dict[str, Any]) -> dict[str, Any]:
    name = f"{command.verb}-arguments"
    schemas[name] = arguments_schema(command, schemas)
    body = {"application/json": {"schema": {"$ref": _REF.format(model=name)}}}
    required = schemas[name].get("required", [])
    return {
        "operationId": command.verb,
        "summary": command.summary,
        "description": f"{_RIGHTS[route.need.right]} Plain text: `{command.usage}`.",
        "tags": ["commands"],
        "x-right": route.need.right,
        "security": _security(route),
        "requestBody": {"required": bool(required), "content": body},
        "responses": {**_others(route, {}), **_replies(command, schemas)},
    }


def arguments_schema(command: Command, schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a command's arguments; schemas of models are added to ``schemas``."""
    schema = command.arguments.model_json_schema(ref_template=_REF)
    schemas.update(schema.pop("$defs", {}))
    return {**schema, "description": command.usage, "properties": {**schema.get("properties", {}), **_COMMON}}


def _replies(command: Command, schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the responses of a command: one for each status of its possible reply codes."""
    told = {"verb": {"const": command.verb}, "ok": {"const": True}, "code": {"const": "ok"}}
    facts = {"type": "object", "properties": {**told, "data": _schema_of(command.data, schemas)}}
    done = {"allOf": [{"$ref": _REF.format(model="Reply")}, facts]}
    return {
        str(status): {
            "description": ", ".join(codes_of(status)),
            "content": {"application/json": {"schema": done}} if status == 200 else _REFUSED,
        }
        for status in sorted(set(STATUSES.values()))
    }


def _security(route: Route) -> list[dict[str, list[str]]]:
    if route.need.right == "public":
        return []
    names = ("token", "basic", "session", *(("link",) if route.need.signed else ()))
    return [{name: []} for name in names]


def _in_path(path: str) -> list[dict[str, Any]]:
    names: Sequence[str] = re.findall(r"{([^{}:]+)", path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _name_of(route: Route) -> str:
    """Return an operationId for generated clients, e.g. ``get_media_id_thumbnail``."""
    words = re.findall(r"[A-Za-z0-9]+", route.path) or ["page"]
    return "_".join([route.method.lower(), *words])
