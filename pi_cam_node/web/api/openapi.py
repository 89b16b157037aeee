"""The description of the HTTP interface, OpenAPI 3.1, made from the table of routes and the registry of commands."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Iterator, Sequence
from typing import Any

from pi_cam_node.core.commands.all import registry
from pi_cam_node.core.commands.registry import Command
from pi_cam_node.web.api.schemas import BODIES, CONTENTS, NOT_FOUND, QUERIES, SCHEMAS, content_of
from pi_cam_node.web.auth.signed_links import EXPIRES, SIGNATURE
from pi_cam_node.web.http.routes import Route
from pi_cam_node.web.http.status_codes import STATUSES, codes_of

COMMAND = "/api/commands/{verb}"
_REF = "#/components/schemas/{model}"
_RIGHTS = {
    "public": "Open to everybody.",
    "view": "Shows pictures or states.",
    "control": "Changes something; a page of another site may not send it.",
}


@functools.lru_cache(maxsize=1)
def document(routes: tuple[Route, ...], version: str, cookie: str) -> dict[str, Any]:
    """Return the whole document: every route, and every command with its arguments and its reply.

    Args:
        routes: The whole table.
        version: Of the node.
        cookie: Name of the session's cookie.
    """
    schemas: dict[str, Any] = dict(SCHEMAS)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        for path, operation in _operations(route, schemas):
            paths.setdefault(path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "pi_cam_node",
            "version": version or "unknown",
            "description": "Pictures, states and commands of a camera node.",
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
    """Yield what a route offers; the one of the commands is written out, one path for each verb."""
    if route.path != COMMAND:
        yield route.path, _operation(route)
        return
    for command in registry().values():
        yield route.path.replace("{verb}", command.verb), _command(route, command, schemas)


def _operation(route: Route) -> dict[str, Any]:
    way = f"{route.method} {route.path}"
    summary = (inspect.getdoc(route.handler) or way).partition("\n")[0].replace("``", "`")
    content = content_of(way, CONTENTS.get(way, ("text/plain",)))
    answers: dict[str, Any] = {"200": {"description": "As asked for.", "content": content}}
    if way in NOT_FOUND:
        answers["404"] = {"description": NOT_FOUND[way]}
    if route.need.right != "public":
        answers["401"] = {"description": "Who asks is not known."}
    return {
        "operationId": _name_of(route),
        "summary": summary,
        "description": _RIGHTS[route.need.right],
        "x-right": route.need.right,
        "security": _security(route),
        "parameters": [*_in_path(route.path), *QUERIES.get(way, [])],
        **({"requestBody": BODIES[way]} if way in BODIES else {}),
        "responses": answers,
    }


def _command(route: Route, command: Command, schemas: dict[str, Any]) -> dict[str, Any]:
    name = f"{command.verb}-arguments"
    schemas[name] = _arguments(command, schemas)
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
        "responses": {"401": {"description": "Who asks is not known."}, **_replies(command)},
    }


def _arguments(command: Command, schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a command's arguments, and of what every command takes beside them."""
    schema = command.arguments.model_json_schema(ref_template=_REF)
    schemas.update(schema.pop("$defs", {}))
    common = SCHEMAS["Common"]["properties"]
    return {**schema, "description": command.usage, "properties": {**schema.get("properties", {}), **common}}


def _replies(command: Command) -> dict[str, Any]:
    """Return the answers of a command: one for each status that its reply may have."""
    verb = {"properties": {"verb": {"const": command.verb}}}
    done = {"allOf": [{"$ref": _REF.format(model="Reply")}, verb, {"properties": {"ok": {"const": True}}}]}
    refused = {"anyOf": [{"$ref": _REF.format(model=model)} for model in ("Reply", "Refusal")]}
    return {
        str(status): {
            "description": ", ".join(codes_of(status)),
            "content": {"application/json": {"schema": done if status == 200 else refused}},
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
    """Return a name for programs that are made from the document: ``get_media_id_thumbnail``."""
    words = re.findall(r"[A-Za-z0-9]+", route.path) or ["page"]
    return "_".join([route.method.lower(), *words])
