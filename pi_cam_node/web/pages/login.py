"""Routes for login and logout: exchange the token for a session cookie."""

from __future__ import annotations

import json

from aiohttp import web

from pi_cam_node.web.api.models import Login
from pi_cam_node.web.auth.access import access_of
from pi_cam_node.web.auth.sessions import LIFETIME_S
from pi_cam_node.web.http.routes import JSON, Described
from pi_cam_node.web.routes import route


@route(
    "POST",
    "/login",
    "public",
    Described(
        JSON,
        body=Login,
        forms=("application/x-www-form-urlencoded", "application/json"),
        refusals={303: "For a form: to the page.", 401: "That is not the token.", 429: "Too many wrong tries; wait."},
    ),
)
async def log_in(request: web.Request) -> web.StreamResponse:
    """Log in with the token in the field ``token`` of a form or JSON object."""
    access = access_of(request)
    is_form = request.content_type == "application/x-www-form-urlencoded"
    session = access.log_in(request, await _token_in(request, is_form=is_form))
    return with_session(request, _done("./", is_form=is_form), session)


def with_session(request: web.Request, response: web.Response, session: str) -> web.Response:
    """Add the session cookie to a response."""
    access = access_of(request)
    response.set_cookie(
        access.cookie,
        session,
        max_age=int(LIFETIME_S),
        path=access.cookie_path(request),
        httponly=True,
        samesite="Strict",
        secure=access.proxies.peer_of(request).scheme == "https",
    )
    return response


@route("POST", "/logout", "public", Described(JSON, refusals={303: "For a form: to the login."}))
async def log_out(request: web.Request) -> web.StreamResponse:
    """End the session of the request."""
    access = access_of(request)
    access.sessions.end(request.cookies.get(access.cookie, ""))
    response = _done("login", is_form=request.content_type == "application/x-www-form-urlencoded")
    response.del_cookie(access.cookie, path=access.cookie_path(request))
    return response


async def _token_in(request: web.Request, *, is_form: bool) -> str:
    """Return the field ``token`` of the body.

    Raises:
        web.HTTPBadRequest: The field is missing.
        web.HTTPUnsupportedMediaType: The body is neither a form nor JSON.
    """
    if is_form:
        try:
            given: object = (await request.post()).get("token")
        except (ValueError, LookupError):  # not UTF-8, or an unknown encoding
            raise web.HTTPBadRequest(text="that is no form\n") from None
    elif request.content_type == "application/json":
        try:
            fields = json.loads(await request.read())
        except (ValueError, RecursionError):
            raise web.HTTPBadRequest(text="that is not JSON\n") from None
        given = fields.get("token") if isinstance(fields, dict) else None
    else:
        raise web.HTTPUnsupportedMediaType(text="send a form or application/json\n")
    if not isinstance(given, str):
        raise web.HTTPBadRequest(text="the field token is missing\n")
    return given.strip()


def _done(where: str, *, is_form: bool) -> web.Response:
    """Return the response: a redirect for forms, else JSON."""
    if is_form:
        return web.Response(status=303, headers={"Location": where})
    return web.json_response({"ok": True})
