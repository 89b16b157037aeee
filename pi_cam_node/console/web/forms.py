"""Reads the fields of forms and JSON objects as text."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from pi_cam_node.base.errors import BadRequest
from pi_cam_node.base.strict_json import read_json

FIELD_MAX = 4096


async def form_of(request: web.Request) -> Mapping[str, str]:
    """Return the fields of a form or JSON object; the last value of a repeated field.

    Raises:
        web.HTTPBadRequest: The body is malformed, or a field is too long.
        web.HTTPUnsupportedMediaType: The body has another content type.
    """
    if request.content_type == "application/json":
        return {name: value for name, value in (await json_of(request)).items() if isinstance(value, str)}
    if request.content_type not in {
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/octet-stream",
    }:
        raise web.HTTPUnsupportedMediaType(text="send a form or application/json\n")
    if (request.charset or "utf-8").lower() != "utf-8":  # some codecs decode to text that cannot be sent
        raise web.HTTPUnsupportedMediaType(text="send the form as UTF-8\n")
    try:
        posted = await request.post()
    except ValueError:
        raise web.HTTPBadRequest(text="that is no form\n") from None
    fields = {name: value for name, value in posted.items() if isinstance(value, str)}
    for name, value in fields.items():
        if len(value) > FIELD_MAX:
            raise web.HTTPBadRequest(text=f"{name[:64]} has more than {FIELD_MAX} characters\n")
    return fields


def span_of(form: Mapping[str, str]) -> list[str]:
    """Return the two times of day of a form, as they are; none where both are empty.

    Raises:
        BadRequest: One of them is empty.
    """
    times = [form.get(name, "").strip() for name in ("from", "to")]
    if any(times) and not all(times):
        raise BadRequest("Give both times of day, or neither.")
    return times if all(times) else []


async def several_of(request: web.Request, name: str) -> list[str]:
    """Return every value of a field of a form."""
    posted = await request.post()
    return [value for value in posted.getall(name, []) if isinstance(value, str)]


async def json_of(request: web.Request) -> Mapping[str, object]:
    """Return the JSON object of a request.

    Raises:
        web.HTTPBadRequest: The body is no JSON object.
    """
    try:
        body = read_json(await request.read() or b"{}")
    except ValueError:
        raise web.HTTPBadRequest(text="that is not JSON\n") from None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="send a JSON object\n")
    return body
