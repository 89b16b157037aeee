"""Runs commands for route handlers and turns their replies into HTTP responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from pi_cam_node.base.errors import BadRequest, NodeError
from pi_cam_node.core.commands.registry import VERB_SHOWN
from pi_cam_node.web.api.models import Refusal
from pi_cam_node.web.context import WebContext
from pi_cam_node.web.http.status_codes import json_response, status_of


async def carry_out(context: WebContext, verb: str, arguments: bytes) -> web.Response:
    """Run a command; return its final reply with the status of its code."""
    try:
        answered = await context.run(verb, arguments)
    except NodeError as error:
        return json_response(refusal(context, verb, error), status_of(error.code))
    return json_response(answered.body, status_of_reply(answered.body))


def status_of_reply(body: Mapping[str, Any]) -> int:
    """Return the HTTP status of a reply: 404 if it reports an unknown id, else that of its code."""
    is_missing = body["code"] == "bad_request" and "missing" in body.get("data", {})
    return 404 if is_missing else status_of(body["code"])


def refusal(context: WebContext, verb: str, error: NodeError) -> dict[str, Any]:
    """Return a reply for a command that did not reach the node, or was not answered."""
    said = {"verb": verb[:VERB_SHOWN], "code": error.code, "message": error.text, "data": error.data}
    return Refusal.model_validate({**said, "node": context.info.get("id", "")}).model_dump()


def arguments_in(body: bytes, content_type: str) -> bytes:
    """Return the arguments of a command as JSON; an empty body means none.

    Raises:
        BadRequest: The body is no JSON object. The dispatcher validates its contents.
    """
    text = body.strip()
    if text and content_type != "application/json":
        raise BadRequest("ERROR: send application/json")
    if text and not text.startswith(b"{"):
        raise BadRequest("ERROR: the arguments must be a JSON object")
    return text
