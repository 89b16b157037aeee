"""Middleware of every request, also of unknown paths: authorization, reading of the body, errors, completion."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler

from pi_cam_node.base.errors import Busy, DeadlinePassed, PrivacyOn
from pi_cam_node.web.http.connection import BODY_BYTES_MAX, Connection
from pi_cam_node.web.http.query import check_query
from pi_cam_node.web.http.routes import Need, Route
from pi_cam_node.web.http.status_codes import retry_headers

_log = logging.getLogger(__name__)

BODY_DEADLINE_S = 10.0


class Middleware(Protocol):
    """Type of an aiohttp middleware; aiohttp 3.8 has no name for it."""

    def __call__(self, request: web.Request, handler: Handler) -> Awaitable[web.StreamResponse]:
        """Handle a request."""
        ...


class Gate(Protocol):
    """Authorizes requests."""

    def admit(self, request: web.Request, need: Need) -> None:
        """Authorize a request.

        Raises:
            web.HTTPException: It may not, or not yet.
        """
        ...


# Words the refusal of a request in the form that its sender expects; the route is ``None`` if there is none.
Worded = Callable[[web.Request, Route | None, web.HTTPException], None]


def guard(gate: Gate, declared: Mapping[web.AbstractRoute, Route], worded: Worded | None = None) -> Middleware:
    """Return the middleware.

    Args:
        gate: Authorizes requests.
        declared: The declaration of each route; undeclared routes need full rights.
        worded: Words refusals; by default they are plain text.
    """

    @web.middleware
    async def pass_guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        connection = request.protocol
        if not isinstance(connection, Connection):
            raise TypeError(f"a request came by a {type(connection).__name__}, which bounds nothing")
        connection.request_started()
        try:
            return await _judge(request, handler, gate, declared.get(request.match_info.route), worded)
        except ConnectionError as error:
            _log.debug("%s has gone: %s", connection.address, error)
            connection.force_close()
            return web.Response(status=400)  # the client has disconnected; nothing is sent
        finally:
            connection.request_finished(is_body_read=request.content.is_eof())

    return pass_guard


async def refuse_second_answer(request: web.Request, response: web.StreamResponse) -> None:
    """Abort the connection if another response to the request has begun; announce its end if the body is unread.

    An on_response_prepare handler of aiohttp, called before the head of a response is sent.

    Raises:
        ConnectionAbortedError: Another response has begun.
    """
    if isinstance(request.protocol, Connection):
        request.protocol.answer_begins(response, is_body_read=request.content.is_eof())


async def _judge(
    request: web.Request, handler: Handler, gate: Gate, route: Route | None, worded: Worded | None
) -> web.StreamResponse:
    """Authorize and handle a request, or send the refusal.

    Raises:
        web.HTTPException: The request was refused.
        ConnectionError: The client disconnected before it received the whole response.
    """
    try:
        await _admit(request, gate, route)
        is_public = route is not None and route.need.right == "public"
        if isinstance(request.protocol, Connection) and not is_public:
            request.protocol.request_allowed()
        return await _answer(request, handler)
    except web.HTTPException as refusal:
        if worded is not None:
            worded(request, route, refusal)
        await _send(request, refusal)
        raise


async def _admit(request: web.Request, gate: Gate, route: Route | None) -> None:
    """Authorize a request, check its query, and read its body.

    Raises:
        web.HTTPException: The request is refused, or its query or body is not acceptable.
        ConnectionError: The client disconnected.
    """
    gate.admit(request, route.need if route else Need())
    if route is not None:
        check_query(request, route)
    if route is not None and route.method == "POST":
        await _take_body(request, is_api=route.path.startswith("/api/"))


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Return the response once it is sent completely, so that the connection counts as served until then.

    Raises:
        web.HTTPException: The handler refused the request, or failed.
        ConnectionError: The client disconnected.
    """
    try:
        response = await handler(request)
    except (web.HTTPException, ConnectionError):
        raise
    except Exception as error:
        raise _failure(request, error) from None
    await _send(request, response)
    return response


async def _send(request: web.Request, response: web.StreamResponse) -> None:
    await response.prepare(request)
    await response.write_eof()


async def _take_body(request: web.Request, *, is_api: bool) -> None:
    """Read the body with limits on size and time; JSON is required for the API, as it needs a CORS preflight.

    Raises:
        web.HTTPException: The body is too large, too slow, or of the wrong type.
        ConnectionError: The connection was closed within the body.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise web.HTTPUnsupportedMediaType(text="send it without Content-Encoding\n")
    has_type = "Content-Type" in request.headers
    if is_api and has_type and request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="send application/json\n")
    if (request.content_length or 0) > BODY_BYTES_MAX:
        raise _too_large()
    try:
        body = await asyncio.wait_for(request.read(), BODY_DEADLINE_S)
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="the body did not come in time\n") from None
    except web.HTTPRequestEntityTooLarge:
        raise _too_large() from None
    except RuntimeError as error:  # aiohttp's error for a closed connection, e.g. after a body that is too large
        raise ConnectionResetError(str(error)) from error
    if is_api and body and not has_type:
        raise web.HTTPUnsupportedMediaType(text="send application/json\n")


def _too_large() -> web.HTTPException:
    return web.HTTPRequestEntityTooLarge(BODY_BYTES_MAX, 0, text=f"the body is longer than {BODY_BYTES_MAX} bytes\n")


def _failure(request: web.Request, error: Exception) -> web.HTTPException:
    """Return the response for an unexpected error; details are logged only."""
    if isinstance(error, Busy):
        return web.HTTPServiceUnavailable(text=f"{error}\n", headers=retry_headers(503))
    if isinstance(error, DeadlinePassed):
        return web.HTTPGatewayTimeout(text=f"{error}\n")
    if isinstance(error, PrivacyOn):
        return web.HTTPForbidden(text=f"{error.code}: {error.text}\n")
    _log.error("%s %s failed", request.method, request.path, exc_info=error)
    return web.HTTPInternalServerError(text="internal error; the log has more\n")
